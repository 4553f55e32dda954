"""Where everyone stands, counted once for all who watch.

Counting looks at every contact of the campaign, a second and more in millions, and each open page
asks every few seconds. So one asker at a time counts, and the others are given what was counted
last, with its time.
"""

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from redis import Redis
from redis.exceptions import RedisError

from phonebank.contact_queue.status_counts import BUCKETS, Bucket, buckets_of, capacity_per_hour
from phonebank.core.redis import redis_store
from phonebank.models import Campaign, now

# Figures serve for this many times as long as it took to count them, so that no more than a
# twelfth of one processor goes into counting a campaign, however many watch: small ones are
# counted each time, three million every fifteen seconds or so.
SERVE_TIMES = 11
# Seconds that old figures are still shown for, while somebody counts anew.
SHOWN_WHILE_COUNTING = 60
# Seconds after which whoever went to count is given up.
COUNTING_AT_MOST = 60


@dataclass(frozen=True)
class Figures:
    """`buckets` as `buckets_of` gives them, `capacity` calls within an hour, both at `at`."""

    at: datetime
    buckets: list[Bucket]
    capacity: int


def figures_of(campaign: Campaign) -> Figures | None:
    """The campaign's figures; None while somebody counts them and there are none to show yet.

    With Redis away everyone counts for themselves.
    """
    redis = redis_store()
    counted, turn = f"figures:{{{campaign.id}}}", f"figures:{{{campaign.id}}}:turn"
    try:
        # There while somebody counts, and then for as long as what they counted serves.
        if not redis.set(turn, "taken", nx=True, ex=COUNTING_AT_MOST):
            last = redis.get(counted)
            return _read(str(last)) if last else None
    except RedisError:
        return count(campaign)
    began = time.monotonic()
    try:
        figures = count(campaign)
    except BaseException:
        with suppress(RedisError):
            redis.delete(turn)
        raise
    with suppress(RedisError):
        _share(redis, counted, turn, figures, time.monotonic() - began)
    return figures


def count(campaign: Campaign) -> Figures:
    """The figures, counted now."""
    return Figures(now(), buckets_of(campaign), capacity_per_hour(campaign))


def _share(redis: Redis, counted: str, turn: str, figures: Figures, took: float) -> None:
    serve_ms = max(1, round(took * SERVE_TIMES * 1000))
    with redis.pipeline() as both:
        both.set(counted, _written(figures), px=serve_ms + SHOWN_WHILE_COUNTING * 1000)
        both.pexpire(turn, serve_ms)
        both.execute()


def _written(figures: Figures) -> str:
    return json.dumps(
        {
            "at": figures.at.isoformat(),
            "capacity": figures.capacity,
            "buckets": [
                [bucket.key, bucket.contacts, bucket.next_at and bucket.next_at.isoformat()]
                for bucket in figures.buckets
            ],
        }
    )


def _read(stored: str) -> Figures:
    values = json.loads(stored)
    return Figures(
        datetime.fromisoformat(values["at"]),
        [
            Bucket(key, BUCKETS[key], contacts, datetime.fromisoformat(at) if at else None)
            for key, contacts, at in values["buckets"]
        ],
        values["capacity"],
    )
