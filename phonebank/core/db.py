"""Access to PostgreSQL through `db`. PostgreSQL holds all data that must not be lost.

Each connection limits how long a statement may run and how long it may wait for a lock
(`Timeouts`). `after_commit` runs a function after the transaction commits, and `retry_on_deadlock`
runs a transaction again after a deadlock. `autocommit` runs each statement of a busy view as a
separate transaction.
"""

import functools
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, LiteralString, ParamSpec, TypeVar

import psycopg
from flask import Flask
from flask_sqlalchemy_lite import SQLAlchemy
from psycopg.pq import TransactionStatus
from redis.exceptions import RedisError
from sqlalchemy import Connection, Engine, event, make_url, text
from sqlalchemy.engine.interfaces import ExecutionContext
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, Pool

log = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

db = SQLAlchemy(
    engine_options={
        # A web process runs many greenlets, and each needs a connection only for milliseconds.
        # The pool never grows past `Config.database_connections`, because SQLAlchemy would open
        # and close an overflow connection for each request.
        "max_overflow": 0,
        # The pool lends the connection that came back last, which needs no test (see
        # TESTED_AFTER_IDLE).
        "pool_use_lifo": True,
        # Seconds that a request waits for a connection. `overload` limits the requests under way,
        # so a request waits this long only if something keeps its connection. To wait longer would
        # then not help.
        "pool_timeout": 5,
        # Without this setting, a driver's error quotes the statement's values. These are people's
        # names and numbers, and they would be in logs and in the tracebacks that RQ keeps.
        "hide_parameters": True,
    }
)


@dataclass(frozen=True)
class Timeouts:
    """The time limits of a connection, in seconds: how long PostgreSQL may work on one statement,
    and how long a statement may wait for one lock. 0 means no limit."""

    statement: float
    lock: float

    @property
    def options(self) -> str:
        """The limits in the form of start-up options for a PostgreSQL connection."""
        return (
            f"-c statement_timeout={round(1000 * self.statement)}"
            f" -c lock_timeout={round(1000 * self.lock)}"
        )


# A phone gives up after 15 seconds and asks again, and PostgreSQL should not work on an answer that
# nobody waits for. Counting the contact status of three million people takes 3 seconds.
FOR_PAGES = Timeouts(statement=12, lock=5)
# RQ limits the time of a whole job, and a job may run again after a failure. A single statement
# takes this long only if something is wrong.
FOR_JOBS = Timeouts(statement=900, lock=60)
# Before a download gets its first row, PostgreSQL may have to sort a million calls.
FOR_DOWNLOADS = Timeouts(statement=600, lock=5)
# Migrations set their own limits, and the person who types a command can stop it.
FOR_COMMANDS = Timeouts(statement=0, lock=0)

# Seconds. The pool tests a connection that was idle for longer before lending it, because
# PostgreSQL may have restarted. Connections in steady use are not tested, so the test costs a busy
# server nothing.
TESTED_AFTER_IDLE = 1.0


class PlainCursor(psycopg.Cursor[Any]):
    """A cursor that describes its columns with plain tuples.

    SQLAlchemy asks for the name and type of every column after every statement. For a statement
    that finds one row with many columns, building psycopg's own description of the columns would
    take a third of the statement's time.
    """

    @property
    def description(self) -> list[Any] | None:
        """The columns of the last result, or None if there was no result. As in the DB-API, each
        column is a tuple of seven items, but only the name and the type are set."""
        result = self.pgresult
        if result is None or not result.nfields:
            return None
        name, kind = result.fname, result.ftype
        return [
            ((name(i) or b"").decode(), kind(i), None, None, None, None, None)
            for i in range(result.nfields)
        ]


def init_app(
    app: Flask, database_url: str, connections: int = 24, timeouts: Timeouts = FOR_PAGES
) -> None:
    """Set the app's PostgreSQL database. The app connects when it first needs a connection.

    `connections` is the highest number of connections that this process may have open at the same
    time. `timeouts` apply to every statement on these connections.
    """
    from_url = make_url(database_url).query.get("options", "")
    options = f"{from_url if isinstance(from_url, str) else ' '.join(from_url)} {timeouts.options}"
    app.config["SQLALCHEMY_ENGINES"] = {
        "default": {
            "url": database_url,
            "pool_size": connections,
            "connect_args": {"options": options.strip(), "cursor_factory": PlainCursor},
        }
    }
    db.init_app(app)
    # At the end of every request, the extension starts an event loop to close asynchronous
    # sessions. The app has no such sessions. Under gevent, a second loop at the same time fails,
    # and our own session is then not closed. Its connection would stay in its transaction for good.
    app.teardown_appcontext_funcs = [
        _tolerate_lost_database(close)
        for close in app.teardown_appcontext_funcs
        if not iscoroutinefunction(close)
    ]


def _tolerate_lost_database(close: Callable[..., Any]) -> Callable[..., None]:
    """Wrap a teardown function so that the request does not fail if the database has just become
    unavailable.

    When the teardown function runs, the response is already complete, and the transaction has ended
    with the lost connection.
    """

    @functools.wraps(close)
    def closing(*args: Any) -> None:
        try:
            close(*args)
        except DBAPIError as error:
            log.warning("at the end of a request PostgreSQL was away: %s", type(error).__name__)

    return closing


def after_commit(action: Callable[[], None]) -> None:
    """Run `action` after the current transaction commits. Drop `action` if the transaction rolls
    back.

    Use this to send a change to Redis or over websockets once PostgreSQL has stored the change. If
    `action` raises RedisError, the error is logged and otherwise ignored.
    """
    actions_after_commit().append(action)


def actions_after_commit() -> list[Callable[[], None]]:
    """Return the actions that `after_commit` has collected in the current transaction."""
    actions: list[Callable[[], None]] = db.session.info.setdefault("after_commit", [])
    return actions


MAX_ATTEMPTS = 3


def retry_on_deadlock(act: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Make a function run again, in a new transaction, if PostgreSQL ended the function's
    transaction because of a deadlock.

    For example, two requests may deadlock if both record an outcome in the same household. A
    request that records an outcome may also deadlock with a request that adds a do-not-call entry.
    After MAX_ATTEMPTS attempts, the OperationalError of the last attempt is raised.

    Before the function commits, it must not do anything that would be wrong to do twice. The next
    attempt starts immediately, because PostgreSQL has already let the other transaction continue.
    """

    @functools.wraps(act)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        for _ in range(MAX_ATTEMPTS - 1):
            try:
                return act(*args, **kwargs)
            except OperationalError as error:
                if not isinstance(error.orig, psycopg.errors.DeadlockDetected):
                    raise
                db.session.rollback()
        return act(*args, **kwargs)

    return run


_AUTOCOMMIT = "autocommit"


def autocommit(act: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Run each statement of a function as a separate transaction, so that no BEGIN, COMMIT or
    ROLLBACK goes to PostgreSQL. Each of these commands takes as long as a statement that finds one
    row.

    Use this for busy views in which each change is a single statement. That statement must also
    check whether the values that the view read earlier are still current. After a statement has
    run, its changes cannot be rolled back. If several statements belong together, call
    `begin_transaction` before the first of them.

    `db.session.commit()` returns the connection to the pool and runs the actions of `after_commit`.
    When the function returns, its last statements are committed in this way, unless
    `begin_transaction` has begun a transaction that is still open. The function itself must commit
    such a transaction. A commit does not expire the rows that the session has loaded. If another
    request may have changed a row, read the row again, with `populate_existing` or as plain
    columns. If the function adds or changes an ORM object without calling `begin_transaction`
    first, the flush raises RuntimeError. If the function raises an error, the session is rolled
    back.

    If a transaction is already open when the function is called, the function's statements belong
    to that transaction until the next commit.
    """

    @functools.wraps(act)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        session = db.session
        if session.info.get(_AUTOCOMMIT):
            return act(*args, **kwargs)
        session.info[_AUTOCOMMIT], session.expire_on_commit = True, False
        try:
            result = act(*args, **kwargs)
            # Later statements of the request must not go to this connection in its present mode.
            if session.in_transaction() and commits_each_statement(session):
                session.commit()
            return result
        except BaseException:
            with suppress(DBAPIError):
                session.rollback()
            raise
        finally:
            session.info[_AUTOCOMMIT], session.expire_on_commit = False, True

    return run


def store() -> None:
    """Commit now, in a view that still has work to do afterwards. If each statement is a separate
    transaction, only run the actions of `after_commit`, and keep the connection for the rest of the
    view."""
    if commits_each_statement(db.session):
        _run_actions(db.session)
    else:
        db.session.commit()


def begin_transaction() -> None:
    """Begin an ordinary transaction inside `autocommit`. The transaction ends with the next commit
    or rollback, and each later statement is a separate transaction again. Do nothing if a
    transaction is already open, or if the code does not run inside `autocommit`."""
    if commits_each_statement(db.session):
        db.session.execute(_BEGIN)


_BEGIN = text("BEGIN")


def commits_each_statement(session: Session) -> bool:
    """Whether the session's next statement will be a separate transaction. If so, everything that
    earlier statements wrote is already committed."""
    if not session.info.get(_AUTOCOMMIT):
        return False
    driver = session.connection().connection.dbapi_connection
    return driver is not None and bool(
        driver.autocommit and driver.info.transaction_status == TransactionStatus.IDLE
    )


# Statements with this execution option get a new plan each time. For any other statement, psycopg
# and PostgreSQL keep the plan after some runs. A kept plan does not know the values. So it is slow
# if an array has thousands of values, or if the best plan depends on a limit.
PLANNED_EACH_TIME = "planned_each_time"


@event.listens_for(Engine, "do_execute")
def _execute_unprepared(
    cursor: psycopg.Cursor, statement: LiteralString, parameters: Any, context: ExecutionContext
) -> bool:
    if not context.execution_options.get(PLANNED_EACH_TIME):
        return False
    cursor.execute(statement, parameters, prepare=False)
    return True


@event.listens_for(Session, "after_begin")
def _enter_autocommit(session: Session, _: object, connection: Connection) -> None:
    driver = connection.connection.dbapi_connection
    if driver is not None and session.info.get(_AUTOCOMMIT):
        # The driver refuses if the connection has died or is in a transaction. The statement then
        # runs in an ordinary transaction, in which SQLAlchemy reports a dead connection as always.
        with suppress(psycopg.Error):
            driver.autocommit = connection.info[_AUTOCOMMIT] = True


@event.listens_for(Session, "before_flush")
def _refuse_flush_in_autocommit(session: Session, *_: object) -> None:
    # A flush sends a statement for each changed object, and a crash could come between two of them.
    if commits_each_statement(session):
        raise RuntimeError("Call begin_transaction() before you change objects of the session.")


@event.listens_for(Pool, "checkin")
def _leave_autocommit(connection: psycopg.Connection | None, record: ConnectionPoolEntry) -> None:
    if record.info.pop(_AUTOCOMMIT, False) and connection is not None:
        try:
            connection.autocommit = False
        except psycopg.Error:
            record.invalidate()  # a dead connection, which must not be lent as it is


@event.listens_for(Pool, "checkin")
def _remember_checkin_time(_: object, record: ConnectionPoolEntry) -> None:
    record.info["idle_since"] = time.monotonic()


@event.listens_for(Pool, "checkout")
def _test_idle_connection(
    connection: psycopg.Connection, record: ConnectionPoolEntry, _: object
) -> None:
    """Test a connection that was idle for TESTED_AFTER_IDLE seconds or longer. If the connection
    was lost, raise DisconnectionError, so that the pool opens a new one."""
    idle_since = record.info.get("idle_since")
    if idle_since is None or time.monotonic() - idle_since < TESTED_AFTER_IDLE:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.OperationalError as dead:
        raise DisconnectionError("the connection died while it was idle") from dead


@event.listens_for(Session, "after_commit")
def _run_actions(session: Session) -> None:
    if session.in_nested_transaction():
        return  # only a savepoint was released, and its transaction is still open
    for action in session.info.pop("after_commit", ()):
        try:
            action()
        except RedisError as error:
            log.warning("after a commit Redis was away: %s", type(error).__name__)


@event.listens_for(Session, "after_rollback")
def _drop_actions(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.info.pop("after_commit", None)
