"""Claims: giving a caller the next contact, and writing the open call for it. Nothing here
commits."""

import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased, contains_eager

from phonebank.calls.eligibility import NotAdmittedError, running_campaign
from phonebank.calls.hold import Hold, current_hold
from phonebank.contact_queue.caller_filters import may_get
from phonebank.contact_queue.campaign_hours import is_calling_time
from phonebank.contact_queue.empty_reasons import MESSAGES, EmptyQueue, empty_queue_of
from phonebank.contact_queue.queue import ContactQueue
from phonebank.core.db import db
from phonebank.core.errors import PhonebankError, ServiceUnavailableError
from phonebank.experiments.script_choice import choose_script, script_options
from phonebank.models import (
    Call,
    Caller,
    Campaign,
    Contact,
    ContactList,
    ContactState,
    new_id,
    now,
)
from phonebank.roster.pace import enforce_pace, refuse_paused
from phonebank.roster.practice_first import PracticeRequiredError, owes_practice
from phonebank.suppressions.contacts import has_suppressed_number

TRIES_AT_MOST = 50

# Seconds. To write a call takes less time than this, unless it waits for a lock.
WROTE_AT_ONCE = 0.05

# The caller's page shows at most this many other people of a household beside the contact.
HOUSEHOLD_AT_MOST = 9

# Statements are built once: building them takes longer than PostgreSQL needs to answer them.
_other = aliased(Contact)
_household = (
    select(_other.id)
    .where(
        _other.phone == Contact.phone,
        _other.campaign_id == Contact.campaign_id,
        _other.id != Contact.id,
        _other.state == ContactState.CALLABLE,
    )
    .order_by(_other.id)
    .limit(HOUSEHOLD_AT_MOST)
)
# With FOR SHARE a deadlock would be possible: two tabs of one caller could both hold the lock, and
# each would wait for the other before its update.
_LOCK = (
    select(Contact.id)
    .join(Caller, Caller.id == bindparam("caller_id"))
    .where(Contact.id == bindparam("contact_id"))
    .with_for_update(of=[Contact, Caller], key_share=True)
)
# This query reads everything that decides whether the caller may get the contact, because an
# organiser or a host may have acted since the request began. It is not part of the statement that
# locks, because a statement that waits for a row sees all other rows as they were before the wait.
# `household` has the ids of other contacts with the same number, and the caller may ask for them
# instead. `words` has the scripts on offer.
_PRESENT_STATE = (
    select(
        Contact,
        Caller,
        ContactList.removed.label("removed"),
        has_suppressed_number().label("suppressed"),
        func.array(_household.scalar_subquery()).label("household"),
        script_options(Contact.campaign_id.expression).label("words"),
    )
    .join(ContactList, ContactList.id == Contact.contact_list_id)
    .join(Caller, Caller.id == bindparam("caller_id"))
    .join(Caller.campaign)
    .outerjoin(Caller.party)
    .where(Contact.id == bindparam("contact_id"))
    .options(contains_eager(Caller.campaign), contains_eager(Caller.party))
    .execution_options(populate_existing=True)
)
_OPEN_CALL = insert(Call).on_conflict_do_nothing().returning(Call)


class NobodyToCallError(PhonebankError):
    """The error if no contact is available for this caller right now; `why` is the reason.
    `next_at` (aware UTC) is when the next contact becomes callable, or None if waiting alone does
    not help."""

    status = 200
    title = "Nobody to call right now"

    def __init__(self, empty: EmptyQueue) -> None:
        self.why, self.next_at = empty
        super().__init__(*MESSAGES[self.why])


def claim(caller: Caller, has_no_hold: bool = False) -> Hold:
    """Give the caller one contact to call. Until their hold ends, every claim gives the same
    contact.

    `has_no_hold` skips the query for that hold, because the caller has just recorded an outcome.
    Raises NotAdmittedError, PracticeRequiredError, NotRunningError, GoneError (party or campaign
    ended), NobodyToCallError, ServiceUnavailableError (Redis is away), PacePausedError (then
    commit, because the pause is written). Two simultaneous claims by one caller return the same
    contact. Call this without uncommitted changes, because it rolls back if a contact is not
    callable any more.
    """
    if not caller.may_call:
        raise NotAdmittedError()
    held = None if has_no_hold else current_hold(caller)
    if held is not None:
        return held
    campaign = running_campaign(caller)
    if owes_practice(caller):
        raise PracticeRequiredError()
    refuse_paused(caller, now())
    try:
        return _claim_next(caller, campaign)
    except RedisError as error:
        raise ServiceUnavailableError(
            "We can't reach the list right now. What you've recorded is safe.",
            "Wait a few seconds. This page tries again automatically.",
        ) from error


def _claim_next(caller: Caller, campaign: Campaign) -> Hold:
    queue = ContactQueue(campaign, caller)
    for _ in range(TRIES_AT_MOST):
        taken = queue.take(new_id())
        if taken is None:
            break
        try:
            hold = _open_call(caller, taken.contact_id, taken.call_id)
        except Exception:
            # The caller was removed or paused, or the database failed, so no call was written.
            queue.release(taken)
            raise
        if hold is not None:
            queue.top_up(taken)
            return hold
        # This releases the row locks, so a claim that waits for them can continue. The session then
        # reads its rows again.
        db.session.rollback()
        queue.release_stale(taken)
        campaign = running_campaign(caller)
        # A second tap may already have created the call. Both taps come from the same screen, so
        # use that call.
        already = current_hold(caller)
        if already is not None:
            return already
    raise NobodyToCallError(empty_queue_of(campaign, caller))


def _open_call(caller: Caller, contact_id: int, call_id: uuid.UUID) -> Hold | None:
    """Ask PostgreSQL whether the caller may call this contact now, and write the open call.

    Return None if the caller may not: the contact was suppressed or called since it came into
    Redis, its calling hours have ended, or its number is in another open call. The row locks order
    this claim against a suppression and against a removal of the caller. A transaction that commits
    first wins, and one that comes second waits until this call is written. Raises the errors of
    `_present_state` and `enforce_pace`.
    """
    ids = {"contact_id": contact_id, "caller_id": caller.id}
    if db.session.scalar(_LOCK, ids) is None:
        return None
    found = _present_state(ids)
    if found is None or not enforce_pace(caller, found.campaign, found.at):
        return None
    hold = timedelta(seconds=found.campaign.hold_seconds)
    words = choose_script(found.words, contact_id)
    writing_since = time.monotonic()
    call = db.session.scalar(
        _OPEN_CALL,
        {
            "id": call_id,
            "campaign_id": found.campaign.id,
            "contact_id": contact_id,
            "caller_id": caller.id,
            "party_id": caller.party_id,
            "script_version_id": words.script_version_id,
            "experiment_arm_id": words.experiment_arm_id,
            "phone": found.contact.phone,
            "household": found.household,
            "started_at": found.at,
            "expires_at": found.at + hold,
        },
    )
    if call is None:
        return None
    if time.monotonic() - writing_since > WROTE_AT_ONCE:
        # The insert had to wait, either for a call to the same number that was then rolled back, or
        # for a transaction that had locked the campaign or the party.
        try:
            again = _present_state(ids)
        except PhonebankError:
            db.session.rollback()
            raise
        if again is None:
            return None
        call.started_at, call.expires_at = again.at, again.at + hold
        db.session.flush()
    return Hold(call, found.contact, call.expires_at, is_new=True)


@dataclass(frozen=True)
class _Callable:
    """A contact that the caller may get, with all that was read at the moment `at`."""

    contact: Contact
    campaign: Campaign
    household: list[int]
    words: dict[str, Any]
    at: datetime


def _present_state(ids: dict[str, int]) -> _Callable | None:
    """Return the contact, if the caller may get it at this moment; None if not.

    Reads contact, caller, campaign, party and list again, and the clock after that, so the result
    is right however long the calling code waited for the locks. Raises NotAdmittedError for a
    caller who was removed since the request began, PracticeRequiredError, PacePausedError, and
    NotRunningError or GoneError when the campaign or the party has been paused or ended.
    """
    found = db.session.execute(_PRESENT_STATE, ids).one_or_none()
    if found is None:
        return None
    at, contact, caller = now(), found.Contact, found.Caller
    campaign = caller.campaign
    if not caller.may_call:
        raise NotAdmittedError()
    running_campaign(caller)
    if owes_practice(caller):
        raise PracticeRequiredError()
    refuse_paused(caller, at)
    if found.removed or found.suppressed:
        return None
    if (
        contact.state != ContactState.CALLABLE
        or contact.suppressed_at is not None
        or contact.callable_at > at
    ):
        return None
    if not is_calling_time(campaign, contact.zone_key, at):
        return None
    if not may_get(caller, contact, campaign, at):
        return None
    return _Callable(contact, campaign, found.household, found.words, at)
