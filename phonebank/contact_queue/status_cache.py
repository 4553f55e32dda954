"""Counts a campaign's contacts by status, once for all the pages that show the counts.

A count reads every contact in the campaign. For millions of contacts, this takes more than a
second, and each open page asks for the counts every few seconds. So only one request at a time
counts the contacts of a campaign. The other requests get the last counts, and the time at which the
contacts were counted. While Redis is unavailable, every request counts the contacts itself.
"""

import json
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from redis.exceptions import RedisError

from phonebank.contact_queue.redis_queue import end_lock
from phonebank.contact_queue.status_counts import BUCKETS, Bucket, buckets_of, capacity_per_hour
from phonebank.core.redis import redis_store
from phonebank.models import Campaign, now

# Counts stay current for 11 times as long as the count took. So at most a twelfth of one processor
# counts a campaign, however many people watch it. A small campaign is counted at each request, and
# three million contacts about every fifteen seconds.
SERVE_TIMES = 11
# Pages may show counts that are no longer current for this many seconds, while a request counts.
SHOWN_WHILE_COUNTING = 60
# If a request has not finished its count after this many seconds, another request counts.
COUNTING_AT_MOST = 60


@dataclass(frozen=True)
class QueueStatus:
    """The status of a campaign's contacts at the time `at` (aware). `buckets` is the result of
    `buckets_of`: how many contacts are in each group. `capacity` is the number of calls that the
    queue can offer within an hour."""

    at: datetime
    buckets: list[Bucket]
    capacity: int


def queue_status(campaign: Campaign) -> QueueStatus | None:
    """Return the status of the campaign's contacts. Count the contacts now, unless the last counts
    are still current or another request is counting. In both these cases, return the last counts
    (None if there are none).

    While Redis is unavailable, every request counts the contacts itself.
    """
    redis = redis_store()
    counted, turn = f"figures:{{{campaign.id}}}", f"figures:{{{campaign.id}}}:turn"
    token = secrets.token_hex(8)
    try:
        # While this key exists, a request is counting, or its counts are still current.
        if not redis.set(turn, token, nx=True, ex=COUNTING_AT_MOST):
            last = redis.get(counted)
            return _from_json(str(last)) if last else None
    except RedisError:
        return count_status(campaign)
    began = time.monotonic()
    try:
        status = count_status(campaign)
    except BaseException:
        with suppress(RedisError):
            end_lock(redis, turn, token)
        raise
    with suppress(RedisError):
        serve_ms = max(1, round((time.monotonic() - began) * SERVE_TIMES * 1000))
        with redis.pipeline() as both:
            both.set(counted, _to_json(status), px=serve_ms + SHOWN_WHILE_COUNTING * 1000)
            end_lock(both, turn, token, serve_ms)
            both.execute()
    return status


def last_status(campaign: Campaign) -> QueueStatus | None:
    """Return the last counts of the campaign's contacts by status, without counting again. Return
    None if there are no counts or if Redis is unavailable."""
    try:
        last = redis_store().get(f"figures:{{{campaign.id}}}")
    except RedisError:
        return None
    return _from_json(str(last)) if last else None


def count_status(campaign: Campaign) -> QueueStatus:
    """Count the campaign's contacts now, and return their status."""
    return QueueStatus(now(), buckets_of(campaign), capacity_per_hour(campaign))


def _to_json(status: QueueStatus) -> str:
    return json.dumps(
        {
            "at": status.at.isoformat(),
            "capacity": status.capacity,
            "buckets": [
                [bucket.key, bucket.contacts, bucket.next_at and bucket.next_at.isoformat()]
                for bucket in status.buckets
            ],
        }
    )


def _from_json(stored: str) -> QueueStatus:
    values = json.loads(stored)
    return QueueStatus(
        datetime.fromisoformat(values["at"]),
        [
            Bucket(key, BUCKETS[key], contacts, datetime.fromisoformat(at) if at else None)
            for key, contacts, at in values["buckets"]
        ],
        values["capacity"],
    )
