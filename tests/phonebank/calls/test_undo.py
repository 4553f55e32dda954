"""Undoing an outcome: the contact, the household and the totals are as before."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from callers.views.page_data import last_calls, toast_of, unrecorded_call
from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.hold import current_hold, release_hold
from phonebank.calls.record import record
from phonebank.calls.undo import CannotUndoError, last_recorded_id, redial_block_reason, undo
from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.models import (
    Answer,
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


def only(phone_bank: PhoneBank, number: int) -> list[Contact]:
    """The first contacts of the queue, so many of them. No other contact can be called."""
    for place, contact in enumerate(phone_bank.contacts):
        contact.callable_at = datetime.now(UTC) - timedelta(days=9 - place)
        if place >= number:
            contact.state = ContactState.FINISHED
    db.session.commit()
    return phone_bank.contacts[:number]


def test_undo_gives_back_exactly_what_was(phone_bank: PhoneBank) -> None:
    for outcome in ("no_answer", "talked", "wrong_number", "skipped", "line_fault"):
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
    with pytest.raises(CannotUndoError):
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
    with pytest.raises(CannotUndoError):
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
    with pytest.raises(CannotUndoError, match="Someone with this number"):
        undo(phone_bank.sam, skipped.id)
    db.session.rollback()
    assert (called.state, called.phone, called.callable_at) == left
    assert current_hold(phone_bank.sam) is None
    # That stays so once hers is undone: she may have talked to somebody there.
    undo(phone_bank.priya, last_recorded_id(phone_bank.priya))
    release_hold(phone_bank.priya, current_hold(phone_bank.priya).call.id)
    db.session.commit()
    with pytest.raises(CannotUndoError, match="Someone with this number"):
        undo(phone_bank.sam, skipped.id)


def test_nor_once_another_on_the_number_was_called_who_changed_nothing_of_theirs(
    phone_bank: PhoneBank,
) -> None:
    called = only(phone_bank, 1)[0]
    other = create_contact(phone_bank.contact_list, phone=called.phone)
    db.session.commit()
    talked = record_call(phone_bank, "talked")
    assert talked.contact_id == called.id
    other.callable_at = other.rested_at = datetime.now(UTC) - timedelta(seconds=1)
    db.session.commit()
    assert record_call(phone_bank, "no_answer", phone_bank.priya).contact_id == other.id
    with pytest.raises(CannotUndoError, match="Someone with this number"):
        undo(phone_bank.sam, talked.id)


def test_an_undone_do_not_call_holds_until_the_call_has_another_outcome(
    phone_bank: PhoneBank,
) -> None:
    asked, following = only(phone_bank, 2)
    call = record_call(phone_bank, "do_not_call")
    assert call.contact_id == asked.id
    undo(phone_bank.sam, call.id)
    assert "do-not-call list" in redial_block_reason(call, asked, phone_bank.campaign)
    release_hold(phone_bank.sam, call.id)
    db.session.commit()
    assert record_call(phone_bank, "busy").contact_id == following.id
    with pytest.raises(NobodyToCallError):
        claim(phone_bank.priya)
    db.session.rollback()
    assert is_suppressed(call.phone)
    # The caller is asked about it, although it is not their last call.
    assert unrecorded_call(phone_bank.sam).id == call.id
    assert not record(phone_bank.sam, call.id, "no_answer", turn=0).changed  # a late copy
    db.session.commit()
    assert is_suppressed(call.phone)
    record(phone_bank.sam, call.id, "no_answer", turn=1)
    db.session.commit()
    db.session.expire_all()
    assert not is_suppressed(call.phone)
    assert (asked.suppressed_at, asked.attempts) == (None, 1)
    assert unrecorded_call(phone_bank.sam) is None
    assert differences() == []


@pytest.mark.parametrize("since", ["eleven minutes", "another call"])
def test_a_do_not_call_is_taken_back_at_once_or_by_an_organiser(
    phone_bank: PhoneBank, since: str
) -> None:
    call = record_call(phone_bank, "do_not_call")
    assert last_calls(phone_bank.sam)[0].can_undo
    if since == "another call":
        record_call(phone_bank, "busy")
    later = timedelta(minutes=11 if since == "eleven minutes" else 0)
    with time_machine.travel(datetime.now(UTC) + later):
        assert not last_calls(phone_bank.sam)[-1].can_undo
        with pytest.raises(CannotUndoError, match="nobody may call this number") as refused:
            undo(phone_bank.sam, call.id)
    assert refused.value.what_to_do == "Ask an organiser to take them off the do-not-call list."
    db.session.rollback()
    assert is_suppressed(call.phone)


def test_a_number_stays_on_the_list_if_another_call_of_the_caller_put_it_there_too(
    phone_bank: PhoneBank,
) -> None:
    only(phone_bank, 1)
    before = claim(phone_bank.sam).call
    release_hold(phone_bank.sam, before.id)
    db.session.commit()
    call = record_call(phone_bank, "do_not_call")
    assert call.phone == before.phone
    undo(phone_bank.sam, call.id)
    db.session.commit()
    record(phone_bank.sam, before.id, "do_not_call")  # comes late
    record(phone_bank.sam, call.id, "no_answer")
    db.session.commit()
    assert is_suppressed(call.phone)


@pytest.mark.parametrize("on_screen", ["undone", "answered"])
def test_undo_drops_no_call_that_has_begun(phone_bank: PhoneBank, on_screen: str) -> None:
    first, second = record_call(phone_bank, "no_answer"), record_call(phone_bank, "busy")
    if on_screen == "undone":
        undo(phone_bank.sam, second.id)
    else:
        answered = claim(phone_bank.sam).call.id
        db.session.add(Answer(call_id=answered, step_id="opening", value="speaking"))
    db.session.commit()
    held = current_hold(phone_bank.sam).call.id
    with pytest.raises(CannotUndoError, match="another call on your screen") as refused:
        undo(phone_bank.sam, first.id)
    assert refused.value.what_to_do == "First say how this call ended."
    db.session.rollback()
    assert current_hold(phone_bank.sam).call.id == held


def test_a_caller_undoes_only_so_many_calls_within_an_hour(
    phone_bank: PhoneBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phonebank.calls.undo.UNDONE_AN_HOUR", 1)
    call = record_call(phone_bank, "no_answer")
    undo(phone_bank.sam, call.id)
    record(phone_bank.sam, call.id, "busy")
    db.session.commit()
    with pytest.raises(CannotUndoError, match="corrected 1 calls within an hour"):
        undo(phone_bank.sam, call.id)
    db.session.rollback()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=61)):
        undo(phone_bank.sam, call.id)


def test_the_toast_names_no_other_call_than_the_last_recorded(phone_bank: PhoneBank) -> None:
    corrected, other = record_call(phone_bank, "no_answer"), record_call(phone_bank, "busy")
    undo(phone_bank.sam, corrected.id)
    record(phone_bank.sam, corrected.id, "answerphone")
    corrected.started_at -= timedelta(hours=12, minutes=5)
    db.session.commit()
    assert other.outcome == "busy"
    assert toast_of(phone_bank.sam) is None  # it is too late to undo it once more


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
        pytest.raises(CannotUndoError, match="more than twelve hours ago"),
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
