"""Ends the holds that have expired, and corrects the copy of the holds in Redis. A hold reserves a
contact for one call."""

from datetime import datetime, timedelta

from sqlalchemy import text

from phonebank.contact_queue.holds import end_expired_holds, open_holds
from phonebank.contact_queue.redis_queue import HeldContact, RedisQueue, redis_queue_of
from phonebank.contact_queue.refill import ensure_built
from phonebank.core.db import db
from phonebank.models import Campaign, now

# A claim takes a contact in Redis and commits its call some milliseconds later. On a very slow
# server it may take as long as this.
CLAIM_TAKES_AT_MOST = timedelta(seconds=5)

_CONTACTS_OF_CALLS = text("""
SELECT id, CASE WHEN ended_at IS NULL THEN contact_id END AS contact_id
FROM call WHERE id = ANY(CAST(:ids AS uuid[]))
""")


def expire_holds(campaign: Campaign) -> int:
    """End the campaign's holds that have expired, and commit. Return how many holds were ended.

    The holds are ended in PostgreSQL first. If the process is killed before it has updated Redis,
    the next run corrects Redis.
    """
    at = now()
    ended = end_expired_holds(campaign.id, at)
    db.session.commit()
    ensure_built(campaign)
    _correct_copy(campaign, redis_queue_of(campaign.id), at)
    return ended


def _correct_copy(campaign: Campaign, redis_queue: RedisQueue, at: datetime) -> None:
    """Make the copy of the holds in Redis match the open calls in PostgreSQL. The two differ if a
    process was killed between its changes in PostgreSQL and in Redis, if Redis was unavailable, or
    if Redis evicted a key."""
    copied = redis_queue.holds()
    true_holds = open_holds(campaign.id)
    redis_queue.copy_holds(*set(true_holds).difference(copied))
    in_open_calls = {held.contact_id for held in true_holds}
    without_call = [held for held in copied if held.contact_id not in in_open_calls]
    for held in _ended_among(campaign, without_call, at):
        redis_queue.release(held.contact_id, held.call_id)


def _ended_among(
    campaign: Campaign, without_call: list[HeldContact], at: datetime
) -> list[HeldContact]:
    """Return the holds in `without_call` that have ended. `without_call` has the holds in Redis
    whose contact is in no open call.

    Such a hold has ended if its call has ended or was switched to another person in the household.
    If the hold has no call in PostgreSQL, or if Redis has lost the id of the call, the hold has
    ended once it is older than CLAIM_TAKES_AT_MOST. A claim writes its call within that time.
    """
    if not without_call:
        return []
    ids = [held.call_id for held in without_call if held.call_id is not None]
    rows = db.session.execute(_CONTACTS_OF_CALLS, {"ids": ids})
    contact_of_call = {row.id: row.contact_id for row in rows}
    taken_before = at + timedelta(seconds=campaign.hold_seconds) - CLAIM_TAKES_AT_MOST
    return [
        held
        for held in without_call
        if (
            contact_of_call[held.call_id] != held.contact_id
            if held.call_id in contact_of_call
            else held.until < taken_before
        )
    ]
