"""An organiser changes the calling hours: contacts that wait get a new time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.contact_queue import reschedule
from phonebank.contact_queue.reschedule import reschedule_campaigns, reschedule_contacts
from phonebank.core.db import db
from phonebank.models import Contact, ContactState
from phonebank.persons.actions import put_back, version_of
from tests.factories import create_account, create_contact
from tests.phone_bank import PhoneBank, contact_of

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVENING = datetime(2026, 1, 13, 20, tzinfo=UTC)  # a Tuesday in London


def week(opens: str, closes: str) -> dict[str, list[str]]:
    return {day: [opens, closes] for day in DAYS}


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 1, day, hour, tzinfo=UTC)


@pytest.fixture
def evenings(phone_bank: PhoneBank) -> PhoneBank:
    """A campaign that calls in the evenings only."""
    phone_bank.campaign.allow_drama_numbers = False
    phone_bank.campaign.hours = week("17:00", "21:00")
    for contact in phone_bank.contacts:
        contact.callable_at = EVENING - timedelta(days=1)
    db.session.commit()
    reschedule_contacts(phone_bank.campaign)
    reschedule_contacts(phone_bank.campaign)
    return phone_bank


def call_one(bank: PhoneBank, outcome: str, **values: Any) -> Contact:
    hold = claim(bank.sam)
    record(bank.sam, hold.call.id, outcome, **values)
    db.session.commit()
    return contact_of(hold)


def test_longer_hours_bring_contacts_forward_that_only_waited_for_them(evenings: PhoneBank) -> None:
    with time_machine.travel(EVENING, tick=False):
        begun, rests = call_one(evenings, "partial"), call_one(evenings, "left_message")
        promised = call_one(evenings, "call_back", callback_at=at(14, 11))
        other = create_contact(evenings.contact_list, phone=evenings.contacts[3].phone)
        db.session.commit()
        call_one(evenings, "refused")
        assert rests.callable_at == at(15, 20)
        # Each has rested by eight in the morning, and would wait until five.
        assert begun.callable_at == promised.callback_at == at(14, 17)
        assert other.callable_at == at(14, 20)
        evenings.contacts[4].state = ContactState.FINISHED
        evenings.campaign.hours = week("09:00", "21:00")
        db.session.commit()
        reschedule_campaigns()
        db.session.expire_all()
        assert begun.callable_at == at(14, 9)
        assert (promised.callback_at, promised.callable_at) == (at(14, 11), at(14, 11))
        assert rests.callable_at == at(16, 9)  # another time of day than the evening, now open
        assert other.callable_at == at(14, 20)  # a day after the call to their household
    with time_machine.travel(at(14, 10)):
        assert claim(evenings.sam).contact.id == begun.id


def test_shorter_hours_send_them_on_and_nothing_moves_without_a_change(
    evenings: PhoneBank,
) -> None:
    with time_machine.travel(EVENING, tick=False):
        begun = call_one(evenings, "partial")
        begun.rested_at = None  # as of a release that did not keep it
        db.session.commit()
        assert reschedule_contacts(evenings.campaign) == 0
        evenings.campaign.hours = week("18:00", "21:00")
        db.session.commit()
        assert reschedule_contacts(evenings.campaign) == 1
        assert begun.callable_at == at(14, 18)
        assert reschedule_contacts(evenings.campaign) == 0
        # Decided by the old hours while the change was being saved.
        begun.callable_at = at(14, 17)
        evenings.campaign.hours_settled = evenings.campaign.hours_settled | {"rounds": 1}
        db.session.commit()
        assert reschedule_contacts(evenings.campaign) == 1
        assert begun.callable_at == at(14, 18)


def test_a_household_waits_for_another_time_of_day_like_the_one_who_was_called(
    evenings: PhoneBank,
) -> None:
    evenings.campaign.hours = week("09:00", "21:00")
    called = evenings.contacts[0]
    other = create_contact(evenings.contact_list, phone=called.phone, callable_at=at(12, 20))
    db.session.commit()
    with time_machine.travel(at(13, 9), tick=False):
        called = call_one(evenings, "answerphone")
        db.session.refresh(other)
        assert called.phone == other.phone
        assert called.callable_at == other.callable_at == at(14, 12)
        evenings.campaign.hours = week("08:00", "21:00")
        db.session.commit()
        reschedule_campaigns()
        db.session.expire_all()
        assert called.callable_at == other.callable_at == at(14, 12)


def test_a_skip_does_not_hide_the_call_for_which_a_household_waits(evenings: PhoneBank) -> None:
    """An organiser puts the person back who was called. The next caller skips them."""
    evenings.campaign.hours = week("09:00", "21:00")
    phone = evenings.contacts[0].phone
    other = create_contact(evenings.contact_list, phone=phone, callable_at=at(12, 20))
    db.session.commit()
    with time_machine.travel(at(13, 9), tick=False):
        called = call_one(evenings, "answerphone")
        assert called.phone == phone
    with time_machine.travel(at(13, 11), tick=False):
        organiser = create_account("organiser")
        put_back(called, evenings.campaign, version_of(called), organiser)
        for contact in evenings.contacts:
            contact.callable_at = max(contact.callable_at, at(13, 12))
        called.callable_at = at(13, 11)
        db.session.commit()
        hold = claim(evenings.sam)
        assert hold.contact.id == called.id
        record(evenings.sam, hold.call.id, "skipped")
        db.session.commit()
        db.session.expire_all()
        assert (called.last_outcome, other.callable_at) == ("skipped", at(14, 12))
        evenings.campaign.hours = week("08:00", "21:00")
        db.session.commit()
        reschedule_campaigns()
        db.session.expire_all()
        assert other.callable_at == at(14, 12), "not in the morning, as at the answerphone"


def test_a_household_waits_a_day_after_a_call_that_somebody_answered(evenings: PhoneBank) -> None:
    evenings.campaign.hours = week("09:00", "21:00")
    phone = evenings.contacts[0].phone
    other = create_contact(evenings.contact_list, phone=phone, callable_at=at(12, 20))
    db.session.commit()
    with time_machine.travel(EVENING, tick=False):
        called = call_one(evenings, "bad_time")
        db.session.refresh(other)
        # The one who answered is called at another time of day, the others only a day later.
        assert (called.callable_at, other.callable_at) == (at(14, 9), at(14, 20))
        evenings.campaign.hours = week("08:00", "21:00")
        db.session.commit()
        reschedule_campaigns()
        db.session.expire_all()
        assert (called.callable_at, other.callable_at) == (at(14, 8), at(14, 20))


def test_contacts_that_wait_keep_their_time_when_the_retry_rules_change(
    evenings: PhoneBank,
) -> None:
    with time_machine.travel(EVENING, tick=False):
        rests = call_one(evenings, "left_message")
        until = rests.callable_at
        shorter = {"outcomes": {"left_message": {"rest_minutes": 1, "another_time_of_day": False}}}
        evenings.campaign.retry_rules = shorter
        db.session.commit()
        reschedule_campaigns()
        db.session.expire_all()
        assert rests.callable_at == until == at(15, 20)
        assert call_one(evenings, "left_message").callable_at == at(14, 17)


def test_a_promise_made_while_no_hour_is_open_is_kept_until_one_is(evenings: PhoneBank) -> None:
    """A contact that may be in either of two zones, which are never both open."""
    zone_key = "Asia/Tokyo|Europe/London"
    for contact in evenings.contacts:
        contact.zone_key = zone_key
    evenings.campaign.hours = week("09:00", "21:00")
    evenings.contact_list.zone_keys = [zone_key]
    db.session.commit()
    with time_machine.travel(at(13, 11), tick=False):
        hold = claim(evenings.sam)
        evenings.campaign.hours = week("17:00", "21:00")
        record(evenings.sam, hold.call.id, "call_back", callback_at=at(14, 10))
        db.session.commit()
        evenings.campaign.hours = week("09:00", "21:00")
        db.session.commit()
        reschedule_campaigns()
        db.session.expire_all()
        assert contact_of(hold).callback_at == contact_of(hold).callable_at == at(14, 10)
        assert contact_of(hold).callback_caller_id == evenings.sam.id


def test_many_are_looked_at_in_several_jobs(
    evenings: PhoneBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One contact a job here; none is checked twice in the same round."""
    monkeypatch.setattr(reschedule, "AT_ONCE", 1)
    monkeypatch.setattr(reschedule, "STOP_AFTER", timedelta(0))
    with time_machine.travel(EVENING, tick=False):
        waiting = sorted((call_one(evenings, "partial") for _ in range(3)), key=lambda who: who.id)
        evenings.campaign.hours = week("18:00", "21:00")
        db.session.commit()
        for looked_at in (1, 2, 3):
            reschedule_campaigns()
            db.session.expire_all()
            moved = [contact.callable_at == at(14, 18) for contact in waiting]
            assert moved == [n < looked_at for n in range(3)]
        for _ in range(5):  # the end of this round, and the next round
            assert evenings.campaign.hours_settled["rounds"] < reschedule.ROUNDS
            reschedule_campaigns()
            db.session.expire_all()
        assert evenings.campaign.hours_settled == {
            "hours": evenings.campaign.hours,
            "rounds": reschedule.ROUNDS,
        }
