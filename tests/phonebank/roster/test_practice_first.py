"""Tests the practice call that a campaign may require before a caller's first real call."""

import json
import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.core.db import db
from phonebank.models import Call, Caller, CallerState
from phonebank.roster.practice_first import PracticeRequiredError
from scripts_library.library import source_of
from tests.factories import (
    create_account,
    create_campaign,
    create_list,
    create_party,
    create_script,
)
from tests.phone_bank import PhoneBank, come_in
from tests.scripts_library.small_scripts import SMALL

JSON = {"Accept": "application/json"}
AS_FAR_AS_NEEDED = {"opening": "speaking", "introduction": "happy_to_talk", "rating_before": 9}
WHY = "one practice call before"


@pytest.fixture
def strict(phone_bank: PhoneBank) -> PhoneBank:
    """The phone bank, with a script, where every caller must practise first."""
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    phone_bank.campaign.practice_first = True
    phone_bank.party.door_open = True
    db.session.commit()
    return phone_bank


def practise(
    browser: FlaskClient,
    kind: str = "cheerful",
    outcome: str = "talked",
    answers: dict[str, object] | None = None,
) -> str:
    """Make a practice call from its first page to its end, and return the page with feedback."""
    answers = AS_FAR_AS_NEEDED if answers is None else answers
    sent = {"with": kind, "answers": json.dumps(answers), "outcome": outcome}
    return browser.post("/calling/practice/done", data=sent).text


def count_calls() -> int:
    return db.session.scalar(select(func.count()).select_from(Call)) or 0


def test_asking_for_a_person_leads_to_practice_with_the_reason_and_the_time_it_takes(
    strict: PhoneBank, client: FlaskClient
) -> None:
    link = f"/join/{strict.party.code}"
    page = client.post(link, data={"first_name": "Kit"}, follow_redirects=True)
    assert "Make a practice call" in page.text
    assert "about 3 minutes" in page.text
    assert "Give me someone to call" not in page.text
    for asked in (client.post("/calling/next"), client.get("/calling/wait")):
        assert asked.location == "/calling/practice"
    page = client.get("/calling/practice")
    assert WHY in page.text
    assert "about 3 minutes" in page.text
    assert count_calls() == 0


def test_the_service_refuses_whichever_page_asks(strict: PhoneBank, client: FlaskClient) -> None:
    with pytest.raises(PracticeRequiredError):
        claim(strict.sam)
    come_in(client, strict)
    refused = client.post("/calling/next", headers=JSON)
    assert refused.status_code == 403
    assert WHY in refused.json["error"]["message"].lower()
    assert "/calling/practice" in refused.json["error"]["what_to_do"]
    assert client.get("/calling", headers=JSON).json["practice_first"] is True
    # Our own JavaScript on the call page is refused too.
    drawn = client.post("/calling/next", headers={"X-Phonebank-Screen": "1"})
    assert drawn.headers["X-Phonebank-Go-To"] == "/calling/practice"
    assert count_calls() == 0


def test_a_practice_call_opens_calling(strict: PhoneBank, client: FlaskClient) -> None:
    come_in(client, strict)
    page = practise(client)
    assert "Give me someone to call" in page
    page = client.get("/calling").text
    assert "Give me someone to call" in page
    assert "I promise" in page
    given = client.post("/calling/next", follow_redirects=True)
    assert given.request.path == "/calling/person"
    assert count_calls() == 1
    assert client.get("/calling", headers=JSON).json["practice_first"] is False
    assert WHY not in client.get("/calling/practice").text


@pytest.mark.parametrize(
    ("kind", "outcome", "answers"),
    [
        ("cheerful", "no_answer", {}),
        ("undecided", "talked", {"opening": "speaking"}),
        ("cheerful", "", AS_FAR_AS_NEEDED),
        ("hostile", "no_answer", {}),
        ("answerphone", "talked", {}),
    ],
)
def test_a_tap_is_not_a_practice_call(
    strict: PhoneBank,
    client: FlaskClient,
    kind: str,
    outcome: str,
    answers: dict[str, object],
) -> None:
    come_in(client, strict)
    page = practise(client, kind, outcome, answers)
    assert "Once more, please." in page
    assert "Where do they stand?" in page
    assert "Practise again" in page
    assert client.post("/calling/next").location == "/calling/practice"


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("hostile", "do_not_call"), ("wrong person", "wrong_number"), ("answerphone", "answerphone")],
)
def test_a_short_call_with_the_right_outcome_is_a_practice_call(
    strict: PhoneBank, client: FlaskClient, kind: str, outcome: str
) -> None:
    come_in(client, strict)
    assert "Give me someone to call" in practise(client, kind, outcome, {})
    assert claim(strict.sam)


def test_without_a_script_any_practice_call_is_enough(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    phone_bank.campaign.practice_first = True
    db.session.commit()
    come_in(client, phone_bank)
    assert "Give me someone to call" in practise(client, answers={})
    assert claim(phone_bank.sam)


def test_if_no_persona_reaches_the_main_question_the_last_step_is_far_enough(
    strict: PhoneBank, client: FlaskClient
) -> None:
    """No persona has a town, so no practice call reaches the main question."""
    asked_in_towns = SMALL.replace(
        "    next: support\n",
        "    branches:\n      - field: town\n        known: true\n        goto: support\n"
        "    next: help\n",
        1,
    )
    create_script(strict.campaign, asked_in_towns)
    db.session.commit()
    come_in(client, strict)
    page = practise(client, answers={"hello": None})
    assert "Get as far as the last step with someone who wants to talk" in page
    assert "Try to get as far as" not in page
    assert "Give me someone to call" in practise(client, answers={"hello": None, "help": "no"})


def test_the_page_names_only_personas_that_the_script_has(
    strict: PhoneBank, client: FlaskClient
) -> None:
    create_script(strict.campaign, SMALL.replace("character: cheerful", "character: hostile"))
    db.session.commit()
    come_in(client, strict)
    page = practise(client, outcome="no_answer")
    assert "Choose the ending that fits what they said. Your real calls come after that." in page
    assert "wants to talk" not in page
    assert "Give me someone to call" in practise(client, outcome="refused")


def test_a_practice_call_counts_in_the_next_party_and_not_in_another_campaign(
    strict: PhoneBank, client: FlaskClient
) -> None:
    come_in(client, strict)
    practise(client)
    next_week = create_party(strict.campaign, strict.host, door_open=True)
    elsewhere = create_campaign(practice_first=True)
    create_list(elsewhere)
    theirs = create_party(elsewhere, create_account("host"), door_open=True)
    db.session.commit()
    page = client.post(
        f"/join/{next_week.code}", data={"first_name": "Sam"}, follow_redirects=True
    ).text
    assert "Give me someone to call" in page
    page = client.post(
        f"/join/{theirs.code}", data={"first_name": "Sam"}, follow_redirects=True
    ).text
    assert "Make a practice call" in page


def test_a_device_that_left_must_practise_again(strict: PhoneBank, client: FlaskClient) -> None:
    come_in(client, strict)
    practise(client)
    assert "Give me someone to call" in client.get("/calling").text
    client.post("/leave")
    link = f"/join/{strict.party.code}"
    page = client.post(link, data={"first_name": "Sam"}, follow_redirects=True).text
    assert "Make a practice call" in page


def test_a_caller_who_has_called_already_need_not_practise(phone_bank: PhoneBank) -> None:
    first = claim(phone_bank.sam)
    phone_bank.campaign.practice_first = True
    db.session.commit()
    assert claim(phone_bank.sam).call.id == first.call.id
    record(phone_bank.sam, first.call.id, "no_answer")
    db.session.commit()
    assert claim(phone_bank.sam).call.id != first.call.id
    with pytest.raises(PracticeRequiredError):
        claim(phone_bank.priya)


def test_the_lobby_says_that_there_is_time_to_practise(
    strict: PhoneBank, client: FlaskClient
) -> None:
    strict.sam.state = CallerState.WAITING
    db.session.commit()
    come_in(client, strict)
    assert WHY in client.get("/calling").text
    assert re.search(r">Back<", practise(client))
    db.session.expire_all()
    strict.sam.state = CallerState.ADMITTED
    db.session.commit()
    assert claim(db.session.get_one(Caller, strict.sam.id))


def test_without_the_setting_no_practice_call_is_required(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    come_in(client, phone_bank)
    assert WHY not in client.get("/calling").text
    assert WHY not in client.get("/calling/practice").text
    assert client.post("/calling/next").location == "/calling/person"
