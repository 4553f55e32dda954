"""The one place where a hold ends or opens again: the call's row, and its copy in Redis.

Nothing here commits. Redis is updated after the commit, so it never frees a contact that PostgreSQL
still has in an open call.
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

# One statement finds and ends these holds, so a renewal, an outcome or a release at this moment
# comes either before it or after it. If PostgreSQL had to wait for a row, it checks that row once
# more.
_END_EXPIRED = state_text(
    """
UPDATE call SET ended_at = :now, ending = :expired
WHERE campaign_id = :campaign_id AND ended_at IS NULL AND expires_at <= :now
RETURNING id, contact_id
""",
    expired=CallEnding.EXPIRED,
)
# The part of a statement that ends a call's hold with its outcome, recorded at `:at`. A hold that
# has ended before keeps its ending.
END_WITH_OUTCOME = state_sql(
    "ended_at = coalesce(call.ended_at, :at), ending = coalesce(call.ending, :recorded)",
    recorded=CallEnding.RECORDED,
)
_OPEN_HOLDS = text("""
SELECT id, contact_id, expires_at FROM call
WHERE campaign_id = :campaign_id AND ended_at IS NULL
""")


def open_holds(campaign_id: int) -> list[HeldContact]:
    """Return every hold of the campaign as PostgreSQL has it. Redis has a copy."""
    rows = db.session.execute(_OPEN_HOLDS, {"campaign_id": campaign_id})
    return [HeldContact(row.contact_id, row.id, row.expires_at) for row in rows]


def end_hold(call: Call, ending: CallEnding) -> None:
    """Close the call's row now, and free the contact in Redis after the commit."""
    call.ended_at = now()
    call.ending = ending
    release_after_commit(call.campaign_id, call.contact_id, call.id)


def release_caller(caller_id: int) -> int:
    """End every hold of a caller who has left or was removed. Return how many there were."""
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
    """End the campaign's holds whose time is up at `at` (aware). Return how many there were.

    The contacts become callable as they were before. These calls do not count as attempts.
    """
    values = {"campaign_id": campaign_id, "now": at}
    ended = db.session.execute(_END_EXPIRED, values).all()
    _free_after_commit(campaign_id, [(row.contact_id, row.id) for row in ended])
    return len(ended)


def reopen_hold(call: Call, until: datetime) -> None:
    """Open an ended call again, until `until` (aware), and tell Redis after the commit.

    This flushes. Raises IntegrityError if another open call has the contact, the number or the
    caller by now.
    """
    call.ended_at = call.ending = None
    call.expires_at = until
    db.session.flush()
    hold_after_commit(call)


def release_after_commit(campaign_id: int, contact_id: int, call_id: uuid.UUID) -> None:
    """Free the contact in Redis after the commit, if this call holds the contact there."""
    _free_after_commit(campaign_id, [(contact_id, call_id)])


def hold_after_commit(call: Call) -> None:
    """Tell Redis after the commit that the call holds its contact, and until when."""
    copy_after_commit(call.campaign_id, HeldContact(call.contact_id, call.id, call.expires_at))


def copy_after_commit(campaign_id: int, held: HeldContact) -> None:
    """Copy a hold to Redis after the commit."""
    send_after_commit(lambda redis: RedisQueue(redis, campaign_id).copy_holds(held))


def _free_after_commit(campaign_id: int, holds: Iterable[tuple[int, uuid.UUID]]) -> None:
    def free(redis: Redis) -> None:
        for contact_id, call_id in holds:
            RedisQueue(redis, campaign_id).release(contact_id, call_id)

    send_after_commit(free)
