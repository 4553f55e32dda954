"""Looks up, renews and releases the hold of a caller. Nothing here commits."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, text, update

from phonebank.contact_queue.holds import copy_after_commit, end_hold
from phonebank.contact_queue.redis_queue import HeldContact
from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.models import Call, CallEnding, Caller, Contact, now

# At least this time passes between two renewals that write a later expiry. The page asks once a
# minute, and a second tab, or a caller who goes back and forth, asks more often.
WRITTEN_APART = timedelta(minutes=1)

# Statements are built once: building them takes longer than PostgreSQL needs to answer them.
_HELD = (
    select(Call, Contact)
    .join(Contact, Contact.id == Call.contact_id)
    .where(Call.caller_id == bindparam("caller_id"), Call.ended_at.is_(None))
)
_OWN_CALL_AND_CONTACT = (
    select(Call, Contact)
    .join(Contact, Contact.id == Call.contact_id)
    .where(Call.id == bindparam("call_id"), Call.caller_id == bindparam("caller_id"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_RENEWABLE = text("""
SELECT call.campaign_id, contact_id, expires_at, hold_seconds,
       coalesce(reopened_at, started_at) + hold_seconds_at_most * interval '1 second' AS longest
FROM call JOIN campaign ON campaign.id = call.campaign_id
WHERE call.id = :call_id AND caller_id = :caller_id AND ended_at IS NULL
""")
# `greatest` is needed because another tab may have been promised a later expiry.
_RENEW = text("""
UPDATE call SET expires_at = greatest(expires_at, :until)
WHERE id = :call_id AND caller_id = :caller_id AND ended_at IS NULL
RETURNING contact_id, expires_at
""")


@dataclass(frozen=True)
class Hold:
    """A contact on a caller's screen: the open call, and when the hold expires (aware UTC).
    `is_new` says that the call has just been written, so it has no answers yet."""

    call: Call
    contact: Contact
    expires_at: datetime
    is_new: bool = False


def current_hold(caller: Caller) -> Hold | None:
    """Return the contact on this caller's screen, or None if there is no contact."""
    row = db.session.execute(_HELD, {"caller_id": caller.id}).one_or_none()
    return Hold(row[0], row[1], row[0].expires_at) if row else None


def renew_hold(caller: Caller, call_id: uuid.UUID) -> datetime:
    """Extend a hold by the campaign's hold time, up to its longest since the contact came onto the
    screen by a claim or an undo.

    Return when the hold expires (aware UTC), as PostgreSQL has it, because a renewal soon after
    another writes nothing. Raises NotFoundError when the call is not an open one of this caller, or
    has been held for the longest time.
    """
    own = {"call_id": call_id, "caller_id": caller.id}
    held = db.session.execute(_RENEWABLE, own).one_or_none()
    if held is None:
        raise _hold_has_ended()
    until = min(now() + timedelta(seconds=held.hold_seconds), held.longest)
    contact_id: int = held.contact_id
    ends: datetime = held.expires_at
    if until - ends >= _apart(held.hold_seconds) or until == held.longest > ends:
        # The statement that writes the expiry checks the hold once more, because it may have ended
        # since.
        renewed = db.session.execute(_RENEW, own | {"until": until}).one_or_none()
        if renewed is None:
            raise _hold_has_ended()
        contact_id, ends = renewed
    if ends <= now():
        raise _hold_has_ended()
    copy_after_commit(held.campaign_id, HeldContact(contact_id, call_id, ends))
    return ends


def _apart(hold_seconds: int) -> timedelta:
    """Return the least time between two renewals that write a new expiry. For short holds it is a
    fifth of the hold, so most of the hold is always left."""
    return min(WRITTEN_APART, timedelta(seconds=hold_seconds / 5))


def _hold_has_ended() -> NotFoundError:
    return NotFoundError("This call is no longer yours.", "Ask for the next person.")


def release_hold(caller: Caller, call_id: uuid.UUID) -> None:
    """End a hold without an outcome: the contact becomes callable as it was before.

    If the hold has ended already, nothing changes. Raises NotFoundError for another caller's call.
    """
    call = own_call(caller, call_id, lock=True)
    if call.ended_at is None:
        end_hold(call, CallEnding.GIVEN_BACK)


def own_call(caller: Caller, call_id: uuid.UUID, lock: bool = False) -> Call:
    """Return a call of this caller. With `lock`, the row is locked and read again, so it is up to
    date.

    Raises NotFoundError, also for another caller's call, so the answer reveals nothing about other
    callers' calls.
    """
    query = select(Call).where(Call.id == call_id, Call.caller_id == caller.id)
    if lock:
        # The rows that this session read before it had the lock may be out of date.
        query = query.with_for_update().execution_options(populate_existing=True)
    call = db.session.scalar(query)
    if call is None:
        raise NotFoundError("That call isn't one of yours.", "Go back to calling.")
    return call


def own_call_and_contact(caller: Caller, call_id: uuid.UUID) -> tuple[Call, Contact]:
    """Return a call of this caller and its contact, both locked against other changes.

    Raises the error of `own_call`.
    """
    own = {"call_id": call_id, "caller_id": caller.id}
    row = db.session.execute(_OWN_CALL_AND_CONTACT, own).one_or_none()
    if row is None:
        # Either there is no such call, or it was switched to another person of the household while
        # this statement waited for the lock.
        own_call(caller, call_id)
        return own_call_and_contact(caller, call_id)
    return row[0], row[1]


def is_stale(call: Call, turn: int | None) -> bool:
    """Whether a request was meant for an earlier turn of the call. None means any turn."""
    return turn is not None and turn != call.turn


def mark_seen(caller: Caller) -> None:
    """Store that the caller's screen is open now, for "calling now" on the board."""
    db.session.execute(update(Caller).where(Caller.id == caller.id).values(seen_at=now()))
