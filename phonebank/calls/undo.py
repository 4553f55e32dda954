"""Undoes the outcome of a call. These functions do not commit."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from phonebank.calls.answers import answers_of
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
from phonebank.calls.later_calls import was_number_called, was_reassigned
from phonebank.contact_queue.campaign_hours import is_calling_time
from phonebank.contact_queue.holds import reopen_hold
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, GoneError, NotRunningError
from phonebank.core.locks import lock_row
from phonebank.models import Call, Caller, Campaign, Contact, ContactList, now
from phonebank.models.call import HANDED_OUT_NO, OUTCOME_WITHIN
from phonebank.roster.pace import pause_end
from phonebank.rules.outcomes import SUPPRESSES
from phonebank.suppressions import entries as suppressions
from phonebank.suppressions.dead_numbers import is_dead_by_others
from phonebank.tallies import totals

# A caller may undo a call within this time after the call began. It is as long as a day of calling.
UNDO_WITHIN = timedelta(hours=12)
# A caller may undo a call that put a number on the do-not-call list within this time after the
# outcome. After ten minutes it is unlikely to have been a slip of the finger, and the person must
# not be called again by mistake.
UNDO_NEVER_AGAIN_WITHIN = timedelta(minutes=10)
# A caller may undo this many calls within an hour. There is a limit because each undo shows a
# person again.
UNDONE_AN_HOUR = 30
# The caller's last recorded call comes first. `recorded_no` gives the order even if a clock was set
# back.
LAST_RECORDED_FIRST = (Call.recorded_no.desc().nulls_last(), Call.recorded_at.desc())


_UNDONE_SINCE = text("""
SELECT count(*) FROM call
WHERE caller_id = :caller_id AND started_at > :recent AND reopened_at > :since
""")


class CannotUndoError(ConflictError):
    """The error for an outcome that cannot be undone. The docstring of `undo` lists the reasons."""

    title = "This can't be undone"

    def __init__(self, message: str, what_to_do: str = "Tell an organiser what to change.") -> None:
        super().__init__(message, what_to_do)


def undo(caller: Caller, call_id: uuid.UUID, turn: int | None = None) -> str:
    """Undo the outcome of one of the caller's calls, so that the contact is on the caller's screen
    again.

    If another contact is on the screen, that contact is released first. This is possible only if
    that contact's call has no answers yet and was never undone. If the request's `turn` differs
    from the call's turn (the number of undos so far), nothing changes: the request repeats an undo
    that has already been done. A number that this call put on the do-not-call list stays there at
    least until the next outcome of the call is recorded.

    Return the outcome that was undone, or "" if nothing has changed.

    Raises NotFoundError if the caller has no such call or the person called was erased. Raises
    NotAdmittedError if the caller may not call. Raises CannotUndoError if the outcome cannot be
    undone. An outcome cannot be undone if too much time has passed, or if an organiser has set the
    call aside or corrected it. It cannot be undone if the caller has undone too many calls, or if
    the contact on the screen cannot be released. It cannot be undone if the contact or the number
    has been called since this call, or is being called now. It cannot be undone if an upload has
    changed the contact since this call, or has added the same person with the called number. It
    cannot be undone if it put the number on the do-not-call list and another call of the caller was
    recorded later. It cannot be undone if another call has found the number out of service. It also
    cannot be undone if another call, an organiser or a file has put one of the contact's numbers on
    the do-not-call list.
    """
    call, contact = own_call_and_contact(caller, call_id)
    if call.outcome is None or is_stale(turn, call.turn):
        return ""  # the request was sent again, so the call is undone already
    # As in a claim, the contact is locked first and then the caller. If the caller is being removed
    # at this moment, the removal either came first or will release this call.
    lock_row(caller)
    if not caller.may_call:
        raise NotAdmittedError()
    if call.set_aside_at is not None:
        raise CannotUndoError("An organiser has set this call aside.")
    if call.corrected_at is not None:
        raise CannotUndoError("An organiser has corrected this call.")
    if now() - call.started_at > UNDO_WITHIN:
        raise CannotUndoError("You made this call more than twelve hours ago.")
    _refuse_never_again(caller, call)
    if call.contact_before is None or was_reassigned(call.id):
        raise CannotUndoError("A caller has been given this person again since then.")
    snapshot = ContactSnapshot.from_json(call.contact_before)
    if snapshot.has_changed_since(contact) or was_number_called(call):
        raise CannotUndoError(
            "Someone with this number has been called since, or their list was uploaded again."
        )
    _refuse_numbers(call, snapshot.before.other_phones)
    _refuse_many(caller)
    _clear_screen(caller)
    totals.add_call(call, -1)
    restore_household(call, snapshot.household)
    snapshot.before.restore(contact)
    if call.outcome not in SUPPRESSES:
        # `suppressed_at` may be about a number that the contact had in the meantime.
        contact.suppressed_at = None
    undone = call.outcome
    _reopen(call)
    return undone


def may_undo_never_again(recorded_at: datetime | None, is_last: bool) -> bool:
    """Whether a call that put a number on the do-not-call list may still be undone. It may be
    undone only within UNDO_NEVER_AGAIN_WITHIN after the outcome was recorded, and only while it is
    the caller's last recorded call. `recorded_at` (aware) is when the outcome was recorded, and
    `is_last` says whether the call is the last one.
    """
    return is_last and recorded_at is not None and now() - recorded_at < UNDO_NEVER_AGAIN_WITHIN


def last_recorded_id(caller: Caller) -> uuid.UUID | None:
    """Return the id of the caller's most recently recorded call, or None if the caller has recorded
    none."""
    return db.session.scalar(
        select(Call.id)
        .where(Call.caller_id == caller.id, Call.recorded_at.is_not(None))
        .order_by(*LAST_RECORDED_FIRST)
        .limit(1)
    )


def redial_block_reason(
    call: Call | OpenCall, contact: Contact | Person, campaign: Campaign
) -> str:
    """Return why the contact of an undone call may not be called again, in words for the caller.
    Return "" if the contact may be called. If there is a reason, the caller may only correct the
    outcome.

    A call whose outcome was never undone may always continue, even if calling hours end or calling
    is paused during the call.
    """
    if not call.turn:
        return ""
    caller = db.session.get_one(Caller, call.caller_id)
    try:
        running_campaign(caller)
    except (NotRunningError, GoneError) as closed:
        return closed.message
    if pause_end(caller, now()) is not None:
        return "Calling is paused for you right now."
    if suppressions.suppressed_among([call.phone]):
        return "Their number is on the do-not-call list."
    if not is_calling_time(campaign, contact.zone_key, now()):
        return "It's outside calling hours where they are."
    if db.session.get_one(ContactList, contact.contact_list_id).removed:
        return "Their list is paused."
    return ""


def _refuse_never_again(caller: Caller, call: Call) -> None:
    is_last = last_recorded_id(caller) == call.id
    if call.outcome in SUPPRESSES and not may_undo_never_again(call.recorded_at, is_last):
        raise CannotUndoError(
            "You recorded that nobody may call this number again. You can undo that for ten "
            "minutes, while this is still your last call.",
            "Ask an organiser to take them off the do-not-call list.",
        )


def _refuse_numbers(call: Call, other_phones: Sequence[str]) -> None:
    if suppressions.suppressed_by_others([call.phone, *other_phones], call.id):
        raise CannotUndoError(
            "An organiser or another call has put them on the do-not-call list.",
            "Go on to the next person.",
        )
    if is_dead_by_others(call.phone, call.id):
        raise CannotUndoError("Another call has shown that their number isn't in service.")


def _refuse_many(caller: Caller) -> None:
    at = now()
    lately = {"recent": at - OUTCOME_WITHIN, "since": at - timedelta(hours=1)}
    undone = db.session.scalar(_UNDONE_SINCE, {"caller_id": caller.id, **lately}) or 0
    if undone >= UNDONE_AN_HOUR:
        raise CannotUndoError(f"You've corrected {undone} calls within an hour.")


def _clear_screen(caller: Caller) -> None:
    """Release the contact on the caller's screen, if there is one. Raises CannotUndoError if that
    contact's call already has answers or has been undone before."""
    current = current_hold(caller)
    if current is None:
        return
    if current.call.turn or answers_of(current.call):
        raise CannotUndoError(
            "You have another call on your screen.", "First say how this call ended."
        )
    release_hold(caller, current.call.id)
    db.session.flush()


def _reopen(call: Call) -> None:
    campaign = db.session.get_one(Campaign, call.campaign_id)
    call.reopened_at = now()
    call.outcome = call.recorded_at = call.recorded_no = call.contact_before = None
    call.reached = call.conversation = call.yes = call.counted = call.late = call.too_fast = False
    call.handed_out_no = HANDED_OUT_NO.next_value()
    call.turn += 1
    until = call.reopened_at + timedelta(seconds=campaign.hold_seconds)
    try:
        # The new expiry is never earlier than the old one, which another server may have written
        # by a clock that is ahead.
        reopen_hold(call, max(call.expires_at, until))
    except IntegrityError as conflict:
        raise CannotUndoError(_conflict_reason(conflict)) from None


def _conflict_reason(conflict: IntegrityError) -> str:
    broken = (
        conflict.orig.diag.constraint_name if isinstance(conflict.orig, psycopg.Error) else None
    )
    if broken == "uq_contact_campaign_id_phone_name_key":
        return "A newer upload has this person with that number."
    return "Another caller is calling their number now."
