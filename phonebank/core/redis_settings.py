"""Whether Redis is set up so that it neither throws out nor refuses what callers need.

Looked at when a process starts. `docs/operations.md` says what is needed, and why.
"""

import logging

from flask import Flask
from redis import Redis
from redis.exceptions import RedisError, ResponseError

log = logging.getLogger(__name__)


def check(app: Flask) -> None:
    """Warn in the log, in words, of settings that hurt on a busy evening. Nothing is refused: the
    settings are another server's, and a Redis that is away is looked at by the next process."""
    redis: Redis = app.extensions["redis"]
    try:
        for warning in (_of_eviction(redis), _of_its_file(redis)):
            if warning:
                log.warning("WARNING: %s See “Redis” in docs/operations.md.", warning)
    except RedisError as error:
        log.warning("Redis was not looked at: it is away (%s)", type(error).__name__)


def _of_eviction(redis: Redis) -> str:
    policy = redis.info("memory").get("maxmemory_policy", "noeviction")
    if policy == "noeviction":
        return ""
    return (
        f"REDIS THROWS OUT WHAT IT LIKES WHEN IT IS FULL (maxmemory-policy is {policy}). Waiting"
        " chores would be lost and hand-outs become slow. Set maxmemory-policy to noeviction."
    )


def _of_its_file(redis: Redis) -> str:
    try:
        points = redis.config_get("save").get("save")
        stops = redis.config_get("stop-writes-on-bgsave-error")
    except ResponseError:
        return ""  # a hosted Redis that does not tell: its host looks after its disc
    if not points or stops.get("stop-writes-on-bgsave-error") != "yes":
        return ""
    return (
        "REDIS STOPS WRITING WHEN IT CANNOT SAVE ITS FILE, and then nobody can be handed out (save"
        f' is "{points}", stop-writes-on-bgsave-error is yes). Phonebank needs no such file: set'
        ' save to "".'
    )
