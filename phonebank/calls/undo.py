"""Undoes the outcome of a call. Nothing here commits."""

import uuid
from datetime import timedelta

import psycopg
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from phonebank.calls.call_rows import was_reassigned
from phonebank.calls.contact_snapshot import ContactSnapshot
from phonebank.calls.eligibility import NotAdmittedError, running_campaign
from phonebank.calls.hold import (
    OpenCall,
    Person,
    current_hold,
    is_stale,
    own_call_and_contact,
    release_hold,
)
from phonebank.calls.household_state import restore_household
from phonebank.contact_queue.campaign_hours import is_calling_time
from phonebank.contact_queue.holds import reopen_hold
from phonebank.core.db import db
from phonebank.core.errors import GoneError, HoldLostError, NotRunningError
from phonebank.core.locks import lock_row
from phonebank.models import Call, Caller, Campaign, Contact, ContactList, now
from phonebank.models.call import HANDED_OUT_NO
from phonebank.suppressions import entries as suppressions
from phonebank.tallies import totals

# The time in which a caller may undo an outcome: a day of calling.
UNDO_WITHIN = timedelta(hours=12)
# The order of a caller's recorded calls. Their numbers say which came last, even if a clock was set
# back.
LAST_RECORDED_FIRST = (Call.recorded_no.desc().nulls_last(), Call.recorded_at.desc())


class CannotUndoError(HoldLostError):
    """The error if too much has happened since the outcome, or if another caller recorded it."""

    title = "This can't be undone"

    def __init__(self, message: str, what_to_do: str = "Tell an organiser what to change.") -> None:
        super().__init__(message, what_to_do)


def undo(caller: Caller, call_id: uuid.UUID, turn: int | None = None) -> str:
    """Undo one of the caller's outcomes and bring its contact back onto their screen.

    If a contact is on their screen, it is released first. A late copy of an undo that was done (its
    `turn` is not the call's) changes nothing, whatever was recorded since.

    Returns the outcome that was undone, or "" if nothing has changed.

    Raises NotFoundError, NotAdmittedError, and CannotUndoError. An outcome cannot be undone if it
    is too long ago, if another call has the contact or has changed it since, or if another entry
    has put a number of the contact on the do-not-call list.
    """
    call, contact = own_call_and_contact(caller, call_id)
    if call.outcome is None or is_stale(turn, call.turn):
        return ""  # the request was sent again, so the call is undone already
    # The caller is locked after the contact, in the same order as by a claim. If the caller is
    # being removed at this moment, the removal either comes first or releases this call.
    lock_row(caller)
    if not caller.may_call:
        raise NotAdmittedError()
    if call.set_aside_at is not None:
        raise CannotUndoError("An organiser has set this call aside.")
    if call.recorded_at is None or now() - call.recorded_at > UNDO_WITHIN:
        raise CannotUndoError("You recorded it more than twelve hours ago.")
    if call.contact_before is None or was_reassigned(call.id):
        raise CannotUndoError("A caller has been given this person again since then.")
    snapshot = ContactSnapshot.from_json(call.contact_before)
    if snapshot.has_changed_since(contact):
        raise CannotUndoError(
            "Someone on their number has been called since then, or their list was uploaded again."
        )
    current = current_hold(caller)
    if current is not None:
        release_hold(caller, current.call.id)
        db.session.flush()
    totals.add_call(call, -1)
    suppressions.lift_of_call(call.id)
    if suppressions.suppressed_among([call.phone, *snapshot.before.other_phones]):
        raise CannotUndoError(
            "An organiser or another call has put them on the do-not-call list.",
            "Go on to the next person.",
        )
    restore_household(call, snapshot.household)
    snapshot.before.restore(contact)
    # The value may belong to a number that the contact had in the meantime.
    contact.suppressed_at = None
    undone = call.outcome
    _reopen(call)
    return undone


def last_recorded_id(caller: Caller) -> uuid.UUID | None:
    """Return the id of the caller's most recently recorded call."""
    return db.session.scalar(
        select(Call.id)
        .where(Call.caller_id == caller.id, Call.recorded_at.is_not(None))
        .order_by(*LAST_RECORDED_FIRST)
        .limit(1)
    )


def redial_block_reason(
    call: Call | OpenCall, contact: Contact | Person, campaign: Campaign
) -> str:
    """Return why the contact of an undone call may not be called again, in words for the caller,
    who may then only correct the outcome. Return "" if the contact may be called.

    A call whose outcome was never undone is still in progress, and may continue when calling hours
    end or calling is paused.
    """
    if not call.turn:
        return ""
    try:
        running_campaign(db.session.get_one(Caller, call.caller_id))
    except (NotRunningError, GoneError) as closed:
        return closed.message
    if not is_calling_time(campaign, contact.zone_key, now()):
        return "It's outside calling hours where they are."
    if db.session.get_one(ContactList, contact.contact_list_id).removed:
        return "Their list is paused."
    return ""


def _reopen(call: Call) -> None:
    campaign = db.session.get_one(Campaign, call.campaign_id)
    call.reopened_at = now()
    call.outcome = call.recorded_at = call.recorded_no = call.contact_before = None
    call.reached = call.conversation = call.yes = call.counted = call.late = call.too_fast = False
    call.handed_out_no = HANDED_OUT_NO.next_value()
    call.turn += 1
    until = call.reopened_at + timedelta(seconds=campaign.hold_seconds)
    try:
        # The new expiry is never earlier than the old one, because the clock of another machine may
        # be ahead.
        reopen_hold(call, max(call.expires_at, until))
    except IntegrityError as conflict:
        raise CannotUndoError(_conflict_reason(conflict)) from None


def _conflict_reason(conflict: IntegrityError) -> str:
    broken = (
        conflict.orig.diag.constraint_name if isinstance(conflict.orig, psycopg.Error) else None
    )
    if broken == "uq_contact_campaign_id_phone_name_key":
        return "This person was uploaded again, and is on the list with that number."
    return "Another caller is calling their number now."
