"""Checks at start whether the settings of Redis let it delete or refuse data that Phonebank needs.

`docs/operations.md` says which settings Phonebank needs, and why.
"""

import logging

from flask import Flask
from redis import Redis
from redis.exceptions import RedisError, ResponseError

log = logging.getLogger(__name__)


def check(app: Flask) -> None:
    """Log a warning for each setting that would cause errors on a busy evening.

    The process starts even if a setting is wrong, because the settings belong to the Redis server
    and not to Phonebank. If Redis is unavailable, nothing is checked. The next process that starts
    checks again.
    """
    redis: Redis = app.extensions["redis"]
    try:
        for warning in (_eviction_warning(redis), _persistence_warning(redis)):
            if warning:
                log.warning("WARNING: %s See “Redis” in docs/operations.md.", warning)
    except RedisError as error:
        log.warning("the settings of Redis were not checked: it is away (%s)", type(error).__name__)


def _eviction_warning(redis: Redis) -> str:
    policy = redis.info("memory").get("maxmemory_policy", "noeviction")
    if policy == "noeviction":
        return ""
    return (
        f"REDIS DELETES DATA OF ITS CHOICE WHEN IT IS FULL (maxmemory-policy is {policy})."
        " Waiting jobs would be lost, and callers would wait for people. Set maxmemory-policy to"
        " noeviction."
    )


def _persistence_warning(redis: Redis) -> str:
    try:
        points = redis.config_get("save").get("save")
        stops = redis.config_get("stop-writes-on-bgsave-error")
    except ResponseError:
        return ""  # a hosted Redis may hide its settings; its host looks after its disk
    if not points or stops.get("stop-writes-on-bgsave-error") != "yes":
        return ""
    return (
        "REDIS STOPS WRITING WHEN IT CANNOT SAVE ITS FILE, and then callers get nobody (save"
        f' is "{points}", stop-writes-on-bgsave-error is yes). Phonebank needs no such file: set'
        ' save to "".'
    )
