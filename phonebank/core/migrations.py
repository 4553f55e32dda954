"""Updates a database's tables while the processes of an older release still use them."""

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

# Seconds. While a migration waits for a table, all later queries on the table wait behind it. So
# the migration gives up before a caller who waits for the next person loses patience.
LOCK_TIMEOUT = 2.0
# There are so many attempts because a download or a backup may read a table for minutes.
ATTEMPTS = 30
BETWEEN_ATTEMPTS = 10.0  # seconds


class TableInUseError(ConflictError):
    """The error for a migration that could not lock its table in any attempt, because other
    transactions were using it."""

    def __init__(self) -> None:
        super().__init__(
            "A table has been in use by others for minutes: a download, perhaps, or a backup.",
            "What was done is kept. Run `phonebank migrate` again when that is over.",
        )


def upgrade_database(
    app: Flask, alembic: Alembic, attempts: int = ATTEMPTS, between: float = BETWEEN_ATTEMPTS
) -> None:
    """Run the migrations that have not been applied to the database yet, each in its own
    transaction.

    If a migration needs a table that is in use, the migration gives up after LOCK_TIMEOUT seconds.
    In all, up to `attempts` attempts are made, with a pause of `between` seconds between two
    attempts. Raises TableInUseError if the last attempt fails too.

    The log has a line for each migration of an existing database, and one line for all migrations
    of an empty database.
    """
    for left in reversed(range(attempts)):
        try:
            with app.app_context(), _lock_timeout(db.engine):
                if alembic.current():
                    alembic.upgrade()
                else:
                    log.info("making the tables")
                    with _without_steps():
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
def _without_steps() -> Iterator[None]:
    """Switch off the log line that Alembic writes for each migration. A new user would have to read
    more than a hundred such lines."""
    steps = logging.getLogger("alembic.runtime.migration")
    before = steps.level
    steps.setLevel(logging.WARNING)
    try:
        yield
    finally:
        steps.setLevel(before)


@contextmanager
def _lock_timeout(engine: Engine) -> Iterator[None]:
    def limit(connection: Connection) -> None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}s'")

    event.listen(engine, "begin", limit)
    try:
        yield
    finally:
        event.remove(engine, "begin", limit)
