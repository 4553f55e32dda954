"""Ends holds and opens them again. A hold reserves a contact for one call. When an outcome is
recorded, `calls.call_rows` ends the hold itself, with the SQL in END_WITH_OUTCOME.

A hold is a row of `call` whose `ended_at` is NULL. Redis has a copy of each hold. These functions
do not commit. Redis is changed only after the commit, so a contact is never freed in Redis while
the contact's call is open in PostgreSQL.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime

from redis import Redis
from sqlalchemy import select, text

from phonebank.contact_queue.redis_queue import HeldContact, RedisQueue
from phonebank.core.db import db
from phonebank.core.redis import send_after_commit
from phonebank.models import Call, CallEnding, now
from phonebank.models.state_column import state_sql, state_text

# The statement finds the expired holds and ends them in one step. A renewal, an outcome or a
# release of the same call comes either before the statement or after it. If PostgreSQL had to wait
# for a row, it checks the condition again.
_END_EXPIRED = state_text(
    """
UPDATE call SET ended_at = :now, ending = :expired
WHERE campaign_id = :campaign_id AND ended_at IS NULL AND expires_at <= :now
RETURNING id, contact_id
""",
    expired=CallEnding.EXPIRED,
)
# The part of an UPDATE that ends the hold of a call whose outcome was recorded at `:at`. If the
# hold had already ended, the columns about its end do not change.
END_WITH_OUTCOME = state_sql(
    "ended_at = coalesce(call.ended_at, :at), ending = coalesce(call.ending, :recorded)",
    recorded=CallEnding.RECORDED,
)
_OPEN_HOLDS = text("""
SELECT id, contact_id, expires_at FROM call
WHERE campaign_id = :campaign_id AND ended_at IS NULL
""")


def open_holds(campaign_id: int) -> list[HeldContact]:
    """Return every hold of the campaign from PostgreSQL."""
    rows = db.session.execute(_OPEN_HOLDS, {"campaign_id": campaign_id})
    return [HeldContact(row.contact_id, row.id, row.expires_at) for row in rows]


def end_hold(call: Call, ending: CallEnding) -> None:
    """End the hold of this call now, and free the contact in Redis after the commit."""
    call.ended_at = now()
    call.ending = ending
    release_after_commit(call.campaign_id, call.contact_id, call.id)


def release_caller(caller_id: int) -> int:
    """End every hold of a caller who has left or been removed. Return how many holds were ended."""
    open_calls = db.session.scalars(
        select(Call)
        .where(Call.caller_id == caller_id, Call.ended_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for call in open_calls:
        end_hold(call, CallEnding.TAKEN_AWAY)
    return len(open_calls)


def end_expired_holds(campaign_id: int, at: datetime) -> int:
    """End the campaign's holds that have expired by `at` (aware). Return how many holds were ended.

    After the commit, other callers can get the contacts. A hold that expires without an outcome
    does not count as an attempt to call.
    """
    values = {"campaign_id": campaign_id, "now": at}
    ended = db.session.execute(_END_EXPIRED, values).all()
    _free_after_commit(campaign_id, [(row.contact_id, row.id) for row in ended])
    return len(ended)


def reopen_hold(call: Call, until: datetime) -> None:
    """Open an ended call again, so that its hold lasts until `until` (aware). The hold is copied to
    Redis after the commit.

    This function flushes the session. Raises IntegrityError if another open call now has the same
    contact, number or caller, or if another change in the session breaks a constraint.
    """
    call.ended_at = call.ending = None
    call.expires_at = until
    db.session.flush()
    hold_after_commit(call)


def release_after_commit(campaign_id: int, contact_id: int, call_id: uuid.UUID) -> None:
    """After the commit, free the contact in Redis, unless another call holds the contact there."""
    _free_after_commit(campaign_id, [(contact_id, call_id)])


def hold_after_commit(call: Call) -> None:
    """Copy the hold of this call to Redis after the commit."""
    copy_after_commit(call.campaign_id, HeldContact(call.contact_id, call.id, call.expires_at))


def copy_after_commit(campaign_id: int, held: HeldContact) -> None:
    """Copy a hold to Redis after the commit."""
    send_after_commit(lambda redis: RedisQueue(redis, campaign_id).copy_holds(held))


def _free_after_commit(campaign_id: int, holds: Iterable[tuple[int, uuid.UUID]]) -> None:
    def free(redis: Redis) -> None:
        for contact_id, call_id in holds:
            RedisQueue(redis, campaign_id).release(contact_id, call_id)

    send_after_commit(free)
