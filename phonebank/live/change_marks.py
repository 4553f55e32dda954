"""Marks in Redis that tell the broadcaster in every web process that a party's board has changed.

A mark only makes a board change sooner. If a mark is lost, the board shows the right figures a few
seconds later. So lost marks are not sent again.
"""

import secrets
from typing import cast

from flask import Flask, current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from phonebank.core.redis import send_after_commit

# Seconds. A broadcaster waits at most this long for the marks.
TIMEOUT = 0.5
# Seconds after which a mark expires, so that Redis does not fill up with marks of old parties.
KEPT_FOR = 24 * 60 * 60


def init_app(app: Flask, redis_url: str) -> None:
    """Set up the app's Redis client for the marks of changed boards. The client connects when it is
    first used."""
    app.extensions["redis_for_live"] = Redis.from_url(
        redis_url,
        decode_responses=True,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        # The client retries once, at once, because a connection from before a restart of Redis
        # fails when it is next used.
        retry=Retry(NoBackoff(), 1),
    )


def redis_for_live() -> Redis:
    """Return the Redis client for the marks of changed boards. The client accepts and returns
    text."""
    redis: Redis = current_app.extensions["redis_for_live"]
    return redis


def party_key(party_id: int) -> str:
    """Return the Redis key of a party's mark. A new mark shows that the party's boards have
    changed."""
    return f"live:party:{party_id}"


def mark_after_commit(party_id: int | None) -> None:
    """After this transaction commits, mark the party's boards as changed. Do nothing if `party_id`
    is None.

    If Redis is unavailable, the error is logged, and the boards change some seconds later.
    """
    if party_id is not None:
        # A mark is random and not a counter. After Redis was emptied, a counter could return to the
        # number that a broadcaster last saw. The broadcaster would then miss the change.
        key, mark = party_key(party_id), secrets.token_hex(8)
        send_after_commit(lambda redis: redis.set(key, mark, ex=KEPT_FOR))


def marks_of(party_ids: list[int]) -> list[str | None]:
    """Return the marks of these parties, in the order of `party_ids`, with None for each party that
    has no mark.

    Raises RedisError if Redis is unavailable.
    """
    return cast(
        list[str | None], redis_for_live().mget([party_key(party_id) for party_id in party_ids])
    )
