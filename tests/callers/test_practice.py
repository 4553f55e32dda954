"""Tests the practice call: it stores nothing, calls no one, and its feedback is kind."""

import json
import re
from dataclasses import replace
from html import unescape
from importlib import resources
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import func, select

from callers.practice.practice_call import (
    DEFAULT_PERSONA,
    FITTING,
    feedback_on,
    parse_answers,
    persona_of,
    personas_for,
    replies_of,
)
from callers.practice.said_numbers import number_said
from phonebank.core.db import db
from phonebank.experiments import services as experiments
from phonebank.models import Answer, Call, CallerState, Contact, ContactState, Suppression, Tally
from phonebank.rules.outcomes import OUTCOMES
from scripts_library.library import ready_made, source_of
from tests.factories import create_script
from tests.phone_bank import PhoneBank, come_in

PERSUASIVE = next(s for s in ready_made() if s.slug == "persuasive-conversation")
LONG_WAY: dict[str, Any] = {
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


def test_a_practice_call_from_first_word_to_last_without_javascript(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    page = sam.get("/calling/practice?with=undecided").text
    assert "You aren't calling anyone, and what you tap isn't saved." in page
    assert "tel:" not in page
    assert "Yeah, that&#39;s me." in page
    answers: dict[str, object] = {}
    for step_id, answer in LONG_WAY.items():
        sent = {"with": "undecided", "answers": json.dumps(answers), "step_id": step_id}
        step = sam.post(
            "/calling/practice", data=sent | {"answer": "" if answer is None else answer}
        )
        assert step.status_code == 200
        answers = json.loads(
            re.search(r'name="answers" value="([^"]*)"', step.text).group(1).replace("&#34;", '"')
        )
        assert answers[step_id] == answer
    sent = {"with": "undecided", "answers": json.dumps(answers), "outcome": "talked"}
    page = sam.post("/calling/practice/done", data=sent).text
    assert page.count("Well done.") == 8
    assert "Try this." not in page
    db.session.refresh(phone_bank.sam)
    assert phone_bank.sam.practised_at is not None
    assert nothing_happened(phone_bank)


def nothing_happened(phone_bank: PhoneBank) -> bool:
    """Whether the database has no call, no count, and every contact unchanged."""
    db.session.expire_all()
    rows = [
        db.session.scalar(select(func.count()).select_from(table))
        for table in (Call, Answer, Tally, Suppression)
    ]
    untouched = select(func.count()).where(
        Contact.last_called_at.is_(None),
        Contact.attempts == 0,
        Contact.state == ContactState.CALLABLE,
    )
    return rows == [0, 0, 0, 0] and db.session.scalar(untouched) == len(phone_bank.contacts)


@pytest.mark.parametrize(
    ("kind", "says", "outcome"),
    [
        ("cheerful", "Speaking! Who's this?", "talked"),
        ("undecided", "Yeah, that's me.", "call_back"),
        ("hostile", "What do you want?", "do_not_call"),
        ("wrong person", "nobody called that here", "wrong_number"),
        ("answerphone", "Leave a message after the tone.", "answerphone"),
    ],
)
def test_each_persona_answers_on_the_call_page_and_nothing_is_stored(
    phone_bank: PhoneBank, sam: FlaskClient, kind: str, says: str, outcome: str
) -> None:
    page = unescape(sam.get("/calling/practice", query_string={"with": kind}).text)
    # The page has the same parts as for a real call.
    for part in ('class="call"', "Say in every call:", "If they say…", "How did it end?"):
        assert part in page
    assert (
        "<strong>Practice.</strong> You aren't calling anyone, and what you tap isn't saved."
        in page
    )
    assert says in page
    for dialled in ("tel:", "data-copy=", "qr.svg"):
        assert dialled not in page
    sent = {"with": kind, "answers": json.dumps(LONG_WAY), "outcome": outcome, "note": "x"}
    assert "Well done." in sam.post("/calling/practice/done", data=sent).text
    assert nothing_happened(phone_bank)


def test_an_answer_that_the_step_does_not_have_is_explained(sam: FlaskClient) -> None:
    page = sam.post("/calling/practice", data={"step_id": "opening", "answer": "danced"})
    assert "Choose one of these answers" in page.text


def test_practice_works_without_a_script_and_before_the_door_opens(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    phone_bank.sam.state = CallerState.WAITING
    db.session.commit()
    come_in(client, phone_bank)
    assert "Alex Example" in client.get("/calling/practice").text
    page = client.post("/calling/practice/done", data={"outcome": "talked"})
    assert "That was practice" in page.text


def test_the_feedback_follows_what_the_caller_did() -> None:
    dev = persona_of(PERSUASIVE, "undecided")
    good = feedback_on(PERSUASIVE, dev, LONG_WAY, "talked", {})
    assert all(remark.good for remark in good)
    hasty = {key: LONG_WAY[key] for key in ("opening", "introduction", "rating_before")}
    told = " ".join(r.text for r in feedback_on(PERSUASIVE, dev, hasty, "talked", {}) if not r.good)
    assert "Ask why" in told
    assert "Ask for something" in told
    early = feedback_on(PERSUASIVE, dev, {"opening": "speaking"}, "hung_up", {})
    assert [remark.good for remark in early] == [False, False, False]
    assert "say who you are" in early[1].text
    assert early[1].text.startswith("You stopped before “Say who you are”.")
    assert "Where do they stand?" in early[2].text
    assert (
        "After that question, the script has “Ask why that number”, “Share why you care” and “Ask"
        in early[2].text
    )


@pytest.mark.parametrize(
    ("skipped", "told"),
    [
        ("introduction", "Once you have the right person, say who you are"),
        ("rating_why", "You stopped before “Ask why that number”. Ask why, then wait."),
        ("story", "You stopped before “Share why you care”. Say in a few words"),
        ("rating_after", "Ask for the number from 0 to 10 again at the end"),
        ("vote_ask", "Ask for something before you say goodbye"),
    ],
)
def test_the_feedback_suggests_what_the_caller_left_out(skipped: str, told: str) -> None:
    """The caller takes the long way, and ends it before one of its steps."""
    dev = persona_of(PERSUASIVE, "undecided")
    walked = list(LONG_WAY)[: list(LONG_WAY).index(skipped)]
    answers = {step_id: LONG_WAY[step_id] for step_id in walked}
    found = feedback_on(PERSUASIVE, dev, answers, "talked", {})
    assert [remark.good for remark in found if told in remark.text] == [False]
    whole = feedback_on(PERSUASIVE, dev, LONG_WAY, "talked", {})
    assert not any(told in remark.text for remark in whole)


def test_the_feedback_suggests_no_step_that_the_persona_does_not_reach() -> None:
    """The script asks a supporter for no reason, and a firm opponent for nothing more."""
    maureen = persona_of(PERSUASIVE, "cheerful")
    begun: dict[str, Any] = {"opening": "speaking", "introduction": "happy_to_talk"}
    supporter = begun | {"rating_before": 9, "supporter": None, "voting_method": "post"}
    whole = supporter | {"postal_vote": None, "help_ask": "maybe"}
    assert all(remark.good for remark in feedback_on(PERSUASIVE, maureen, whole, "talked", {}))
    told = [r.text for r in feedback_on(PERSUASIVE, maureen, supporter, "talked", {}) if not r.good]
    assert told == [
        "You stopped before “Ask for one more thing”."
        " Ask for something before you say goodbye, however small."
    ]


def test_the_feedback_compares_what_they_said_with_what_was_tapped(sam: FlaskClient) -> None:
    maureen = persona_of(PERSUASIVE, "cheerful")
    begun: dict[str, Any] = {"opening": "speaking", "introduction": "happy_to_talk"}
    firm = begun | {"rating_before": 0, "decided_against": "settled"}
    told = [r.text for r in feedback_on(PERSUASIVE, maureen, firm, "talked", {}) if not r.good]
    assert told == [
        "At “Where do they stand?” they said nine; you tapped zero."
        " Tap the number that they say, even if you would guess another."
    ]
    right = begun | {"rating_before": 9}
    praise = [r.text for r in feedback_on(PERSUASIVE, maureen, right, "talked", {}) if r.good]
    assert "You tapped the number that they said." in praise
    passed_over = begun | {"rating_before": None}
    told = [r.text for r in feedback_on(PERSUASIVE, maureen, passed_over, "talked", {})]
    assert any("they said nine; you tapped nothing." in text for text in told)
    # The page after the call says it, and its button brings the first person.
    sent = {"with": "cheerful", "answers": json.dumps(firm), "outcome": "talked"}
    page = unescape(sam.post("/calling/practice/done", data=sent).text)
    assert "they said nine; you tapped zero." in page
    assert 'action="/calling/next"' in page
    assert "Give me someone to call" in page


@pytest.mark.parametrize(
    ("reply", "language", "number"),
    [
        ("Nought. Less than nought.", "en", 0),
        ("Oh, eight. Maybe more.", "en", 8),
        ("A 10, obviously.", "en", 10),
        ("Six? Or seven.", "en", None),
        ("I don't know.", "en", None),
        ("A hundred and 50.", "en", None),
        ("Eher eine Sieben.", "de", 7),
        ("Seven.", "nl", None),
        ("7", "nl", 7),
    ],
)
def test_a_number_counts_as_said_if_the_reply_has_only_that_one(
    reply: str, language: str, number: int | None
) -> None:
    assert number_said(reply, language) == number


def test_a_hostile_persona_too_must_hear_who_calls() -> None:
    ellis = persona_of(PERSUASIVE, "hostile")
    told = {"opening": "speaking", "introduction": "not_interested"}
    assert [r.good for r in feedback_on(PERSUASIVE, ellis, told, "do_not_call", {})] == [True, True]
    short = feedback_on(PERSUASIVE, ellis, {"opening": "speaking"}, "do_not_call", {})
    assert [remark.good for remark in short] == [True, False]


def test_the_caller_asks_for_another_name_if_the_person_is_not_there(sam: FlaskClient) -> None:
    for kind in ("wrong person", "answerphone"):
        page = sam.get("/calling/practice", query_string={"with": kind}).text
        assert re.search(r"could I speak to <bdi [^>]*>Alex Example</bdi>", page)
    page = sam.get("/calling/practice?with=hostile").text
    assert re.search(r"could I speak to <bdi [^>]*>Mr Ellis</bdi>", page)


@pytest.mark.parametrize("kind", FITTING)
def test_each_kind_of_persona_has_a_fitting_outcome(kind: str) -> None:
    person = persona_of(PERSUASIVE, kind)
    assert person.kind == kind
    assert set(FITTING[kind]) <= set(OUTCOMES)
    assert feedback_on(PERSUASIVE, person, {}, FITTING[kind][0], {})[0].good
    assert not feedback_on(PERSUASIVE, person, {}, "skipped", {})[0].good


def test_every_ready_made_script_can_be_practised() -> None:
    for script in ready_made():
        for person in personas_for(script):
            assert set(replies_of(script, person)) == {step.id for step in script.steps}


@given(st.text() | st.recursive(st.integers() | st.text(), st.lists).map(json.dumps))
@example("[" * 100_000)
def test_malformed_answers_are_ignored(text: str) -> None:
    assert parse_answers(PERSUASIVE, text) == {}


def test_answers_that_the_script_cannot_take_are_dropped() -> None:
    sent = {"opening": "speaking", "rating_before": 11, "nowhere": "x", "issue": {"a": 1}}
    assert parse_answers(PERSUASIVE, json.dumps(sent)) == {"opening": "speaking"}


def test_practice_and_briefing_use_the_script_that_most_people_hear(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    own_script = phone_bank.campaign.script_id
    own = source_of("persuasive-conversation", "en")
    for who in ("Few", "Most"):
        source = own.replace("Hello, could I speak to", f"{who} hear this: is it")
        create_script(phone_bank.campaign, source.replace("a volunteer calling", f"as {who} hear"))
    phone_bank.campaign.script_id = own_script
    _, few, most = experiments.available_arm_scripts(phone_bank.campaign)
    arms = [experiments.NewArm(few, 10), experiments.NewArm(most, 90)]
    experiment = experiments.create_experiment(phone_bank.campaign, "Which?", arms)
    db.session.commit()
    assert "could I speak to" in sam.get("/calling/practice").text
    experiments.start(phone_bank.campaign, experiment)
    db.session.commit()
    assert "as Most hear" in sam.get("/calling").text
    page = sam.get("/calling/practice").text
    assert "Most hear this: is it" in page
    assert "could I speak to" not in page
    # The end leads to the other script, which stays through the practice call.
    end = sam.post("/calling/practice/done", data={"outcome": "talked"}).text
    other = re.search(r'href="(/calling/practice\?words=\d+)">Practise with the other script', end)
    assert other
    page = sam.get(other.group(1)).text
    assert "Few hear this: is it" in page
    words = re.search(r'name="words" value="(\d+)"', page)
    assert words
    sent = {"words": words.group(1), "step_id": "opening", "answer": "speaking"}
    page = sam.post("/calling/practice", data=sent).text
    assert page.count(f'name="words" value="{words.group(1)}"') == 3
    assert "Few hear this: is it" in page
    end = sam.post("/calling/practice/done", data=sent | {"outcome": "talked"}).text
    assert "as Few hear" in end
    # A script that nobody hears, for example another campaign's, cannot be practised.
    page = sam.get("/calling/practice?words=999999").text
    assert "Most hear this: is it" in page


def test_a_script_from_a_blank_page_can_be_practised_with_every_persona(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    blank = (resources.files("phonebank.scripts") / "blank.yaml").read_text("utf-8")
    create_script(phone_bank.campaign, blank)
    db.session.commit()
    come_in(client, phone_bank)
    for kind, says in (
        ("cheerful", "Yes, speaking! Who's that?"),
        ("undecided", "Yes, that's me."),
        ("hostile", "Who wants to know?"),
        ("wrong person", "There's nobody of that name here, sorry."),
        ("answerphone", "Please leave a message. Beep."),
    ):
        page = client.get("/calling/practice", query_string={"with": kind}).text
        assert says in unescape(page)
        # Every step has its reply, because the page goes on without asking the server.
        assert page.count('class="step-reply"') == page.count("data-step=") == 4


def test_no_persona_speaks_english_in_a_script_of_another_language() -> None:
    welsh = replace(PERSUASIVE, language="cy", practice=())
    assert personas_for(welsh) == [DEFAULT_PERSONA]
    assert set(replies_of(welsh, DEFAULT_PERSONA).values()) == {""}
