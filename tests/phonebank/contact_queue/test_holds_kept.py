"""A hold lasts until it expires, whatever another caller does late; and then it ends."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import delete

from callers.views.page_data import unrecorded_call
from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.hold import renew_hold
from phonebank.calls.record import record
from phonebank.calls.undo import undo
from phonebank.contact_queue.expire_holds import expire_holds
from phonebank.contact_queue.jobs import expire_all_holds
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.contact_queue.refill import refill
from phonebank.core.db import db
from phonebank.models import Call, CampaignState, Contact
from tests.phone_bank import PhoneBank

NOON = datetime(2026, 5, 6, 11, 0, tzinfo=UTC)  # in London, a Wednesday


def at(seconds: int) -> time_machine.travel:
    return time_machine.travel(NOON + timedelta(seconds=seconds), tick=False)


def only_one_person(bank: PhoneBank) -> Contact:
    only = bank.contacts[0]
    db.session.execute(delete(Contact).where(Contact.id != only.id))
    only.callable_at = NOON - timedelta(days=1)
    db.session.commit()
    return only


def test_an_outcome_that_comes_late_does_not_end_the_hold_of_who_has_the_person_now(
    phone_bank: PhoneBank,
) -> None:
    only_one_person(phone_bank)
    with at(0):
        first = claim(phone_bank.sam)
        db.session.commit()
    with at(400):
        expire_holds(phone_bank.campaign)
        now_theirs = claim(phone_bank.priya)
        db.session.commit()
        record(phone_bank.sam, first.call.id, "no_answer")
        db.session.commit()
    with at(600):
        renew_hold(phone_bank.priya, now_theirs.call.id)
        db.session.commit()
    with at(750):
        # Longer than a hold lasts since she was given them, and her screen has renewed it.
        assert expire_holds(phone_bank.campaign) == 0
    with at(950):
        assert expire_holds(phone_bank.campaign) == 1


def test_a_contact_back_on_a_screen_is_not_taken_by_its_callback(
    phone_bank: PhoneBank,
) -> None:
    person = only_one_person(phone_bank)
    with at(0):
        hold = claim(phone_bank.sam)
        db.session.commit()
        soon = NOON + timedelta(seconds=90)
        record(phone_bank.sam, hold.call.id, "call_back", callback_at=soon, only_me=False)
        db.session.commit()
        refill(phone_bank.campaign)
        undo(phone_bank.sam, hold.call.id)
        db.session.commit()
    with at(100):
        with pytest.raises(NobodyToCallError):
            claim(phone_bank.priya)
        db.session.rollback()
        assert person.id in redis_queue_of(phone_bank.campaign.id).held_until()


def test_a_contact_back_on_a_screen_after_long_is_held_as_long_as_any(
    phone_bank: PhoneBank,
) -> None:
    longest = phone_bank.campaign.hold_seconds_at_most
    with at(0):
        for contact in phone_bank.contacts:
            contact.callable_at = NOON
        db.session.commit()
        call_id = claim(phone_bank.sam).call.id
        db.session.commit()
    with at(longest - 10):  # they had much to say to each other
        record(phone_bank.sam, call_id, "talked")
        db.session.commit()
        claim(phone_bank.sam)
        db.session.commit()
    with at(longest + 60):
        undo(phone_bank.sam, call_id)
        db.session.commit()
    with at(longest + 300):
        renew_hold(phone_bank.sam, call_id)
        db.session.commit()
    with at(longest + 500):
        assert expire_holds(phone_bank.campaign) == 0
    with at(longest + 700):
        assert expire_holds(phone_bank.campaign) == 1
        # It was the last on the screen, so they are asked how it ended.
        assert unrecorded_call(phone_bank.sam).id == call_id


def test_holds_expire_in_a_campaign_that_has_ended(phone_bank: PhoneBank) -> None:
    with at(0):
        for contact in phone_bank.contacts:
            contact.callable_at = NOON
        db.session.commit()
        call_id = claim(phone_bank.sam).call.id
        phone_bank.campaign.state = CampaignState.ENDED
        db.session.commit()
    with at(400):
        expire_all_holds()
    db.session.expire_all()
    assert db.session.get_one(Call, call_id).ending == "expired"
