"""The practice call: nothing is kept, nobody is rung, and the words at the end are kind."""

import json
import re

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from callers.outcomes import OUTCOMES
from callers.practice import FITTING, answers_in, people, person_of, remarks, replies_of
from phonebank.models import Answer, Call
from phonebank.stores import db
from scripts_library.library import ready_made, source_of
from tests.callers.conftest import PhoneBank, come_in
from tests.factories import create_script

PERSUASIVE = next(s for s in ready_made() if s.slug == "persuasive-conversation")
LONG_WAY = {
    "opening": "speaking",
    "introduction": "happy_to_talk",
    "rating_before": 5,
    "rating_why": "promises",
    "issue": "housing",
    "listen": None,
    "story": None,
    "contrast": None,
    "rating_after": 7,
    "vote_ask": "yes",
}


@pytest.fixture
def sam(client: FlaskClient, phone_bank: PhoneBank) -> FlaskClient:
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    db.session.commit()
    come_in(client, phone_bank)
    return client


def test_a_practice_call_from_first_word_to_last_without_scripts(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    page = sam.get("/calling/practice?with=undecided").text
    assert "Nobody is rung and nothing is saved." in page
    assert "tel:" not in page
    assert "Yeah, that&#39;s me." in page
    answers: dict[str, object] = {}
    for step_id, answer in LONG_WAY.items():
        sent = {"with": "undecided", "answers": json.dumps(answers), "step_id": step_id}
        page = sam.post(
            "/calling/practice", data=sent | {"answer": "" if answer is None else answer}
        )
        assert page.status_code == 200
        answers = json.loads(
            re.search(r'name="answers" value="([^"]*)"', page.text).group(1).replace("&#34;", '"')
        )
        assert answers[step_id] == answer
    sent = {"with": "undecided", "answers": json.dumps(answers), "outcome": "talked"}
    page = sam.post("/calling/practice/done", data=sent).text
    assert page.count("Well done.") == 5
    assert "Try this." not in page
    db.session.refresh(phone_bank.sam)
    assert phone_bank.sam.practised_at is not None
    for table in (Call, Answer):
        assert db.session.scalar(select(func.count()).select_from(table)) == 0


def test_an_answer_that_the_step_does_not_have_is_explained(sam: FlaskClient) -> None:
    page = sam.post("/calling/practice", data={"step_id": "opening", "answer": "danced"})
    assert "That answer is not one of those offered here" in page.text


def test_practice_works_without_a_script_and_before_the_door_opens(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    phone_bank.sam.state = "waiting"
    db.session.commit()
    come_in(client, phone_bank)
    assert "Alex Example" in client.get("/calling/practice").text
    page = client.post("/calling/practice/done", data={"outcome": "talked"})
    assert "That was practice" in page.text


def test_the_words_at_the_end_follow_what_was_done() -> None:
    dev = person_of(PERSUASIVE, "undecided")
    good = remarks(PERSUASIVE, dev, LONG_WAY, "talked", {})
    assert all(remark.good for remark in good)
    hasty = {key: LONG_WAY[key] for key in ("opening", "introduction", "rating_before")}
    told = " ".join(r.text for r in remarks(PERSUASIVE, dev, hasty, "talked", {}) if not r.good)
    assert "Ask why" in told
    assert "Ask for something" in told
    early = remarks(PERSUASIVE, dev, {"opening": "speaking"}, "hung_up", {})
    assert [remark.good for remark in early] == [False, False]
    assert "Where do they stand?" in early[-1].text


def test_who_is_not_there_is_asked_for_by_another_name(sam: FlaskClient) -> None:
    for kind in ("wrong person", "answerphone"):
        page = sam.get("/calling/practice", query_string={"with": kind}).text
        assert "could I speak to <bdi>Alex Example</bdi>" in page
    page = sam.get("/calling/practice?with=hostile").text
    assert "could I speak to <bdi>Mr Ellis</bdi>" in page


@pytest.mark.parametrize("kind", FITTING)
def test_each_kind_of_person_has_a_fitting_outcome(kind: str) -> None:
    person = person_of(PERSUASIVE, kind)
    assert person.kind == kind
    assert set(FITTING[kind]) <= set(OUTCOMES)
    assert remarks(PERSUASIVE, person, {}, FITTING[kind][0], {})[0].good
    assert not remarks(PERSUASIVE, person, {}, "skipped", {})[0].good


def test_every_ready_made_script_can_be_practised() -> None:
    for script in ready_made():
        for person in people(script):
            assert set(replies_of(script, person)) == {step.id for step in script.steps}


@given(st.text() | st.recursive(st.integers() | st.text(), st.lists).map(json.dumps))
def test_whatever_is_sent_as_answers_is_harmless(text: str) -> None:
    assert answers_in(PERSUASIVE, text) == {}


def test_answers_that_the_script_cannot_take_are_dropped() -> None:
    sent = {"opening": "speaking", "rating_before": 11, "nowhere": "x", "issue": {"a": 1}}
    assert answers_in(PERSUASIVE, json.dumps(sent)) == {"opening": "speaking"}
