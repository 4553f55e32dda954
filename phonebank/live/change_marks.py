"""Marks in Redis that say “something changed here”. The broadcaster of every web process compares
them.

A mark only makes a board update sooner. A lost mark costs four seconds and never a wrong figure, so
nothing makes up for it.
"""

import secrets
from typing import cast

from flask import Flask, current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from phonebank.core.redis import send_after_commit

# Seconds. A broadcaster waits no longer than this for the marks.
TIMEOUT = 0.5
# Seconds after its last change at which a mark expires, so that Redis does not fill with old
# parties.
KEPT_FOR = 24 * 60 * 60


def init_app(app: Flask, redis_url: str) -> None:
    """Give the app the Redis client of the live part. The client connects when it is first used."""
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
    """Return the live part's Redis client, which takes and returns text."""
    redis: Redis = current_app.extensions["redis_for_live"]
    return redis


def party_key(party_id: int) -> str:
    """Return the key of a party's mark."""
    return f"live:party:{party_id}"


def mark_after_commit(party_id: int | None) -> None:
    """Mark the party's boards as changed once this transaction commits. None marks nothing.

    If Redis is away, that is logged, and the boards are some seconds late.
    """
    if party_id is not None:
        # The mark is random, not a counter. After Redis was emptied, a counter could reach the very
        # number that a broadcaster last saw, and the change would go unnoticed.
        key, mark = party_key(party_id), secrets.token_hex(8)
        send_after_commit(lambda redis: redis.set(key, mark, ex=KEPT_FOR))


def marks_of(party_ids: list[int]) -> list[str | None]:
    """Return the marks of these parties, in their order; None for a party without one.

    Raises RedisError when Redis is away.
    """
    return cast(
        list[str | None], redis_for_live().mget([party_key(party_id) for party_id in party_ids])
    )
