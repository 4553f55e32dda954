"""The two stores: PostgreSQL through `db`, Redis through `redis_store`.

PostgreSQL is the truth. Redis holds only what can be rebuilt from it.
"""

from flask import Flask, current_app
from flask_sqlalchemy_lite import SQLAlchemy
from redis import Redis

db = SQLAlchemy(
    engine_options={
        # A web worker runs many greenlets; each needs a connection only for milliseconds.
        "pool_size": 10,
        "max_overflow": 20,
        "pool_timeout": 10,
    }
)

# Seconds. Long enough for a busy Redis, short enough that a caller is not left staring when it
# is down: the claim then says "back in a moment".
REDIS_TIMEOUT = 2.0


def init_app(app: Flask, database_url: str, redis_url: str) -> None:
    """Bind both stores to the app. Nothing is connected until first used."""
    app.config["SQLALCHEMY_ENGINES"] = {"default": {"url": database_url}}
    db.init_app(app)
    app.extensions["redis"] = Redis.from_url(
        redis_url,
        decode_responses=True,
        socket_timeout=REDIS_TIMEOUT,
        socket_connect_timeout=REDIS_TIMEOUT,
    )
    # RQ keeps pickles, so its client must not decode, and its blocking reads need no timeout.
    app.extensions["redis_for_jobs"] = Redis.from_url(redis_url)


def redis_store() -> "Redis":
    """The app's Redis client; text in, text out."""
    return current_app.extensions["redis"]


def redis_for_jobs() -> "Redis":
    """The Redis client that RQ uses; bytes."""
    return current_app.extensions["redis_for_jobs"]
