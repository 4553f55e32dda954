"""An organiser changes the calling hours: who waited for the old ones waits for the new."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from callers.calling import claim
from callers.contact_queue.hours_changed import settle
from callers.contact_queue.jobs import settle_hours
from callers.recording import record
from phonebank.models import Contact
from phonebank.stores import db
from tests.callers.conftest import PhoneBank
from tests.factories import create_contact

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVENING = datetime(2026, 1, 13, 20, tzinfo=UTC)  # a Tuesday in London


def week(opens: str, closes: str) -> dict[str, list[str]]:
    return {day: [opens, closes] for day in DAYS}


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 1, day, hour, tzinfo=UTC)


@pytest.fixture
def evenings(phone_bank: PhoneBank) -> PhoneBank:
    """A campaign that rings in the evenings only."""
    phone_bank.campaign.allow_drama_numbers = False
    phone_bank.campaign.hours = week("17:00", "21:00")
    for contact in phone_bank.contacts:
        contact.callable_at = EVENING - timedelta(days=1)
    db.session.commit()
    settle(phone_bank.campaign)
    settle(phone_bank.campaign)
    return phone_bank


def ring(bank: PhoneBank, outcome: str, **values: datetime) -> Contact:
    hold = claim(bank.sam)
    record(bank.sam, hold.call.id, outcome, **values)
    db.session.commit()
    return hold.contact


def test_longer_hours_bring_those_forward_who_only_waited_for_them(evenings: PhoneBank) -> None:
    with time_machine.travel(EVENING, tick=False):
        begun, rests = ring(evenings, "partial"), ring(evenings, "left_message")
        promised = ring(evenings, "call_back", callback_at=at(14, 11))
        other = create_contact(evenings.contact_list, phone=evenings.contacts[3].phone)
        db.session.commit()
        ring(evenings, "refused")
        assert rests.callable_at == at(15, 20)
        # Each has rested by eight in the morning, and would wait until five.
        assert begun.callable_at == promised.callback_at == at(14, 17)
        assert other.callable_at >= EVENING + timedelta(hours=21)
        evenings.campaign.hours = week("09:00", "21:00")
        db.session.commit()
        settle_hours()
        db.session.expire_all()
        assert begun.callable_at == at(14, 9)
        assert (promised.callback_at, promised.callable_at) == (at(14, 11), at(14, 11))
        assert rests.callable_at == at(16, 9)  # another time of day than the evening, now open
    with time_machine.travel(at(14, 10)):
        assert claim(evenings.sam).contact.id


def test_shorter_hours_send_them_on_and_nothing_moves_without_a_change(
    evenings: PhoneBank,
) -> None:
    with time_machine.travel(EVENING, tick=False):
        begun = ring(evenings, "partial")
        assert settle(evenings.campaign) == 0
        evenings.campaign.hours = week("18:00", "21:00")
        db.session.commit()
        assert settle(evenings.campaign) == 1
        assert begun.callable_at == at(14, 18)
        assert settle(evenings.campaign) == 0
        # Decided by the old hours while the change was being saved.
        begun.callable_at = at(14, 17)
        evenings.campaign.hours_settled = evenings.campaign.hours_settled | {"rounds": 1}
        db.session.commit()
        assert settle(evenings.campaign) == 1
        assert begun.callable_at == at(14, 18)
