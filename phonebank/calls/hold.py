"""Looks up, renews and releases the hold of a caller. Nothing here commits."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select, text
from sqlalchemy.orm import Bundle

from phonebank.contact_queue.holds import copy_after_commit, end_hold
from phonebank.contact_queue.redis_queue import HeldContact
from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.models import Call, CallEnding, Caller, CallerState, Contact, now
from phonebank.models.state_column import state_text

# At least this time passes between two renewals that write a later expiry. The page asks once a
# minute, and a second tab, or a caller who goes back and forth, asks more often.
WRITTEN_APART = timedelta(minutes=1)

# The caller's last-seen time is written at most this often.
SEEN_APART = timedelta(seconds=45)


class Device(NamedTuple):
    """What a device's cookie says: the id of its caller, and the caller's token at that time."""

    id: int
    device_token: str


@dataclass(frozen=True)
class OpenCall:
    """The open call of a hold, as it was read or written. `household` has the ids of the other
    contacts on the number, and `turn` says how often the outcome was undone."""

    id: uuid.UUID
    caller_id: int
    phone: str
    household: list[int]
    script_version_id: int | None
    started_at: datetime
    turn: int = 0

    @classmethod
    def of(cls, call: Call) -> "OpenCall":
        """Return the open call from its row."""
        return cls(*(getattr(call, name) for name in cls.__dataclass_fields__))


@dataclass(frozen=True)
class Person:
    """The contact of a hold, as it was read."""

    id: int
    contact_list_id: int
    first_name: str
    last_name: str
    phone: str
    language: str
    zone_key: str
    fields: dict[str, Any]

    @classmethod
    def of(cls, row: Any) -> "Person":
        """Return the person from a row, or a Contact, with these attributes."""
        return cls(*(getattr(row, name) for name in cls.__dataclass_fields__))


@dataclass(frozen=True)
class Other:
    """Another contact of the household, whom the caller may ask for instead."""

    id: int
    first_name: str
    last_name: str


@dataclass(frozen=True)
class Hold:
    """A contact on a caller's screen: the open call, and when the hold expires (aware UTC).

    `is_new` says that the call has just been written, so it has no answers yet. `others` are the
    others of the household, or None if they were not read with the hold (`others_in_household`
    reads them).
    """

    call: OpenCall
    contact: Person
    expires_at: datetime
    is_new: bool = False
    others: list[Other] | None = None


# What a query must read for a Person or an OpenCall.
PERSON_COLUMNS = tuple(getattr(Contact, name) for name in Person.__dataclass_fields__)
_CALL_COLUMNS = tuple(getattr(Call, name) for name in OpenCall.__dataclass_fields__)

# Statements are built once: building them takes longer than PostgreSQL needs to answer them.
_HELD: Select[*tuple[Any, ...]] = (
    select(
        Bundle("call", *_CALL_COLUMNS),
        Bundle("person", *PERSON_COLUMNS),
        Call.expires_at,
    )
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
# One statement finds the hold of a device that is still the caller's, writes a later expiry unless
# that was done just now, and stores that the caller's screen is open. `greatest` is needed because
# another tab may have been promised a later expiry. The update checks the hold once more, because
# it may have had to wait for the row. A locked row of the caller is skipped, because a removal
# locks the caller first and then the call.
_RENEW = state_text(
    """
WITH hold AS (
    SELECT call.id, call.campaign_id, contact_id, expires_at, until,
           until - expires_at >= least(:written_apart, hold_seconds * interval '0.2 seconds')
           OR until = longest AND longest > expires_at AS is_due
    FROM call JOIN campaign ON campaign.id = call.campaign_id
    JOIN caller ON caller.id = caller_id AND device_token = :device_token
                AND caller.state <> :removed
    CROSS JOIN LATERAL (SELECT coalesce(reopened_at, started_at)
                               + hold_seconds_at_most * interval '1 second' AS longest)
    CROSS JOIN LATERAL (SELECT least(:at + hold_seconds * interval '1 second', longest) AS until)
    WHERE call.id = :call_id AND caller_id = :caller_id AND ended_at IS NULL
), written AS (
    UPDATE call SET expires_at = greatest(call.expires_at, hold.until) FROM hold
    WHERE call.id = hold.id AND hold.is_due AND call.ended_at IS NULL
    RETURNING call.contact_id, call.expires_at
), renewed AS (
    SELECT campaign_id, coalesce(written.contact_id, hold.contact_id) AS contact_id,
           coalesce(written.expires_at, hold.expires_at) AS expires_at
    FROM hold LEFT JOIN written ON true
    WHERE NOT hold.is_due OR written.contact_id IS NOT NULL
), stale AS (
    SELECT caller.id FROM renewed JOIN caller ON caller.id = :caller_id
    WHERE seen_at IS NULL OR seen_at < :at - :seen_apart
    FOR NO KEY UPDATE OF caller SKIP LOCKED
), seen AS (
    UPDATE caller SET seen_at = :at FROM stale WHERE caller.id = stale.id
)
SELECT campaign_id, contact_id, expires_at FROM renewed
""",
    removed=CallerState.REMOVED,
).bindparams(written_apart=WRITTEN_APART, seen_apart=SEEN_APART)
_MARK_SEEN = text("""
UPDATE caller SET seen_at = :at
WHERE id = :caller_id AND (seen_at IS NULL OR seen_at < :at - :seen_apart)
""").bindparams(seen_apart=SEEN_APART)


def current_hold(caller: Caller) -> Hold | None:
    """Return the contact on this caller's screen, or None if there is no contact."""
    row = db.session.execute(_HELD, {"caller_id": caller.id}).one_or_none()
    return Hold(OpenCall(*row.call), Person(*row.person), row.expires_at) if row else None


def renew_hold(device: Caller | Device, call_id: uuid.UUID) -> datetime:
    """Extend a hold by the campaign's hold time. A contact stays on the screen for at most the
    campaign's longest hold after a claim or an undo. Store that the caller's screen is open.

    Return when the hold expires (aware UTC), as PostgreSQL has it. A renewal soon after another
    (`WRITTEN_APART`, for short holds a fifth of the hold) writes no later expiry. Raises
    NotFoundError when the call is not an open one of this caller, when it has been held for the
    longest time, or when the device is no longer the caller's.
    """
    at = now()
    values = {"call_id": call_id, "at": at}
    values |= {"caller_id": device.id, "device_token": device.device_token}
    renewed = db.session.execute(_RENEW, values).one_or_none()
    if renewed is None or renewed.expires_at <= at:
        raise NotFoundError("This call is no longer yours.", "Ask for the next person.")
    ends: datetime = renewed.expires_at
    copy_after_commit(renewed.campaign_id, HeldContact(renewed.contact_id, call_id, ends))
    return ends


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
        raise not_an_own_call()
    return call


def not_an_own_call() -> NotFoundError:
    """Return the error for a call that is not this caller's. It does not say whether another caller
    has the call."""
    return NotFoundError("That call isn't one of yours.", "Go back to calling.")


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


def is_stale(turn: int | None, present: int) -> bool:
    """Whether a request was meant for another turn of its call than the present one. None means any
    turn."""
    return turn is not None and turn != present


def mark_seen(caller: Caller) -> None:
    """Store that the caller's screen is open now, for "calling now" on the board, unless that was
    stored just now."""
    db.session.execute(_MARK_SEEN, {"caller_id": caller.id, "at": now()})
