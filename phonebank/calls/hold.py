"""Looks up, renews and releases holds. A hold reserves a contact for the caller who has this
contact on screen. These functions do not commit."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select, text
from sqlalchemy.orm import Bundle

from phonebank.calls.earlier_call import EARLIER_CALL, EarlierCall
from phonebank.contact_queue.holds import copy_after_commit, end_hold
from phonebank.contact_queue.redis_queue import HeldContact
from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.core.statement import Statement
from phonebank.models import Call, CallEnding, Caller, CallerState, Contact, now
from phonebank.models.state_column import state_text

# A renewal writes a later expiry only if the hold then lasts at least this much longer. The page
# renews once a minute. With a second tab, or when the caller goes back and forth, it renews more
# often.
WRITTEN_APART = timedelta(minutes=1)

# The caller's last-seen time is written at most this often.
SEEN_APART = timedelta(seconds=45)


class Device(NamedTuple):
    """The content of a device's cookie: the id of a caller, and the device token that the caller
    had when the cookie was set."""

    id: int
    device_token: str


@dataclass(frozen=True)
class OpenCall:
    """The open call of a hold. `household` has the ids of other contacts that, when the call began,
    had the called number and still had to be called. It has up to `claim_rows.HOUSEHOLD_AT_MOST`
    ids. `turn` is how many times the call's outcome has been undone."""

    id: uuid.UUID
    caller_id: int
    phone: str
    household: list[int]
    script_version_id: int | None
    started_at: datetime
    turn: int = 0

    @classmethod
    def of(cls, call: Call) -> "OpenCall":
        """Return an OpenCall with the values from this row of the table `call`."""
        return cls(*(getattr(call, name) for name in cls.__dataclass_fields__))


@dataclass(frozen=True)
class Person:
    """The contact of a hold, with the columns that the caller's page needs."""

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
        """Return a Person with the values of a query row or a Contact. `row` must have an
        attribute for each field of Person."""
        return cls(*(getattr(row, name) for name in cls.__dataclass_fields__))


@dataclass(frozen=True)
class Other:
    """Another contact with the called number, whom the caller may ask for instead."""

    id: int
    first_name: str
    last_name: str


@dataclass(frozen=True)
class Hold:
    """A contact on a caller's screen: the open call, the contact, and when the hold expires (aware
    UTC).

    `is_new` is True if the call has just been written and so has no answers yet. `others` has the
    other people in the household whom the caller may ask for. If `others` is None, these people
    have not been read (`others_in_household` reads them). `earlier` is the earlier call that this
    call continues, or None if there is none.
    """

    call: OpenCall
    contact: Person
    expires_at: datetime
    is_new: bool = False
    others: list[Other] | None = None
    earlier: EarlierCall | None = None


# The columns that a query must read for a Person and for an OpenCall.
PERSON_COLUMNS = tuple(getattr(Contact, name) for name in Person.__dataclass_fields__)
_CALL_COLUMNS = tuple(getattr(Call, name) for name in OpenCall.__dataclass_fields__)

# Statements are built once, because building them takes longer than PostgreSQL takes to answer.
_HELD: Select[*tuple[Any, ...]] = (
    select(
        Bundle("call", *_CALL_COLUMNS),
        Bundle("person", *PERSON_COLUMNS),
        Call.expires_at,
        EARLIER_CALL,
    )
    .join(Contact, Contact.id == Call.contact_id)
    .where(Call.caller_id == bindparam("caller_id"), Call.ended_at.is_(None))
)
_OWN_CALL_AND_CONTACT = (
    select(Call, Contact)
    .join(Contact, Contact.id == Call.contact_id)
    .where(
        Call.id == bindparam("call_id"),
        Call.caller_id == bindparam("caller_id"),
        Call.phone != "",
    )
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
# One statement does three things. It finds the hold, if the device still belongs to the caller. It
# writes a later expiry, if that is due. It stores that the caller's screen is open. `greatest` is
# needed because another tab may have written a later expiry. The update checks the hold again,
# because it may have waited for the row. If the caller's row is locked, it is skipped. A removal
# locks the caller first and then the call, so waiting for the caller could be a deadlock.
_RENEW = Statement(
    state_text(
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
)
_MARK_SEEN = text("""
UPDATE caller SET seen_at = :at
WHERE id = :caller_id AND (seen_at IS NULL OR seen_at < :at - :seen_apart)
""").bindparams(seen_apart=SEEN_APART)


def current_hold(caller: Caller) -> Hold | None:
    """Return the hold of the contact on this caller's screen, or None if there is none."""
    row = db.session.execute(_HELD, {"caller_id": caller.id}).one_or_none()
    if row is None:
        return None
    earlier = EarlierCall.of(row.earlier)
    return Hold(OpenCall(*row.call), Person(*row.person), row.expires_at, earlier=earlier)


def renew_hold(device: Caller | Device, call_id: uuid.UUID) -> datetime:
    """Extend a hold, so that it lasts for the campaign's hold time from now. Also store that the
    caller's screen is open.

    No hold lasts longer than the campaign's longest hold time. This time is counted from when the
    caller got the contact or, after an undo, from the last undo. Return when the hold now expires
    (aware UTC). The new expiry is written if it is later than the stored expiry by at least a
    certain time. This time is `WRITTEN_APART`, or a fifth of the hold time if that is shorter. A
    later expiry is also written if it is the end of the longest hold time. Otherwise, the stored
    expiry stays.

    Raises NotFoundError if this caller has no such open call, or if the person called was erased.
    Also raises NotFoundError if the caller has been removed, if the longest hold time is over, or
    if the device no longer belongs to the caller.
    """
    at = now()
    values = {"call_id": call_id, "at": at}
    values |= {"caller_id": device.id, "device_token": device.device_token}
    renewed = _RENEW.row(values)
    if renewed is None or renewed.expires_at <= at:
        refuse_erased(call_id, device.id)
        raise NotFoundError("This call is no longer yours.", "Ask for the next person.")
    ends: datetime = renewed.expires_at
    copy_after_commit(renewed.campaign_id, HeldContact(renewed.contact_id, call_id, ends))
    return ends


def release_hold(caller: Caller, call_id: uuid.UUID) -> None:
    """End a hold without an outcome, so that other callers can get the contact.

    If the hold has already ended, nothing changes. Raises NotFoundError if the caller has no such
    call, or if the person called was erased.
    """
    call = own_call(caller, call_id, lock=True)
    if call.ended_at is None:
        end_hold(call, CallEnding.GIVEN_BACK)


def own_call(caller: Caller, call_id: uuid.UUID, lock: bool = False) -> Call:
    """Return a call of this caller. If `lock` is true, lock the call's row, and read the row again
    even if the session has already read it.

    Raises NotFoundError if there is no such call, or if the person called was erased. A call of
    another caller counts as no such call, so that the error reveals nothing about other callers'
    calls.
    """
    query = select(Call).where(Call.id == call_id, Call.caller_id == caller.id, Call.phone != "")
    if lock:
        # The session may have read the row before it was locked, so it must be read again.
        query = query.with_for_update().execution_options(populate_existing=True)
    call = db.session.scalar(query)
    if call is None:
        raise not_an_own_call(call_id, caller.id)
    return call


def refuse_erased(call_id: uuid.UUID, caller_id: int) -> None:
    """Raise NotFoundError if this is a call of this caller and the person called has been
    erased."""
    erased = select(Call.id).where(
        Call.id == call_id, Call.caller_id == caller_id, Call.phone == ""
    )
    if db.session.scalar(erased) is not None:
        raise NotFoundError(
            "This person's data has been erased, so nothing more will be recorded about this call.",
            "Go on to the next person.",
        )


def not_an_own_call(call_id: uuid.UUID, caller_id: int) -> NotFoundError:
    """Return the error for a call that is not this caller's. The error does not say whether the
    call exists. Raises NotFoundError if the call is this caller's but the person called has been
    erased."""
    refuse_erased(call_id, caller_id)
    return NotFoundError("That call isn't one of yours.", "Go back to calling.")


def own_call_and_contact(caller: Caller, call_id: uuid.UUID) -> tuple[Call, Contact]:
    """Return a call of this caller and its contact, with both rows locked.

    Raises the same error as `own_call`.
    """
    own = {"call_id": call_id, "caller_id": caller.id}
    row = db.session.execute(_OWN_CALL_AND_CONTACT, own).one_or_none()
    if row is None:
        # Either the caller has no such call, or the call was switched to another person of the
        # household while this statement waited for the lock.
        own_call(caller, call_id)
        return own_call_and_contact(caller, call_id)
    return row[0], row[1]


def is_stale(turn: int | None, present: int) -> bool:
    """Whether a request was sent before the last undo of its call. That is the case if the
    request's `turn` differs from the call's `present` turn. A request without a turn (None) is
    never stale."""
    return turn is not None and turn != present


def mark_seen(caller: Caller) -> None:
    """Record that the caller's screen is open now. If the stored time is less than `SEEN_APART`
    ago, do nothing. Pages for organisers use the stored time to count the screens that are open
    now."""
    db.session.execute(_MARK_SEEN, {"caller_id": caller.id, "at": now()})
