"""“Something changed here”: a new mark in Redis, compared by every web process's pump.

A signal only hurries a board. One that is lost costs four seconds and never a wrong figure, so a
Redis that is away is logged and forgotten.
"""

import logging
import secrets
from typing import cast

from flask import Flask, current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = logging.getLogger(__name__)

# Seconds. An outcome is already safe when it is signalled: nobody waits longer than this for it.
TIMEOUT = 0.5
# Seconds a mark is kept after its last change, so that Redis does not fill with old parties.
KEPT_FOR = 24 * 60 * 60


def init_app(app: Flask, redis_url: str) -> None:
    """Give the app the Redis client of the live part. Nothing is connected until first used."""
    app.extensions["redis_for_live"] = Redis.from_url(
        redis_url,
        decode_responses=True,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        # Once more at once: a connection kept from before Redis restarted fails on first use.
        retry=Retry(NoBackoff(), 1),
    )


def redis_for_live() -> Redis:
    """The live part's Redis client; text in, text out."""
    return current_app.extensions["redis_for_live"]


def party_key(party_id: int) -> str:
    """The key of a party's mark."""
    return f"live:party:{party_id}"


def campaign_key(campaign_id: int) -> str:
    """The key of a campaign's mark."""
    return f"live:campaign:{campaign_id}"


def board_changed(campaign_id: int, party_id: int | None = None) -> None:
    """Say that a campaign's figures, or a party's board, changed. Call it after the commit.

    Raises nothing: see above.
    """
    keys = [campaign_key(campaign_id)]
    if party_id is not None:
        keys.append(party_key(party_id))
    try:
        pipeline = redis_for_live().pipeline(transaction=False)
        for key in keys:
            # Not a counter: begun anew by a Redis that was emptied, it could come to stand exactly
            # where a pump last saw it, and the change would go unnoticed.
            pipeline.set(key, secrets.token_hex(8), ex=KEPT_FOR)
        pipeline.execute()
    except RedisError as error:
        log.warning(
            "no signal, so the board of party %s is some seconds late: %s",
            party_id,
            type(error).__name__,
        )


def marks_of(party_ids: list[int]) -> list[str | None]:
    """The marks of these parties, in their order; None where nothing was signalled.

    Raises RedisError when Redis is away.
    """
    return cast(
        list[str | None], redis_for_live().mget([party_key(party_id) for party_id in party_ids])
    )
