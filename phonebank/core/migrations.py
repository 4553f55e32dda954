"""Bring a database to this release's tables while an older release goes on serving from it."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from flask_alembic import Alembic
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from phonebank.core.db import db
from phonebank.core.errors import ConflictError

log = logging.getLogger(__name__)

# Seconds. Whoever wants the table queues behind a migration that waits for it: no longer than a
# caller waits for the next person without wondering.
WAITS_FOR_A_TABLE = 2.0
# A download or a backup may read a table for minutes.
TRIES = 30
BETWEEN_TRIES = 10.0  # seconds


class TableInUseError(ConflictError):
    """Somebody has been reading a table, or changing it, all the time."""

    def __init__(self) -> None:
        super().__init__(
            "A table has been in use by others for minutes: a download, perhaps, or a backup.",
            "What was done is kept. Run `phonebank migrate` again when that is over.",
        )


def to_this_release(
    app: Flask, alembic: Alembic, tries: int = TRIES, between: float = BETWEEN_TRIES
) -> None:
    """Run what migrations are missing, each by itself.

    One that needs a table which others use gives way after a moment and is tried again, `tries`
    times, `between` seconds apart. Raises TableInUseError after the last.
    """
    for left in reversed(range(tries)):
        try:
            with app.app_context(), _giving_way(db.engine):
                alembic.upgrade()
            return
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise
        if left:
            log.warning("a table is in use; trying again in %g s", between)
            time.sleep(between)
    raise TableInUseError()


@contextmanager
def _giving_way(engine: Engine) -> Iterator[None]:
    def limit(connection: Connection) -> None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{WAITS_FOR_A_TABLE}s'")

    event.listen(engine, "begin", limit)
    try:
        yield
    finally:
        event.remove(engine, "begin", limit)
