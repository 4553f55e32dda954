"""Undoing an outcome: the contact, the household and the totals are as before."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from callers.views.page_data import last_calls
from phonebank.calls.claim import claim
from phonebank.calls.hold import current_hold, release_hold
from phonebank.calls.record import record
from phonebank.calls.undo import last_recorded_id, undo
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, HoldLostError
from phonebank.models import (
    Contact,
    ContactState,
    SuppressionOrigin,
)
from phonebank.suppressions.entries import is_suppressed, suppress
from phonebank.tallies.reconcile import differences
from phonebank.tallies.totals import campaign_totals
from tests.factories import create_contact
from tests.phone_bank import PhoneBank, call_of, contact_of
from tests.phonebank.calls.recorded_calls import counts, party, record_call


def test_undo_gives_back_exactly_what_was(phone_bank: PhoneBank) -> None:
    for outcome in ("no_answer", "do_not_call", "talked", "wrong_number", "skipped", "line_fault"):
        hold = claim(phone_bank.sam)
        db.session.commit()
        contact = contact_of(hold)
        before = {c.name: getattr(contact, c.name) for c in Contact.__table__.columns}
        board = counts(party(phone_bank))
        record(phone_bank.sam, hold.call.id, outcome)
        db.session.commit()
        undo(phone_bank.sam, hold.call.id)
        db.session.commit()
        db.session.refresh(contact)
        after = {c.name: getattr(contact, c.name) for c in Contact.__table__.columns}
        assert after == before, outcome
        assert counts(party(phone_bank)) == board
        assert not is_suppressed(hold.call.phone)
        assert current_hold(phone_bank.sam).call.id == hold.call.id
        assert differences() == []


@pytest.mark.parametrize("outcome", ["no_answer", "wrong_number", "do_not_call"])
def test_undo_puts_nobody_on_a_screen_who_is_not_to_be_called(
    phone_bank: PhoneBank, outcome: str
) -> None:
    phone_bank.contacts[0].other_phones = ["+447700900111"]
    call = record_call(phone_bank, outcome)
    suppress(call.phone, SuppressionOrigin.ORGANISER)
    db.session.commit()
    with pytest.raises(HoldLostError):
        undo(phone_bank.sam, call.id)
    db.session.rollback()
    assert current_hold(phone_bank.sam) is None


def test_undo_puts_nobody_on_a_screen_another_of_whose_numbers_is_not_to_be_called(
    phone_bank: PhoneBank,
) -> None:
    phone_bank.contacts[0].other_phones = ["+447700900111"]
    call = record_call(phone_bank, "wrong_number")
    suppress("+447700900111", SuppressionOrigin.ORGANISER)
    db.session.commit()
    with pytest.raises(HoldLostError):
        undo(phone_bank.sam, call.id)


def test_undoing_a_dead_number_gives_back_the_whole_household(phone_bank: PhoneBank) -> None:
    called = phone_bank.contacts[0]
    other = create_contact(phone_bank.contact_list, phone=called.phone, first_name="Zoe")
    settled = create_contact(
        phone_bank.contact_list, phone=called.phone, name_key="settled", state="finished"
    )
    mobile = "+447700900123"
    has_mobile = create_contact(
        phone_bank.contact_list, phone=called.phone, name_key="mob", other_phones=[mobile]
    )
    db.session.commit()
    call = record_call(phone_bank, "disconnected")
    db.session.expire_all()
    assert (called.state, other.state) == ("unusable", "unusable")
    assert (has_mobile.state, has_mobile.phone) == ("callable", mobile)
    undo(phone_bank.sam, call.id)
    db.session.commit()
    db.session.expire_all()
    assert (called.state, other.state, settled.state) == ("callable", "callable", "finished")
    assert (has_mobile.phone, has_mobile.other_phones) == (called.phone, [mobile])


@pytest.mark.parametrize("since", ["in a call", "uploaded again"])
def test_undoing_a_dead_number_leaves_contacts_in_calls_or_uploaded_again(
    phone_bank: PhoneBank, since: str
) -> None:
    called, *strangers = phone_bank.contacts
    for stranger in strangers:
        stranger.state = ContactState.FINISHED
    called.callable_at = datetime.now(UTC) - timedelta(days=2)  # the first
    mobile = "+442079460999"
    other = create_contact(
        phone_bank.contact_list, phone=called.phone, name_key="zoe", other_phones=[mobile]
    )
    db.session.commit()
    call = record_call(phone_bank, "disconnected")
    if since == "in a call":
        assert claim(phone_bank.priya).call.phone == mobile
    else:
        create_contact(phone_bank.contact_list, phone=called.phone, name_key="zoe")
    db.session.commit()
    undo(phone_bank.sam, call.id)
    db.session.commit()
    assert (called.state, other.phone, other.other_phones) == ("callable", mobile, [])


@pytest.mark.parametrize("outcome", ["no_answer", "refused", "wrong_number", "call_back"])
def test_undo_ends_the_wait_of_the_household(phone_bank: PhoneBank, outcome: str) -> None:
    called = phone_bank.contacts[0]
    called.callable_at = datetime.now(UTC) - timedelta(days=2)  # the first
    others = [
        create_contact(
            phone_bank.contact_list, phone=called.phone, callable_at=at, rested_at=rested
        )
        for at, rested in (
            (datetime.now(UTC) - timedelta(days=1), None),
            (datetime.now(UTC) + timedelta(minutes=5), datetime.now(UTC) - timedelta(hours=9)),
            (datetime.now(UTC) + timedelta(days=30), datetime.now(UTC) + timedelta(days=30)),
        )
    ]
    before = [(other.callable_at, other.rested_at) for other in others]
    db.session.commit()
    call = record_call(phone_bank, outcome)
    db.session.expire_all()
    assert [other.callable_at > at for other, (at, _) in zip(others, before, strict=True)] == [
        True,
        True,
        False,
    ]
    undo(phone_bank.sam, call.id)
    db.session.commit()
    db.session.expire_all()
    assert [(other.callable_at, other.rested_at) for other in others] == before


def test_undo_leaves_contacts_of_the_household_that_got_another_time_since(
    phone_bank: PhoneBank,
) -> None:
    called = phone_bank.contacts[0]
    called.callable_at = datetime.now(UTC) - timedelta(days=2)
    other = create_contact(phone_bank.contact_list, phone=called.phone)
    db.session.commit()
    call = record_call(phone_bank, "no_answer")
    next_week = datetime.now(UTC) + timedelta(days=7)
    other.callable_at = next_week
    db.session.commit()
    undo(phone_bank.sam, call.id)
    db.session.commit()
    db.session.expire_all()
    assert other.callable_at == next_week


@pytest.mark.parametrize("further", [[], ["+442079460999"]])
@pytest.mark.parametrize("outcome", ["no_answer", "disconnected"])
def test_undo_is_refused_once_another_on_the_number_has_been_called(
    phone_bank: PhoneBank, outcome: str, further: list[str]
) -> None:
    called, *strangers = phone_bank.contacts
    for stranger in strangers:
        stranger.state = ContactState.FINISHED
    called.callable_at = datetime.now(UTC) - timedelta(days=2)  # the first
    called.other_phones = further
    other = create_contact(phone_bank.contact_list, phone=called.phone)
    db.session.commit()
    skipped = record_call(phone_bank, "skipped")
    assert record_call(phone_bank, outcome, phone_bank.priya).contact_id == other.id
    left = (called.state, called.phone, called.callable_at)
    with pytest.raises(HoldLostError, match="Someone on their number"):
        undo(phone_bank.sam, skipped.id)
    db.session.rollback()
    assert (called.state, called.phone, called.callable_at) == left
    assert current_hold(phone_bank.sam) is None
    # Once hers is undone, his can be.
    for caller in (phone_bank.priya, phone_bank.sam):
        undo(caller, last_recorded_id(caller))
        release_hold(caller, current_hold(caller).call.id)
        db.session.commit()
    assert skipped.outcome is None


def test_undoing_a_dead_number_leaves_contacts_that_lost_their_other_number_since(
    phone_bank: PhoneBank,
) -> None:
    called, neighbour, *strangers = phone_bank.contacts
    for stranger in strangers:
        stranger.state = ContactState.FINISHED
    called.callable_at = datetime.now(UTC) - timedelta(days=2)  # the first
    mobile = neighbour.phone
    other = create_contact(phone_bank.contact_list, phone=called.phone, other_phones=[mobile])
    neighbour.callable_at = datetime.now(UTC) - timedelta(days=1)
    db.session.commit()
    call = record_call(phone_bank, "disconnected")
    assert record_call(phone_bank, "disconnected", phone_bank.priya).contact_id == neighbour.id
    assert (other.state, other.phone) == ("unusable", mobile)
    undo(phone_bank.sam, call.id)
    db.session.commit()
    assert (called.state, other.state, other.phone) == ("callable", "unusable", mobile)


def test_undo_releases_the_next_contact_first(phone_bank: PhoneBank) -> None:
    call = record_call(phone_bank, "no_answer")
    following = claim(phone_bank.sam)
    db.session.commit()
    undo(phone_bank.sam, call.id)
    db.session.commit()
    assert current_hold(phone_bank.sam).call.id == call.id
    assert call_of(following).ending == "given_back"


def test_late_copies_of_an_undo_and_of_what_was_undone_change_nothing(
    phone_bank: PhoneBank,
) -> None:
    call = record_call(phone_bank, "do_not_call", turn=0)
    undo(phone_bank.sam, call.id, turn=0)
    db.session.commit()
    assert not record(phone_bank.sam, call.id, "do_not_call", turn=0).changed
    db.session.commit()
    assert current_hold(phone_bank.sam).call.id == call.id
    assert record(phone_bank.sam, call.id, "busy", turn=1).changed
    db.session.commit()
    following = claim(phone_bank.sam)
    db.session.commit()
    undo(phone_bank.sam, call.id, turn=0)
    db.session.commit()
    assert call.outcome == "busy"
    assert current_hold(phone_bank.sam).call.id == following.call.id


def test_any_call_of_the_day_can_be_undone(phone_bank: PhoneBank) -> None:
    first, second = record_call(phone_bank, "no_answer"), record_call(phone_bank, "busy")
    with (
        time_machine.travel(datetime.now(UTC) + timedelta(hours=13)),
        pytest.raises(HoldLostError, match="more than twelve hours ago"),
    ):
        undo(phone_bank.sam, second.id)
    db.session.rollback()
    undo(phone_bank.sam, first.id)
    db.session.commit()
    assert current_hold(phone_bank.sam).call.id == first.id
    assert second.outcome == "busy"
    assert campaign_totals(phone_bank.campaign.id).calls == 1


def test_what_has_been_built_upon_since_is_not_undone(phone_bank: PhoneBank) -> None:
    first = record_call(phone_bank, "no_answer")
    contact = db.session.get_one(Contact, first.contact_id)
    for other in phone_bank.contacts:
        other.callable_at = datetime.now(UTC) + timedelta(days=other.id != contact.id)
    contact.callable_at = contact.rested_at = datetime.now(UTC) - timedelta(seconds=1)
    db.session.commit()
    again = claim(phone_bank.sam)
    db.session.commit()
    assert call_of(again).contact_id == contact.id
    with pytest.raises(ConflictError, match="given this person again"):
        undo(phone_bank.sam, first.id)


def test_the_last_call_is_the_last_also_where_the_clock_was_set_back(
    phone_bank: PhoneBank,
) -> None:
    for contact in phone_bank.contacts:
        contact.callable_at = datetime.now(UTC) - timedelta(hours=1)
    first = record_call(phone_bank, "no_answer")
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=5)):
        second = record_call(phone_bank, "busy")
        assert [call.id for call in last_calls(phone_bank.sam)] == [str(second.id), str(first.id)]
        undo(phone_bank.sam, second.id)
        db.session.commit()
    assert current_hold(phone_bank.sam).call.id == second.id
