"""Access to Redis. Redis holds the job queues, the counts for rate limits, and data that can be
rebuilt from PostgreSQL at any time."""

from collections.abc import Callable

from flask import Flask, current_app
from redis import Redis

from phonebank.core.db import actions_after_commit, after_commit

# Seconds. This is long enough for a busy Redis. It is also short enough for a caller who waits for
# an answer while Redis is unavailable.
REDIS_TIMEOUT = 2.0


def init_app(app: Flask, redis_url: str) -> None:
    """Set the app's Redis server. The app connects when it first uses Redis."""
    app.extensions["redis"] = Redis.from_url(
        redis_url,
        decode_responses=True,
        socket_timeout=REDIS_TIMEOUT,
        socket_connect_timeout=REDIS_TIMEOUT,
    )
    # RQ stores compressed jobs, so its client must not decode them. RQ also waits for jobs in
    # blocking reads, which must not time out.
    app.extensions["redis_for_jobs"] = Redis.from_url(redis_url)


def redis_store() -> Redis:
    """Return the app's Redis client, which accepts and returns text."""
    redis: Redis = current_app.extensions["redis"]
    return redis


def redis_for_jobs() -> Redis:
    """Return the Redis client that RQ uses, which accepts and returns bytes."""
    redis: Redis = current_app.extensions["redis_for_jobs"]
    return redis


def send_after_commit(command: Callable[[Redis], object]) -> None:
    """Send commands to Redis after the current transaction commits. Drop the commands if the
    transaction rolls back. `command` is a function that gets a Redis client and calls the client's
    methods.

    All commands of a transaction are sent to Redis together, in the order in which they were given.
    So `command` must not use the return values of these methods. If Redis is unavailable, the error
    is logged and the commands are lost.
    """
    message = next((act for act in actions_after_commit() if isinstance(act, _Message)), None)
    if message is None:
        message = _Message()
        after_commit(message)
    message.commands.append(command)


class _Message:
    def __init__(self) -> None:
        self.commands: list[Callable[[Redis], object]] = []

    def __call__(self) -> None:
        with redis_store().pipeline(transaction=False) as pipeline:
            for command in self.commands:
                command(pipeline)
            pipeline.execute()
