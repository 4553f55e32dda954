"""Health checks for a load balancer or a container engine, which requests them again and again.

`/healthz` answers if the process is running. If `/healthz` does not answer, the process must be
replaced. `/readyz` says whether PostgreSQL and Redis answer this process. If one of the two does
not answer, requests should go to another process. Replacing this process would not help. The
overload limits do not count these checks, so a busy process does not look like a dead process.
"""

import threading
import time

from flask import Blueprint, Flask, Response, current_app
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from phonebank.core.access import ANYONE, open_to
from phonebank.core.db import db
from phonebank.core.overload import Urgency, with_urgency
from phonebank.core.redis import redis_store

# Seconds. Anyone may request these pages as often as they like, so a process asks PostgreSQL and
# Redis only once in this time.
ASKED_EVERY = 1.0

pages = Blueprint("health", __name__)


class Readiness:
    """Which stores (PostgreSQL and Redis) did not answer when this process last checked them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_at: float | None = None
        self._silent: list[str] = []

    def silent_stores(self) -> list[str]:
        """Return the names of the stores (PostgreSQL and Redis) that do not answer. The result may
        be up to ASKED_EVERY seconds old."""
        with self._lock:
            if self._asked_at is None or time.monotonic() >= self._asked_at + ASKED_EVERY:
                self._silent = _silent_stores()
                self._asked_at = time.monotonic()
            return self._silent


def init_app(app: Flask) -> None:
    """Add the addresses of both health checks."""
    app.extensions["readiness"] = Readiness()
    app.register_blueprint(pages)


@pages.get("/healthz")
@open_to(ANYONE)
@with_urgency(Urgency.PROBE)
def alive() -> ResponseReturnValue:
    """Return the status 200, without asking PostgreSQL or Redis."""
    return _plain("alive")


@pages.get("/readyz")
@open_to(ANYONE)
@with_urgency(Urgency.PROBE)
def ready() -> ResponseReturnValue:
    """Return the status 200 if PostgreSQL and Redis answer. Otherwise return the status 503, with
    one line for each store that does not answer."""
    silent = current_app.extensions["readiness"].silent_stores()
    if silent:
        return _plain("\n".join(f"{name} does not answer" for name in silent), 503)
    return _plain("ready")


def _silent_stores() -> list[str]:
    silent = []
    try:
        with db.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        silent.append("PostgreSQL")
    try:
        redis_store().ping()
    except RedisError:
        silent.append("Redis")
    return silent


def _plain(words: str, status: int = 200) -> Response:
    return Response(f"{words}\n", status, mimetype="text/plain")
