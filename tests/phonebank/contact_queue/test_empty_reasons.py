"""Why there is nobody for a caller: the true reason, in words."""

import html
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.hold import release_hold
from phonebank.contact_queue.empty_reasons import MESSAGES, SOON, EmptyReason
from phonebank.contact_queue.status_counts import buckets_of
from phonebank.core.db import db
from phonebank.models import Call, CallEnding, Caller, Campaign, ContactState, ListState, now
from tests.factories import create_caller, create_campaign, create_contact, create_list
from tests.phone_bank import PhoneBank, come_in


def why(caller: Caller) -> tuple[EmptyReason, bool]:
    """The reason, and whether it says when the next person comes."""
    with pytest.raises(NobodyToCallError) as nobody:
        claim(caller)
    db.session.rollback()
    assert nobody.value.message == MESSAGES[nobody.value.why][0]
    return nobody.value.why, nobody.value.next_at is not None


@pytest.fixture
def last_one(phone_bank: PhoneBank) -> PhoneBank:
    """One person is left to call."""
    for contact in phone_bank.contacts[1:]:
        contact.state = ContactState.FINISHED
    db.session.commit()
    return phone_bank


def test_they_are_on_somebody_elses_screen(last_one: PhoneBank) -> None:
    held = claim(last_one.sam).call.id
    db.session.commit()
    assert why(last_one.priya) == (EmptyReason.ON_SCREENS, False)
    release_hold(last_one.sam, held)
    db.session.commit()
    assert claim(last_one.priya).contact.id == last_one.contacts[0].id


def test_the_page_of_the_one_who_waits_tries_again_by_itself(
    last_one: PhoneBank, client: FlaskClient
) -> None:
    claim(last_one.sam)
    db.session.commit()
    come_in(client, last_one, last_one.priya)
    page = client.post("/calling/next", follow_redirects=True).text
    assert "on another caller&#39;s screen" in page
    assert "data-ask-every" in page
    assert "left to call on the list" not in page
    answer = client.get("/calling/wait", headers={"Accept": "application/json"}).json
    assert (answer["reason"], answer["next_at"]) == ("on_screens", None)


def test_the_rest_of_a_household_waits_for_the_one_on_the_phone(last_one: PhoneBank) -> None:
    create_contact(last_one.contact_list, phone=last_one.contacts[0].phone, first_name="Zoe")
    db.session.commit()
    claim(last_one.sam)
    db.session.commit()
    assert why(last_one.priya) == (EmptyReason.ON_SCREENS, False)


def test_those_on_screens_come_before_those_who_rest_for_long(last_one: PhoneBank) -> None:
    resting = create_contact(last_one.contact_list, callable_at=now() + timedelta(hours=2))
    claim(last_one.sam)
    db.session.commit()
    assert why(last_one.priya) == (EmptyReason.ON_SCREENS, True)
    resting.callable_at = now() + timedelta(minutes=10)
    db.session.commit()
    assert why(last_one.priya) == (EmptyReason.RESTING, True)


def test_they_rest(last_one: PhoneBank) -> None:
    last_one.contacts[0].callable_at = now() + timedelta(hours=2)
    db.session.commit()
    assert why(last_one.sam)[0] == EmptyReason.RESTING


def test_it_is_too_late_where_they_are(last_one: PhoneBank) -> None:
    shut = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
    last_one.campaign.allow_drama_numbers = False
    last_one.campaign.hours = shut | {day_after_tomorrow(): ["10:00", "20:00"]}
    db.session.commit()
    assert why(last_one.sam) == (EmptyReason.OUT_OF_HOURS, True)


def day_after_tomorrow() -> str:
    return (now() + timedelta(days=2)).strftime("%a").lower()


def test_they_speak_another_language(last_one: PhoneBank) -> None:
    last_one.contacts[0].language = "cy"
    last_one.contact_list.languages = ["", "cy"]
    db.session.commit()
    assert why(last_one.sam) == (EmptyReason.LANGUAGE, False)


def test_they_are_in_a_list_that_the_caller_was_not_given(last_one: PhoneBank) -> None:
    other = create_list(last_one.campaign)
    last_one.sam.list_ids = [other.id]
    db.session.commit()
    assert why(last_one.sam) == (EmptyReason.OTHER_LISTS, False)


def test_their_list_is_paused(last_one: PhoneBank) -> None:
    last_one.contact_list.removed = True
    db.session.commit()
    assert why(last_one.sam) == (EmptyReason.PAUSED, False)


def test_a_list_is_still_being_read(last_one: PhoneBank) -> None:
    last_one.contacts[0].state = ContactState.FINISHED
    create_list(last_one.campaign, state=ListState.IMPORTING)
    db.session.commit()
    assert why(last_one.sam) == (EmptyReason.BEING_READ, False)


def test_all_have_been_called(last_one: PhoneBank) -> None:
    last_one.contacts[0].state = ContactState.FINISHED
    last_one.contact_list.rows_stored = 5
    db.session.commit()
    assert why(last_one.sam) == (EmptyReason.DONE, False)


def test_nobody_was_ever_uploaded(last_one: PhoneBank) -> None:
    last_one.contacts[0].state = ContactState.FINISHED
    last_one.contact_list.rows_stored = 0
    db.session.commit()
    assert why(last_one.sam) == (EmptyReason.EMPTY, False)


# A Wednesday. It's 10:00 in New York, where people may be called, and 07:00 in Los Angeles, where
# they may be called in two hours.
MORNING = datetime(2026, 6, 10, 14, tzinfo=UTC)
CONTACTS: dict[str, dict[str, Any]] = {
    "ready": {},
    "rests for ten minutes": {"callable_at": MORNING + timedelta(minutes=10)},
    "rests for three hours": {"callable_at": MORNING + timedelta(hours=3)},
    "asked for a call at twelve": {
        "callable_at": MORNING + timedelta(hours=2, minutes=10),
        "callback_at": MORNING + timedelta(hours=2, minutes=10),
    },
    "is asleep": {"zone_key": "America/Los_Angeles"},
    "speaks another language": {"language": "es"},
    "is on a paused list": {},
    "is on a screen": {},
    "is finished": {"state": ContactState.FINISHED},
    "has no number": {"state": ContactState.UNUSABLE},
    "is never to be called": {"suppressed_at": MORNING},
}


def reason_of_buckets(campaign: Campaign) -> EmptyReason | None:
    """The reason that follows from what organisers see; None if there is somebody to call."""
    buckets = {bucket.key: bucket for bucket in buckets_of(campaign) if bucket.contacts}
    coming = {bucket.next_at: key for key, bucket in buckets.items() if bucket.next_at}
    if "ready" in buckets:
        return None
    if coming and not ("held" in buckets and min(coming) - now() > SOON):
        is_closed = coming[min(coming)] == "out_of_hours"
        return EmptyReason.OUT_OF_HOURS if is_closed else EmptyReason.RESTING
    for key, reason in (
        ("held", EmptyReason.ON_SCREENS),
        ("language", EmptyReason.LANGUAGE),
        ("removed", EmptyReason.PAUSED),
    ):
        if key in buckets:
            return reason
    return EmptyReason.DONE if buckets else EmptyReason.EMPTY


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(kinds=st.lists(st.sampled_from(sorted(CONTACTS)), max_size=4))
def test_the_sentence_on_the_page_follows_from_the_buckets(
    phone_bank: PhoneBank, client: FlaskClient, kinds: list[str]
) -> None:
    with time_machine.travel(MORNING, tick=False):
        campaign = create_campaign(country="US", allow_drama_numbers=False)
        fill(campaign, kinds)
        come_in(client, phone_bank, create_caller(campaign, promised_at=MORNING))
        db.session.commit()
        expected = reason_of_buckets(campaign)
        page = client.get("/calling/wait")
        # Another example may use these numbers.
        db.session.execute(update(Call).values(ended_at=MORNING, ending=CallEnding.EXPIRED))
        db.session.commit()
    if expected is None:
        assert page.location == "/calling/person"
        return
    assert f'data-reason="{expected}' in page.text
    words = html.unescape(page.text)
    assert [why for why, (said, _) in MESSAGES.items() if said in words] == [expected]


def fill(campaign: Campaign, kinds: list[str]) -> None:
    """Put a contact of each of these kinds of CONTACTS into the campaign."""
    zones = ["America/New_York", "America/Los_Angeles"]
    values = {"zone_keys": zones, "languages": ["", "es"], "rows_stored": len(kinds)}
    in_use, paused = (create_list(campaign, **values, removed=removed) for removed in (False, True))
    rested = {"zone_key": zones[0], "callable_at": MORNING - timedelta(days=1)}
    for kind in kinds:
        contact = create_contact(
            paused if kind == "is on a paused list" else in_use, **rested | CONTACTS[kind]
        )
        if kind == "is on a screen":
            call = Call(
                campaign_id=campaign.id,
                contact_id=contact.id,
                caller_id=create_caller(campaign).id,
                phone=contact.phone,
                expires_at=MORNING + timedelta(minutes=5),
            )
            db.session.add(call)
