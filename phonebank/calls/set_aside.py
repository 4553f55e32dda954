"""Sets aside the calls that one caller recorded, and brings them back. These functions do not
commit.

An organiser sets calls aside if the caller recorded them without making them. Each call is kept but
does not count in any total. The call's contact and household (the other contacts with the called
number) get back the state that they had before the call. If another call or an upload has changed a
contact since then, that contact stays as it is. If the call put the number on the do-not-call list,
the number is taken off the list. The number stays there if another call, an organiser or a file has
put it there too.

This module stores an organiser's request, which says which calls to set aside or bring back. It
also counts the calls that have been set aside so far. `set_aside_worker` does the work, some calls
at a time, because a caller may have recorded thousands of calls.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text, update

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.models import Account, Caller, CallerActionKind, SetAside, SetAsideState
from phonebank.roster.stop import record_action
from phonebank.rules.outcomes import SUPPRESSES

_PREVIEW = text("""
WITH chosen AS (
    SELECT * FROM call
    WHERE caller_id = :caller_id AND recorded_at IS NOT NULL AND set_aside_at IS NULL
      AND (too_fast OR NOT :only_fast)
)
SELECT count(*) AS calls,
       count(*) FILTER (WHERE counted) AS counted,
       count(*) FILTER (WHERE conversation) AS conversations,
       count(DISTINCT contact_id) AS people,
       count(DISTINCT contact_id) FILTER (
           WHERE EXISTS (SELECT FROM call later
                         WHERE later.contact_id = chosen.contact_id
                           AND later.started_at > chosen.started_at
                           AND later.id NOT IN (SELECT id FROM chosen)
                           AND later.set_aside_at IS NULL
                           AND (later.recorded_at IS NOT NULL OR later.ended_at IS NULL))
       ) AS called_since,
       count(DISTINCT phone) FILTER (WHERE outcome = ANY(:never)) AS do_not_calls,
       count(DISTINCT phone) FILTER (
           WHERE outcome = ANY(:never)
             AND EXISTS (SELECT FROM suppression s
                         WHERE s.phone = chosen.phone AND s.call_id IN (SELECT id FROM chosen)
                           AND NOT EXISTS (SELECT FROM suppression_source file
                                           WHERE file.phone = s.phone))
             AND NOT EXISTS (SELECT FROM contact person JOIN call other
                                 ON other.contact_id = person.id
                             WHERE (person.phone = chosen.phone OR person.id = chosen.contact_id)
                               AND other.phone = chosen.phone AND other.outcome = ANY(:never)
                               AND other.set_aside_at IS NULL
                               AND other.id NOT IN (SELECT id FROM chosen))
       ) AS lifted
FROM chosen
""")
_DONE_SO_FAR = text("""
SELECT count(*) AS calls, count(*) FILTER (WHERE counted) AS counted,
       count(*) FILTER (
           WHERE lifted_reason IS NOT NULL
             AND NOT EXISTS (SELECT FROM suppression s JOIN call c ON c.phone = s.phone
                             WHERE c.id = set_aside_call.call_id)
       ) AS lifted,
       count(*) FILTER (WHERE before IS NULL OR before -> 'person' = 'null') AS left_as_they_are
FROM set_aside_call WHERE set_aside_id = :id
""")


@dataclass(frozen=True)
class Preview:
    """The numbers of calls, people and do-not-call entries that would be affected if the caller's
    calls were set aside (taken out of every total) now.

    `calls` is the number of calls to set aside. Of these, `counted` count in the totals now, and
    `conversations` are conversations. `people` is the number of contacts of these calls. Of these
    contacts, `called_since` stay as they are, because they have been called again, in a call that
    would not be set aside. `do_not_calls` is how many numbers these calls put on the do-not-call
    list. Of these numbers, `lifted` would be taken off the list now. A number is not taken off if
    another call, an organiser or a file has put it there too.
    """

    calls: int
    counted: int
    conversations: int
    people: int
    called_since: int
    do_not_calls: int
    lifted: int


@dataclass(frozen=True)
class Progress:
    """The progress of setting calls aside. `calls` is the number of calls set aside so far.
    `counted` is how many of these had counted in a total. `left_as_they_are` is how many of these
    have a contact that was not changed. `lifted` is how many of these have a number that was taken
    off the do-not-call list and is not on it now."""

    calls: int
    counted: int
    lifted: int
    left_as_they_are: int


def preview(caller: Caller, only_fast: bool = False) -> Preview:
    """Return how many calls, people and do-not-call entries `begin` would affect now."""
    values = {"caller_id": caller.id, "only_fast": only_fast, "never": list(SUPPRESSES)}
    return Preview(**db.session.execute(_PREVIEW, values).one()._mapping)


def progress(set_aside: SetAside) -> Progress:
    """Return the progress of this request to set calls aside."""
    return Progress(**db.session.execute(_DONE_SO_FAR, {"id": set_aside.id}).one()._mapping)


def set_asides_of(caller: Caller) -> Sequence[SetAside]:
    """Return every request to set aside calls of this caller, newest first."""
    query = select(SetAside).where(SetAside.caller_id == caller.id)
    return db.session.scalars(query.order_by(SetAside.id.desc())).all()


def set_aside_of(caller: Caller, set_aside_id: int) -> SetAside:
    """Return this caller's `SetAside` (request to set calls aside) with this id. Raises
    NotFoundError if there is no such request."""
    set_aside = db.session.get(SetAside, set_aside_id)
    if set_aside is None or set_aside.caller_id != caller.id:
        raise NotFoundError("These calls are not set aside.", "Reload the page.")
    return set_aside


def begin(
    caller: Caller, account: Account, reason: str, at: datetime, only_fast: bool = False
) -> SetAside:
    """Begin to set aside (take out of every total) each call that the caller recorded up to `at`
    (aware). Return the new `SetAside`. `set_aside_worker.take_step` does the work.

    With `only_fast`, set aside only the calls that were recorded too soon to have been real calls.
    Raises ConflictError if there is no call to set aside.
    """
    counts = preview(caller, only_fast)
    if not counts.calls:
        raise ConflictError("There is nothing to set aside.", "Reload the page.")
    set_aside = SetAside(
        campaign_id=caller.campaign_id, caller_id=caller.id, only_fast=only_fast, until=at
    )
    db.session.add(set_aside)
    record_action(
        caller,
        account,
        CallerActionKind.SET_ASIDE,
        reason,
        at,
        only_fast=only_fast,
        **counts.__dict__,
    )
    db.session.flush()
    return set_aside


def bring_back(set_aside: SetAside, account: Account, reason: str, at: datetime) -> None:
    """Begin to bring back every call of a finished `set_aside`, so that the calls count again.
    `set_aside_worker.take_step` does the work.

    Raises ConflictError if `set_aside` is not finished, or if somebody has already begun to bring
    its calls back.
    """
    returning = db.session.execute(
        update(SetAside)
        .where(SetAside.id == set_aside.id, SetAside.state == SetAsideState.DONE)
        .values(state=SetAsideState.RETURNING)
        .returning(SetAside.caller_id)
    ).one_or_none()
    if returning is None:
        raise ConflictError(
            "We are still processing these calls, or they already count again.", "Reload the page."
        )
    caller = db.session.get_one(Caller, returning.caller_id)
    record_action(
        caller, account, CallerActionKind.BROUGHT_BACK, reason, at, **progress(set_aside).__dict__
    )
