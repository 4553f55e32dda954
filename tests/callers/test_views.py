"""Tests the volunteer's pages as a browser without JavaScript sees them, and the same as JSON."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from flask.testing import FlaskClient
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from callers.views.call_data import SHAPE
from phonebank.calls.answers import answers_of
from phonebank.calls.claim import claim
from phonebank.calls.hold import current_hold
from phonebank.contact_queue.expire_holds import expire_holds
from phonebank.core.db import db
from phonebank.models import (
    Call,
    CallerState,
    CampaignMode,
    CampaignState,
    Contact,
    ContactState,
    PartyState,
    SuppressionOrigin,
    now,
)
from phonebank.rules.outcomes import OUTCOMES, RETRIED
from phonebank.rules.time_zones import time_zone
from phonebank.suppressions.entries import is_suppressed, suppress
from phonebank.tallies.totals import campaign_totals
from scripts_library.library import source_of
from tests.conftest import NO_REDIS
from tests.factories import create_contact, create_script
from tests.phone_bank import PhoneBank, call_of, come_in

JSON = {"Accept": "application/json"}


@pytest.fixture
def sam(client: FlaskClient, phone_bank: PhoneBank) -> FlaskClient:
    """Sam's browser, in a campaign with a script."""
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    db.session.commit()
    come_in(client, phone_bank)
    return client


def open_call() -> Call:
    return db.session.scalars(select(Call).where(Call.ended_at.is_(None))).one()


def address_of(call: Call, what: str) -> str:
    return f"/calling/person/{call.id}/{what}"


def ask_for_person(browser: FlaskClient) -> TestResponse:
    return browser.post("/calling/next", follow_redirects=True)


def step_shown_on(page: TestResponse) -> str:
    """The id of the one step that the page shows."""
    shown = re.findall(r'<fieldset class="step" data-step="(\w+)" data-kind="\w+">', page.text)
    assert len(shown) == 1
    return shown[0]


def test_from_the_link_to_a_number_in_two_taps_and_one_field(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    phone_bank.party.door_open = True
    db.session.commit()
    link = f"/join/{phone_bank.party.code}"
    assert len(re.findall(r'<input[^>]*type="text"', client.get(link).text)) == 1
    page = client.post(link, data={"first_name": "Kit"}, follow_redirects=True)
    page = ask_for_person(client)
    contact = db.session.get_one(Contact, open_call().contact_id)
    assert page.request.path == "/calling/person"
    assert f'href="tel:{contact.phone}"' in page.text
    assert f"{contact.first_name} {contact.last_name}" in page.text


def test_the_tap_that_asks_for_a_person_is_the_promise(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    assert "I promise" in sam.get("/calling").text
    # The waiting page's address alone gives no one to a caller who has not promised.
    assert sam.get("/calling/wait").location == "/calling"
    ask_for_person(sam)
    db.session.refresh(phone_bank.sam)
    assert phone_bank.sam.promised_at is not None
    sam.post(address_of(open_call(), "give-back"))
    assert "I promise" not in sam.get("/calling").text


def test_the_briefing_says_who_for_what_to_say_and_what_the_campaign_wants(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    phone_bank.campaign.briefing = "Call *gently*.\n\n<script>alert(1)</script>"
    db.session.commit()
    page = sam.get("/calling").text
    assert f"<strong>{phone_bank.campaign.on_behalf_of}</strong>" in page
    assert "volunteer calling on behalf of" in page
    assert "<em>gently</em>" in page
    assert "<script>alert" not in page
    assert "/calling/practice" in page


def test_the_briefing_fits_the_way_in_which_the_campaign_calls(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    own_phone, connect = "Call the number on your own phone.", "Connect your phone"
    page = sam.get("/calling").text
    assert own_phone in page
    assert connect not in page
    phone_bank.campaign.script_id = None
    for mode in (CampaignMode.PHONE_BRIDGE, CampaignMode.PREDICTIVE):
        phone_bank.campaign.mode = mode
        db.session.commit()
        page = sam.get("/calling").text
        assert own_phone not in page
        assert connect in page
        assert "see your number. Don't hide it" not in page
        assert "Follow the steps" not in page


def test_who_waits_at_the_door_of_an_ended_campaign_hears_that_it_has_ended(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    phone_bank.sam.state = CallerState.WAITING
    phone_bank.sam.party_id = None
    db.session.commit()
    assert "An organiser has to let you in first." in sam.get("/calling").text
    assert sam.get("/calling", headers=JSON).json["state"] == "waiting"
    phone_bank.campaign.state = CampaignState.ENDED
    db.session.commit()
    # The open page asks for this, and reloads.
    assert sam.get("/calling", headers=JSON).json["state"] == "ended"
    page = sam.get("/calling")
    assert page.status_code == 410
    assert "The campaign has ended" in page.text
    assert "let you in" not in page.text


def test_who_waits_at_the_door_of_an_ended_party_hears_that_it_has_ended(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    phone_bank.sam.state = CallerState.WAITING
    phone_bank.party.state = PartyState.ENDED
    db.session.commit()
    assert sam.get("/calling", headers=JSON).json["state"] == "ended"
    assert "let you in" not in sam.get("/calling").text


def test_only_who_was_let_in_sees_the_teams_total_when_the_campaign_has_ended(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    phone_bank.party.goal = 40
    phone_bank.campaign.state = CampaignState.ENDED
    db.session.commit()
    assert "of 40 conversations" in sam.get("/calling").text
    phone_bank.sam.state = CallerState.WAITING
    db.session.commit()
    page = sam.get("/calling").text
    assert "The campaign has ended" in page
    assert "of 40 conversations" not in page


def test_a_call_has_the_number_the_words_and_every_way_it_can_end(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    page = unescape(ask_for_person(sam).text)
    # A caller taps the number on a phone, copies it on a computer, or scans it from there.
    for way in (
        f'href="tel:{open_call().phone}"',
        f'data-copy="{open_call().phone}"',
        "/person/qr.svg",
    ):
        assert way in page
    assert "Say in every call:" in page
    cards = page.split("If they say…")[1]
    assert "Who are you" in cards or "Who is" in cards
    panel = page.split("How did it end?")[1]
    for outcome in OUTCOMES.values():
        assert outcome.label in panel
        assert outcome.help in panel
    for time in ("In 3 hours", "This time tomorrow", "This time next week", "Another day or time"):
        assert time in panel


def test_no_answer_is_one_tap_and_brings_the_next(phone_bank: PhoneBank, sam: FlaskClient) -> None:
    ask_for_person(sam)
    first = open_call()
    page = sam.post(
        address_of(first, "outcome"), data={"outcome": "no_answer"}, follow_redirects=True
    )
    assert "Recorded: No answer." in page.text
    assert "You: 1 call, 0 conversations. Team: 0 of 50." in page.text
    assert open_call().contact_id != first.contact_id
    name = db.session.get_one(Contact, first.contact_id).first_name
    assert name not in page.text


def test_our_javascript_gets_the_next_person_in_the_same_answer(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    ask_for_person(sam)
    page = sam.post(
        address_of(open_call(), "outcome"),
        data={"outcome": "no_answer"},
        headers={"X-Phonebank-Screen": "1", "Accept": "text/html"},
    )
    assert page.status_code == 200
    assert f'data-call="{open_call().id}"' in page.text


def verdict_of(answer: TestResponse) -> str | None:
    return answer.headers.get("X-Phonebank-Call")


def test_an_answer_about_a_call_names_it_with_a_yes_or_a_no(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    ask_for_person(sam)
    call = open_call()
    told = {"X-Phonebank-Screen": "1"}
    kept = sam.post(address_of(call, "answers"), data={"step_id": "opening", "answer": "speaking"})
    assert verdict_of(kept) == f"{call.id} saved"
    wrong = sam.post(address_of(call, "answers"), data={"step_id": "opening", "answer": "danced"})
    assert (wrong.status_code, verdict_of(wrong)) == (422, f"{call.id} refused")
    unsaid = sam.post(address_of(call, "outcome"), data={}, headers=told)
    assert verdict_of(unsaid) == f"{call.id} refused"
    saved = sam.post(address_of(call, "outcome"), data={"outcome": "no_answer"}, headers=told)
    assert verdict_of(saved) == f"{call.id} saved"
    nobodys = uuid.uuid4()
    unknown = sam.post(f"/calling/person/{nobodys}/outcome", data={"outcome": "no_answer"})
    assert (unknown.status_code, verdict_of(unknown)) == (404, f"{nobodys} refused")
    # An answer about no call has no verdict.
    assert verdict_of(sam.get("/calling/person")) is None


@pytest.mark.parametrize("as_json", [False, True])
def test_no_character_in_a_note_loses_the_outcome(
    phone_bank: PhoneBank, sam: FlaskClient, as_json: bool
) -> None:
    ask_for_person(sam)
    call = open_call()
    body = {"outcome": "no_answer", "note": "rang\0 twice \x1b\u2028\U0010ffff"}
    sent = {"json": body} if as_json else {"data": body}
    assert verdict_of(sam.post(address_of(call, "outcome"), **sent)) == f"{call.id} saved"
    db.session.expire_all()
    assert call.note == "rang twice \x1b\u2028\U0010ffff"


@pytest.mark.parametrize("odd", ["1e999", "-1e999", "NaN", "1e30", "[]", "{}", '"\\u0000"', "true"])
def test_an_odd_id_of_the_person_reached_is_refused_in_words(
    phone_bank: PhoneBank, sam: FlaskClient, odd: str
) -> None:
    ask_for_person(sam)
    answer = sam.post(
        address_of(open_call(), "reached"),
        data=f'{{"contact_id": {odd}}}',
        headers=JSON | {"Content-Type": "application/json"},
    )
    assert answer.status_code in (400, 404, 422)
    assert answer.json["error"]["what_to_do"]


@pytest.mark.parametrize("meanwhile", ["ended", "paused", "party ended", "moved to a lobby"])
@pytest.mark.parametrize("headers", [{"X-Phonebank-Screen": "1", "Accept": "text/html"}, JSON])
def test_a_saved_outcome_counts_as_saved_whatever_keeps_the_next_person_away(
    phone_bank: PhoneBank, sam: FlaskClient, meanwhile: str, headers: dict[str, str]
) -> None:
    ask_for_person(sam)
    call = open_call()
    if meanwhile == "moved to a lobby":
        phone_bank.sam.state = CallerState.WAITING
    elif meanwhile == "party ended":
        phone_bank.party.state = PartyState.ENDED
    else:
        phone_bank.campaign.state = CampaignState(meanwhile)
    db.session.commit()
    for _ in "sent", "sent again":
        answer = sam.post(
            address_of(call, "outcome"), data={"outcome": "no_answer"}, headers=headers
        )
        assert verdict_of(answer) == f"{call.id} saved"
        db.session.expire_all()
        assert call.outcome == "no_answer"


def test_our_javascript_gets_the_next_address_in_the_answer_about_the_call(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    ask_for_person(sam)
    call = open_call()
    answer = sam.post(address_of(call, "give-back"), headers={"X-Phonebank-Screen": "1"})
    assert (answer.status_code, answer.location) == (200, None)
    assert answer.headers["X-Phonebank-Go-To"] == "/calling"
    assert verdict_of(answer) == f"{call.id} saved"


@pytest.mark.parametrize("away", [OperationalError("", {}, Exception()), RuntimeError("a fault")])
def test_a_fault_of_ours_settles_nothing(
    phone_bank: PhoneBank, sam: FlaskClient, monkeypatch: pytest.MonkeyPatch, away: Exception
) -> None:
    ask_for_person(sam)
    call = open_call()

    def fail(*_: object, **__: object) -> None:
        raise away

    monkeypatch.setattr("callers.views.record.record", fail)
    monkeypatch.setattr(sam.application, "testing", False)
    answer = sam.post(address_of(call, "outcome"), data={"outcome": "no_answer"})
    assert answer.status_code in (500, 503)
    assert (answer.headers["X-Phonebank"], verdict_of(answer)) == ("1", None)


def test_a_form_sent_twice_counts_once(phone_bank: PhoneBank, sam: FlaskClient) -> None:
    ask_for_person(sam)
    first = open_call()
    for outcome in ("no_answer", "no_answer", "do_not_call"):
        sam.post(address_of(first, "outcome"), data={"outcome": outcome})
    assert campaign_totals(phone_bank.campaign.id).calls == 1
    assert not is_suppressed(first.phone)
    assert db.session.scalar(select(func.count()).select_from(Call)) == 2


def test_reload_back_and_a_second_tap_show_the_same_person(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    pages = [ask_for_person(sam), ask_for_person(sam)]
    pages += [sam.get(p, follow_redirects=True) for p in ("/calling", "/calling/person")]
    pages += [sam.get(f"/join/{phone_bank.party.code}", follow_redirects=True)]
    assert {re.search(r'data-call="([^"]+)"', page.text).group(1) for page in pages} == {
        str(open_call().id)
    }


def test_the_script_follows_the_answers_without_javascript(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    def say(step_id: str, answer: str | list[str]) -> TestResponse:
        sent = {"step_id": step_id, "answer": answer}
        return sam.post(address_of(open_call(), "answers"), data=sent, follow_redirects=True)

    assert step_shown_on(ask_for_person(sam)) == "opening"
    assert step_shown_on(say("opening", "speaking")) == "introduction"
    assert step_shown_on(say("introduction", "happy_to_talk")) == "rating_before"
    page = say("rating_before", "5")
    assert step_shown_on(page) == "rating_why"
    assert 'data-stage="conversation"' in page.text
    # A step without an answer is done too, also after a reload.
    assert step_shown_on(say("rating_why", "")) == "issue"
    page = sam.get("/calling/person?change=rating_before")
    assert step_shown_on(page) == "rating_before"
    assert re.search(r'value="5" aria-pressed="true"', page.text)
    assert step_shown_on(say("rating_before", "10")) == "supporter"
    sam.post(address_of(open_call(), "outcome"), data={"outcome": "talked"})
    call = db.session.scalars(select(Call).where(Call.outcome == "talked")).one()
    assert call.conversation
    assert answers_of(call)["rating_before"] == 10
    assert answers_of(call)["rating_why"] is None
    mine = sam.get("/calling/mine", headers=JSON).json["calls"][0]
    assert mine["answers"] == 3


@pytest.mark.parametrize(
    ("ending", "bar", "button"),
    [
        ("outcome: wrong_number", "save", "Wrong number · next person"),
        ("outcome: call_back", "call-back", "This time tomorrow"),
        ("", "ask", "How did it end?"),
    ],
)
def test_the_last_step_saves_the_call_as_the_script_says(
    phone_bank: PhoneBank, client: FlaskClient, ending: str, bar: str, button: str
) -> None:
    source = source_of("persuasive-conversation", "en").replace("outcome: wrong_number", ending)
    create_script(phone_bank.campaign, source)
    db.session.commit()
    come_in(client, phone_bank)
    ask_for_person(client)
    sent = {"step_id": "opening", "answer": "wrong_person"}
    page = client.post(address_of(open_call(), "answers"), data=sent, follow_redirects=True).text
    assert f'data-bar="{bar}"' in page
    assert button in page.split("call-bar-inner")[1]


def test_help_says_which_button_means_what(client: FlaskClient) -> None:
    page = client.get("/help")
    assert page.status_code == 200
    for outcome in OUTCOMES.values():
        assert outcome.label in unescape(page.text)


def test_an_answer_that_the_step_does_not_have_is_explained_in_place(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    ask_for_person(sam)
    sent = {"step_id": "opening", "answer": "danced"}
    page = sam.post(address_of(open_call(), "answers"), data=sent)
    assert page.status_code == 422
    assert "Choose one of these answers" in page.text
    assert step_shown_on(page) == "opening"
    refused = sam.post(address_of(open_call(), "answers"), json=sent, headers=JSON)
    assert refused.status_code == 422
    assert answers_of(open_call()) == {}


def test_undo_brings_the_person_back(phone_bank: PhoneBank, sam: FlaskClient) -> None:
    ask_for_person(sam)
    first = open_call()
    sam.post(address_of(first, "outcome"), data={"outcome": "do_not_call"})
    assert is_suppressed(first.phone)
    page = sam.post(address_of(first, "undo"), follow_redirects=True)
    assert f'data-call="{first.id}"' in page.text
    assert campaign_totals(phone_bank.campaign.id).calls == 0
    assert "Recorded" not in page.text
    # Until the call has another outcome, nobody may call that number.
    assert is_suppressed(first.phone)
    assert "Their number is on the do-not-call list." in page.text
    assert "tel:" not in page.text
    sam.post(f"{address_of(first, 'outcome')}?turn=1", data={"outcome": "no_answer"})
    assert not is_suppressed(first.phone)


@pytest.mark.parametrize(
    ("since", "said"),
    [
        ("called", "Another caller is calling their number now."),
        ("uploaded again", "A newer upload has this person with that number."),
        ("not to be called", "An organiser or another call has put them on the do-not-call list."),
    ],
)
def test_an_undo_that_comes_too_late_says_why_and_leads_back_to_the_next_person(
    phone_bank: PhoneBank, sam: FlaskClient, since: str, said: str
) -> None:
    first, second, *others = phone_bank.contacts
    first.callable_at = now() - timedelta(days=2)  # the first in the queue
    for other in others:
        other.state = ContactState.FINISHED
    first.other_phones = ["+442079460999"]
    db.session.commit()
    ask_for_person(sam)
    call = open_call()
    sam.post(address_of(call, "outcome"), data={"outcome": "wrong_number"})
    following = open_call()
    assert following.contact_id == second.id
    if since == "not to be called":
        suppress(call.phone, SuppressionOrigin.ORGANISER)
    elif since == "uploaded again":
        create_contact(phone_bank.contact_list, phone=call.phone, name_key=first.name_key)
    else:
        first.callable_at = now() + timedelta(days=1)
        create_contact(phone_bank.contact_list, phone=call.phone)
        db.session.commit()
        assert claim(phone_bank.priya).call.phone == call.phone
    db.session.commit()
    page = sam.post(address_of(call, "undo"))
    assert page.status_code == 409
    for words in ("This can&#39;t be undone", said, "Back to calling"):
        assert words in page.text
    assert f'data-call="{following.id}"' in sam.get("/calling", follow_redirects=True).text
    assert call.outcome == "wrong_number"


def test_my_last_calls_tell_when_and_how_but_never_who(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    assert "No calls yet" in sam.get("/calling/mine").text
    ask_for_person(sam)
    for outcome in ("no_answer", "busy"):
        sam.post(address_of(open_call(), "outcome"), data={"outcome": outcome})
    page = sam.get("/calling/mine").text
    assert page.index("Busy") < page.index("No answer")
    assert page.count(">Change<") == 2
    assert re.findall(r'stat-value">(\d+)', page) == ["2", "0", "0"]
    assert page.count("<small>Person V") == 2  # the contacts are called Voter1, Voter2 and so on
    for contact in phone_bank.contacts:
        assert contact.first_name not in page
        assert contact.phone not in page
    with time_machine.travel(now() + timedelta(hours=13), tick=True):
        old = sam.get("/calling/mine").text
        assert ">Change<" not in old
        # The figures are of the last twelve hours, and the list is longer.
        assert re.findall(r'stat-value">(\d+)', old) == ["0", "0", "0"]
        assert old.index("The newest call is first.") < old.index("Busy")


def test_undo_says_what_it_did(phone_bank: PhoneBank, sam: FlaskClient) -> None:
    ask_for_person(sam)
    first = open_call()
    sam.post(address_of(first, "outcome"), data={"outcome": "no_answer"})
    sam.post(address_of(open_call(), "outcome"), data={"outcome": "busy"})
    # An older call can be corrected too.
    page = sam.post(address_of(first, "undo"), follow_redirects=True)
    assert f'data-call="{first.id}"' in page.text
    said = "Taken back: no answer. You're with the same person again."
    assert said in unescape(page.text)
    asked = {"X-Phonebank-Screen": SHAPE, "Accept": "text/html"}
    sam.post(address_of(first, "outcome"), data={"outcome": "no_answer"})
    last = sam.get("/calling/mine", headers=JSON).json["calls"][0]
    answer = sam.post(address_of(first, "undo"), headers=asked)
    assert (last["id"], answer.json["toast"]["said"]) == (str(first.id), said)
    assert answer.json["toast"]["undo"] == ""


def test_a_callback_is_confirmed_with_its_time_and_why_it_was_moved(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    ask_for_person(sam)
    zone = time_zone("Europe/London")
    day = now().astimezone(zone).date() + timedelta(days=7)
    words = f"{day:%A} {day.day} {day:%B}"

    def said(clock: str) -> str:
        sent = {"ring_back": "chosen", "date": day.isoformat(), "time": clock}
        asked = {"X-Phonebank-Screen": SHAPE, "Accept": "text/html"}
        answer = sam.post(address_of(open_call(), "outcome"), data=sent, headers=asked)
        return str(answer.json["toast"]["said"])

    assert said("18:30") == f"Recorded: Call back on {words} at 18:30 their time."
    moved = said("04:15")
    assert moved.startswith(f"Recorded: Call back on {words} at ")
    assert moved.endswith(" their time. 04:15 is outside calling hours there.")


def test_a_caller_in_the_lobby_sees_no_earlier_person_again(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    ask_for_person(sam)
    call = open_call()
    sam.post(address_of(call, "outcome"), data={"outcome": "no_answer", "next": "no"})
    assert ">Change<" in sam.get("/calling/mine").text
    phone_bank.sam.state = CallerState.WAITING  # as after joining a party whose door is shut
    db.session.commit()
    assert ">Change<" not in sam.get("/calling/mine").text
    name = db.session.get_one(Contact, call.contact_id).first_name
    refused = sam.post(address_of(call, "undo"), follow_redirects=True)
    assert (refused.status_code, name in refused.text) == (403, False)
    assert "Nobody has let you in yet" in refused.text
    assert call.outcome == "no_answer"


def test_a_break_releases_the_contact_and_asks_nothing(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    ask_for_person(sam)
    call = open_call()
    page = sam.post(address_of(call, "give-back"), follow_redirects=True)
    assert page.request.path == "/calling"
    assert "Were you still talking?" not in page.text
    db.session.refresh(call)
    assert (call.ending, call.outcome) == ("given_back", None)


def test_a_call_can_be_recorded_after_its_hold_expired(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    ask_for_person(sam)
    call = open_call()
    with time_machine.travel(now() + timedelta(minutes=20), tick=True):
        expire_holds(phone_bank.campaign)
        db.session.commit()
        page = sam.get("/calling/person", follow_redirects=True)
        assert "Were you still talking?" in page.text
        assert phone_bank.contacts[0].first_name not in page.text
        sam.post(address_of(call, "outcome"), data={"outcome": "talked"})
    db.session.refresh(call)
    assert (call.outcome, call.late, call.counted) == ("talked", True, True)
    assert campaign_totals(phone_bank.campaign.id).calls == 1


def test_a_callback_at_a_preset_is_one_tap(phone_bank: PhoneBank, sam: FlaskClient) -> None:
    ask_for_person(sam)
    contact_id = open_call().contact_id
    sam.post(address_of(open_call(), "outcome"), data={"ring_back": "tomorrow", "only_me": "yes"})
    contact = db.session.get_one(Contact, contact_id)
    assert contact.last_outcome == "call_back"
    assert contact.callback_caller_id == phone_bank.sam.id
    assert timedelta(hours=22) < contact.callback_at - now() < timedelta(hours=48)


def test_a_callback_at_a_time_that_is_past_is_refused_in_place(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    ask_for_person(sam)
    sent = {"ring_back": "chosen", "date": "2020-01-01", "time": "18:00"}
    page = sam.post(address_of(open_call(), "outcome"), data=sent)
    assert page.status_code == 422
    assert "That time has passed." in page.text
    assert f'data-call="{open_call().id}"' in page.text
    assert open_call().outcome is None


def test_a_callback_sent_again_after_its_time_counts_as_a_repeat(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    ask_for_person(sam)
    call = open_call()
    soon = (now() + timedelta(minutes=2)).astimezone(time_zone("Europe/London"))
    sent = {"ring_back": "chosen", "date": f"{soon:%Y-%m-%d}", "time": f"{soon:%H:%M}"}
    assert sam.post(address_of(call, "outcome"), json=sent, headers=JSON).json["changed"]
    with time_machine.travel(now() + timedelta(minutes=5), tick=True):
        again = sam.post(address_of(call, "outcome"), json=sent, headers=JSON)
    assert (again.status_code, again.json["changed"]) == (200, False)


def test_another_language_is_stored_with_the_contact(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    ask_for_person(sam)
    contact_id = open_call().contact_id
    sam.post(
        address_of(open_call(), "outcome"), data={"outcome": "language_barrier", "language": "cy"}
    )
    assert db.session.get_one(Contact, contact_id).language == "cy"


def test_with_no_one_to_call_the_page_says_when_the_next_one_is(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    ask_for_person(sam)
    for _ in phone_bank.contacts:
        page = sam.post(
            address_of(open_call(), "outcome"), data={"outcome": "busy"}, follow_redirects=True
        )
    assert page.request.path == "/calling/wait"
    assert re.search(r'<time datetime="[^"]+\+00:00" data-local="coming">(at|tomorrow) ', page.text)
    assert "Recorded: Busy." in page.text
    calls = len(phone_bank.contacts)
    assert f"You: <strong>{calls}</strong> calls, <strong>0</strong> conversations" in page.text
    assert f">0 of {phone_bank.party.goal} conversations<" in page.text
    answer = sam.post("/calling/next", headers=JSON)
    assert (answer.status_code, answer.json["person"]) == (200, None)
    assert answer.json["next_at"]


def test_a_pause_shows_a_page_that_tries_again_and_then_goes_on(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    phone_bank.campaign.state = CampaignState.PAUSED
    db.session.commit()
    page = ask_for_person(sam)
    assert page.status_code == 200
    assert "data-ask-every" in page.text
    assert '<noscript><meta http-equiv="refresh"' in page.text
    assert sam.post("/calling/next", headers=JSON).status_code == 409
    phone_bank.campaign.state = CampaignState.RUNNING
    db.session.commit()
    assert sam.get("/calling/wait").location == "/calling/person"


def test_before_the_campaign_starts_the_page_does_not_call_it_paused(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    phone_bank.campaign.state = CampaignState.DRAFT
    db.session.commit()
    page = ask_for_person(sam)
    assert "The campaign hasn't started yet." in unescape(page.text)
    assert "paused" not in page.text
    assert sam.post("/calling/next", headers=JSON).status_code == 409


def test_a_break_shows_how_long_it_lasts_and_then_goes_on(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    phone_bank.party.break_until = now() + timedelta(minutes=5)
    db.session.commit()
    until = phone_bank.party.break_until.isoformat()
    page = ask_for_person(sam)
    assert "Your host has called a break." in page.text
    assert re.search(r"data-countdown>(5:00|4:5\d)<", page.text)
    assert f'datetime="{until}"' in page.text
    assert "Try again now" not in page.text
    answer = sam.post("/calling/next", headers=JSON)
    assert (answer.status_code, answer.json["reason"], answer.json["next_at"]) == (
        200,
        "break",
        until,
    )
    phone_bank.party.paused, phone_bank.party.break_until = True, None
    db.session.commit()
    page = ask_for_person(sam)
    assert "when your host ends the break" in page.text
    assert "data-countdown" not in page.text
    phone_bank.party.paused = False
    db.session.commit()
    assert sam.get("/calling/wait").location == "/calling/person"


def test_an_outcome_during_a_pause_is_recorded(phone_bank: PhoneBank, sam: FlaskClient) -> None:
    ask_for_person(sam)
    call = open_call()
    phone_bank.party.paused = True
    db.session.commit()
    answer = sam.post(address_of(call, "outcome"), json={"outcome": "talked"}, headers=JSON)
    assert answer.status_code == 200
    assert (answer.json["outcome"], answer.json["person"]) == ("talked", None)
    assert campaign_totals(phone_bank.campaign.id).calls == 1


def test_a_party_that_ended_says_thank_you(phone_bank: PhoneBank, sam: FlaskClient) -> None:
    phone_bank.party.state = PartyState.ENDED
    db.session.commit()
    page = ask_for_person(sam)
    assert "The party has ended" in page.text
    assert "Thank you, Sam." in page.text


def test_without_redis_the_page_says_back_in_a_moment(
    phone_bank: PhoneBank, sam: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_for_person(sam)
    call = open_call()
    monkeypatch.setitem(sam.application.extensions, "redis", Redis.from_url(NO_REDIS))
    page = sam.post(address_of(call, "outcome"), data={"outcome": "busy"}, follow_redirects=True)
    assert page.status_code == 503
    assert "recorded is safe." in page.text
    assert "data-ask-every" in page.text
    db.session.refresh(call)
    assert call.outcome == "busy"


def lose_redis(*_: object) -> None:
    raise RedisError


def lose_connection(*_: object) -> None:
    db.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


@pytest.mark.parametrize("fault", [lose_redis, lose_connection])
def test_a_refill_that_fails_after_a_claim_keeps_nobody_from_the_person(
    phone_bank: PhoneBank,
    sam: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[..., None],
) -> None:
    monkeypatch.setattr("phonebank.contact_queue.queue.refill", fault)
    db.session.commit()
    answer = sam.post("/calling/next", headers=JSON)
    assert answer.status_code == 200
    assert answer.json["person"]["call_id"] == str(open_call().id)


def test_every_outcome_is_recorded_when_the_number_has_no_tries_left(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    phone_bank.campaign.retry_rules = {
        "attempts_at_most": 1,
        "outcomes": {key: {"retries_at_most": 0} for key in RETRIED},
    }
    moved = set()
    for number, key in enumerate(OUTCOMES):
        next_phone = f"+447700900{number:03}"
        create_contact(phone_bank.contact_list)
        db.session.commit()
        ask_for_person(sam)
        call = open_call()
        contact, address = db.session.get_one(Contact, call.contact_id), address_of(call, "outcome")
        contact.other_phones = [next_phone]
        db.session.commit()
        answer = sam.post(address, json={"outcome": key, "next": False}, headers=JSON)
        assert (answer.status_code, answer.json.get("changed")) == (200, True), key
        if (contact.state, contact.phone) == ("callable", next_phone):
            moved.add(key)
    assert moved == {"wrong_number", "disconnected", "line_fault"}


@pytest.mark.parametrize("what", ["answers", "outcome", "undo", "give-back", "renew"])
def test_another_callers_call_and_a_made_up_one_are_not_found(
    phone_bank: PhoneBank, sam: FlaskClient, what: str
) -> None:
    theirs = call_of(claim(phone_bank.priya))
    db.session.commit()
    sent = {"step_id": "opening", "answer": "speaking", "outcome": "do_not_call"}
    for path in (address_of(theirs, what), f"/calling/person/{uuid.uuid4()}/{what}"):
        assert sam.post(path, data=sent).status_code == 404
        refused = sam.post(path, json=sent, headers=JSON)
        assert refused.status_code == 404
        assert set(refused.json["error"]) == {"title", "message", "what_to_do"}
    assert sam.post(f"/calling/person/17/{what}", data=sent).status_code == 404
    db.session.expire_all()
    assert call_of(current_hold(phone_bank.priya)).outcome is None
    assert answers_of(theirs) == {}


def test_an_unknown_outcome_changes_nothing(phone_bank: PhoneBank, sam: FlaskClient) -> None:
    ask_for_person(sam)
    for sent in ({"outcome": "danced"}, {}, {"ring_back": "someday"}):
        assert sam.post(address_of(open_call(), "outcome"), data=sent).status_code == 422
        assert (
            sam.post(address_of(open_call(), "outcome"), json=sent, headers=JSON).status_code == 422
        )
    assert open_call().outcome is None
    assert campaign_totals(phone_bank.campaign.id).calls == 0


def test_a_call_from_start_to_end_as_json(phone_bank: PhoneBank, sam: FlaskClient) -> None:
    assert sam.get("/calling", headers=JSON).json["person"] is False
    assert sam.get("/calling/person", headers=JSON).status_code == 404
    person = sam.post("/calling/next", headers=JSON).json["person"]
    assert person["phone"].startswith("+44")
    assert person["step_id"] == "opening"
    url = f"/calling/person/{person['call_id']}"
    saved = sam.post(f"{url}/answers", json={"step_id": "opening", "answer": "speaking"})
    assert saved.json == {"step_id": "opening", "value": "speaking"}
    renewed = sam.post(f"{url}/renew", headers=JSON)
    assert 290 <= renewed.json["seconds_left"] <= 300
    told = sam.post(f"{url}/outcome", json={"outcome": "hung_up", "next": False}).json
    assert told == {"call_id": person["call_id"], "outcome": "hung_up", "changed": True}
    again = sam.post(f"{url}/outcome", json={"outcome": "hung_up"}).json
    assert again["changed"] is False
    assert again["person"]["call_id"] != person["call_id"]


def test_a_caller_with_an_open_page_counts_as_calling_now(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    ask_for_person(sam)
    with time_machine.travel(now() + timedelta(minutes=3), tick=True):
        sam.post(address_of(open_call(), "renew"), headers=JSON)
        db.session.refresh(phone_bank.sam)
        assert now() - phone_bank.sam.seen_at < timedelta(seconds=10)


def test_a_campaign_without_a_script_still_works(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    come_in(client, phone_bank)
    page = ask_for_person(client)
    sam = '<bdi data-merge="caller_name">Sam</bdi>'
    assert f"This is {sam}, a volunteer calling on behalf of" in page.text
    assert 'data-stage="plain"' in page.text
    client.post(address_of(open_call(), "outcome"), data={"outcome": "talked"})
    assert campaign_totals(phone_bank.campaign.id).conversations == 1


def test_no_title_address_or_log_line_names_the_person(
    phone_bank: PhoneBank, sam: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    page = ask_for_person(sam)
    contact = db.session.get_one(Contact, open_call().contact_id)
    title = re.search(r"<title>(.*?)</title>", page.text, re.DOTALL).group(1)
    assert contact.first_name not in title
    addresses = re.findall(r'(?:href|action|src)="([^"]*)"', page.text)
    assert contact.phone in "".join(addresses)  # only the tel: link has it
    others = [address for address in addresses if not address.startswith("tel:")]
    assert not any(contact.phone[1:] in a or contact.first_name in a for a in others)
    assert page.headers["Cache-Control"] == "no-store"
    sam.post(address_of(open_call(), "outcome"), data={"outcome": "danced"})
    sam.post(address_of(open_call(), "outcome"), data={"outcome": "talked"})
    for secret in (contact.first_name, contact.phone, contact.phone[-7:]):
        assert secret not in caplog.text


def test_only_the_caller_who_holds_the_contact_gets_the_number_as_a_picture(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    assert sam.get("/calling/person/qr.svg").status_code == 404
    ask_for_person(sam)
    picture = sam.get("/calling/person/qr.svg")
    assert picture.mimetype == "image/svg+xml"
    assert picture.headers["Cache-Control"] == "no-store"


def test_a_value_in_a_list_that_looks_like_markup_stays_text(
    phone_bank: PhoneBank, sam: FlaskClient
) -> None:
    for contact in phone_bank.contacts:
        contact.first_name = "<img src=x>{{ 7*7 }}"
        contact.fields = {"town": "<b>Leeds</b>"}
    db.session.commit()
    page = ask_for_person(sam).text
    assert "<img src=x>" not in page
    assert "<b>Leeds" not in page
    assert "&lt;img src=x&gt;{{ 7*7 }}" in page
