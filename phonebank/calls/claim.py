"""Makes claims: gives a caller the next contact, and writes the open call for that contact. These
functions do not commit.

A claim first reads without locks, and decides whether the caller may call the contact. Then a
single statement writes the call, but only if the rows that the claim read have not changed. If the
statement writes nothing, the claim reads and decides again, in a transaction that first locks the
contact and the caller. The statements are in `claim_rows`.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError

from phonebank.calls.claim_rows import lock_rows, read_caller, read_contact, set_dates, write_call
from phonebank.calls.earlier_call import EarlierCall
from phonebank.calls.eligibility import NotAdmittedError, running_campaign
from phonebank.calls.hold import Hold, OpenCall, Other, Person, current_hold
from phonebank.contact_queue.caller_filters import may_get
from phonebank.contact_queue.campaign_hours import is_calling_time
from phonebank.contact_queue.empty_reasons import (
    MESSAGES,
    EmptyQueue,
    describe_elsewhere,
    empty_queue_of,
)
from phonebank.contact_queue.number_rest import rests_until
from phonebank.contact_queue.queue import ContactQueue, TakenContact
from phonebank.core.db import commits_each_statement, db
from phonebank.core.errors import PhonebankError, ServiceUnavailableError
from phonebank.experiments.script_choice import choose_script
from phonebank.models import Caller, new_id, now
from phonebank.roster.pace import Sights, pause, refuse_paused
from phonebank.roster.practice_first import PracticeRequiredError, owes_practice
from phonebank.trainings.marks import refuse_untrained

log = logging.getLogger(__name__)

TRIES_AT_MOST = 50


class NobodyToCallError(PhonebankError):
    """The error that is raised if there is no contact for this caller right now. `why` is the
    reason. `next_at` (aware UTC) is when the next contact becomes callable, or None if no such time
    is known."""

    status = 200
    title = "Nobody to call right now"

    def __init__(self, empty: EmptyQueue) -> None:
        self.why, self.next_at = empty.why, empty.next_at
        message, hint = MESSAGES[self.why]
        super().__init__(f"{message} {describe_elsewhere(empty.elsewhere)}".strip(), hint)


def claim(caller: Caller, has_no_hold: bool = False) -> Hold:
    """Give the caller a contact to call, and return the hold of the contact. If the caller already
    has a contact on screen, return the hold of that contact. Two claims by the same caller at the
    same time return the same contact.

    Pass True for `has_no_hold` if the caller has just recorded an outcome and therefore has no
    hold. Then the query for an earlier hold is skipped. The session must have no uncommitted
    changes, because a claim rolls back when a contact turns out to be no longer callable.

    Raises NotAdmittedError, PracticeRequiredError, TrainingRequiredError, NotRunningError,
    GoneError (if the party or the campaign has ended), NobodyToCallError, ServiceUnavailableError
    (if Redis is unavailable) or PacePausedError. A PacePausedError must be followed by a commit,
    because the error may mean that this claim has just written the caller's pause.
    """
    if not caller.may_call:
        raise NotAdmittedError()
    held = None if has_no_hold else current_hold(caller)
    if held is not None:
        return held
    refuse(caller)
    try:
        return _claim_next(caller)
    except RedisError as error:
        raise ServiceUnavailableError(
            "We can't reach the list right now. What you've recorded is safe.",
            "Wait a few seconds. This page tries again automatically.",
        ) from error


def refuse(caller: Caller) -> None:
    """Raise an error if the caller may not get any contact right now (see `claim`)."""
    if not caller.may_call:
        raise NotAdmittedError()
    running_campaign(caller)
    if owes_practice(caller):
        raise PracticeRequiredError()
    refuse_untrained(caller)
    refuse_paused(caller, now())


def _claim_next(caller: Caller) -> Hold:
    queue = ContactQueue(caller.campaign, caller)
    for _ in range(TRIES_AT_MOST):
        taken = queue.take(new_id())
        if taken is None:
            break
        try:
            hold = _open_call(caller, taken)
            if hold is not None:
                _top_up(queue, taken)
                return hold
        except Exception:
            # The caller was removed or paused, or the database failed, so no call was written.
            queue.release(taken)
            raise
        # This releases the row locks, so a claim that waits for them can continue.
        db.session.rollback()
        queue.release_stale(taken)
        # The caller may have tapped twice, and the other tap may already have written the call.
        # Both taps come from the same screen, so return that call.
        already = current_hold(caller)
        if already is not None:
            return already
        caller = _as_it_is_now(caller)
    raise NobodyToCallError(empty_queue_of(caller.campaign, caller))


def _top_up(queue: ContactQueue, taken: TakenContact) -> None:
    """Refill the caller's lanes (the lists of the next contacts, in Redis) if few contacts are left
    in them. If Redis fails, the failure is only logged. The caller still gets the contact, and the
    next claim or the periodic job refills the lanes. A failure of PostgreSQL is only logged if the
    call has already been stored, and is raised otherwise."""
    is_stored = commits_each_statement(db.session)
    try:
        queue.top_up(taken)
    except RedisError as error:
        log.warning("after a claim Redis was away: %s", type(error).__name__)
    except DBAPIError as error:
        if not is_stored:
            raise  # the transaction with the call is lost
        db.session.rollback()  # only the failed statement is undone
        log.warning("after a claim PostgreSQL refused a refill: %s", type(error).__name__)


def _as_it_is_now(caller: Caller) -> Caller:
    """Read the caller, the campaign and the party again, and return the caller. Raises the same
    errors as `refuse`."""
    present = read_caller(caller.id)
    if present is None:
        raise NotAdmittedError()
    refuse(present)
    return present


def _open_call(caller: Caller, taken: TakenContact) -> Hold | None:
    """Check in PostgreSQL whether the caller may call this contact now, and write the open call.

    Return None if the caller may not call this contact. The usual reasons are:

    - the contact was called, or its number was put on the do-not-call list, after the contact was
      copied to Redis
    - the contact's calling hours have ended
    - the contact's number is in another open call, or is resting after a call in another campaign
    - the caller now has another contact

    Raises the same errors as `refuse`. If this function raises an error after it has written the
    call, the call is rolled back.
    """
    for is_locked in (False, True):
        if is_locked:
            # The first try wrote nothing, because a row has changed or is locked, or because the
            # caller has seen as many people as a pace limit allows.
            lock_rows(taken.contact_id, caller.id)
            caller = _as_it_is_now(caller)
        at = now()
        contact = _contact_for(caller, taken, at)
        if contact is None:
            return None
        sights = Sights.of(contact.sights)
        if sights.held:
            return None
        over = sights.over_budget(caller.campaign)
        if over is not None and is_locked:
            raise pause(caller, over, at)
        if over is None:
            hold = _write(caller, taken, contact, at, is_locked)
            if hold is not None:
                return _check_again(caller, taken, hold) if is_locked else hold
    return None


def _contact_for(caller: Caller, taken: TakenContact, at: datetime) -> Row[*tuple[Any, ...]] | None:
    """Return the contact's row if the caller may call the contact at `at` (aware), otherwise
    None."""
    contact = read_contact(taken.contact_id, caller, at)
    if contact is None or not is_calling_time(caller.campaign, contact.zone_key, at):
        return None
    rest = rests_until(contact.called_elsewhere, caller.campaign, contact.callback_at)
    if rest is not None and rest > at:
        return None
    return contact if may_get(caller, contact, caller.campaign, at) else None


def _write(
    caller: Caller,
    taken: TakenContact,
    contact: Row[*tuple[Any, ...]],
    at: datetime,
    is_locked: bool,
) -> Hold | None:
    """Write the open call and return its hold, or return None if `write_call` wrote nothing."""
    words = choose_script(contact.words, contact.id)
    household = [contact_id for contact_id, *_ in contact.household]
    others = [Other(*names) for *names, may_be_asked_for in contact.household if may_be_asked_for]
    call = OpenCall(taken.call_id, caller.id, contact.phone, household, words.script_version_id, at)
    until = at + timedelta(seconds=caller.campaign.hold_seconds)
    if not write_call(call, caller, contact, words, until, is_locked):
        return None
    earlier = EarlierCall.of(contact.earlier)
    return Hold(call, Person.of(contact), until, is_new=True, others=others, earlier=earlier)


def _check_again(caller: Caller, taken: TakenContact, hold: Hold) -> Hold | None:
    """Check again that the caller may make this new call, and set the call's start to the current
    time.

    This is needed because the statement that wrote the call may have waited for another
    transaction. That transaction may have written a call to the same number and then rolled it
    back. Or it may have changed the campaign or the party, for example paused it. Return None if
    the contact may no longer be called. Then the calling code must roll back. Raises the same
    errors as `refuse`.
    """
    try:
        caller = _as_it_is_now(caller)
    except PhonebankError:
        db.session.rollback()  # the view must not commit the call
        raise
    at = now()
    if _contact_for(caller, taken, at) is None:
        return None
    until = at + timedelta(seconds=caller.campaign.hold_seconds)
    set_dates(taken.call_id, at, until)
    return replace(hold, call=replace(hold.call, started_at=at), expires_at=until)
