"""PostgreSQL through `db`: the one place where the truth is stored.

A connection has a time limit for each statement and each lock (`Patience`). What must wait for a
commit goes through `after_commit`; what two transactions may deadlock over, through
`retry_on_deadlock`.
"""

import functools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, ParamSpec, TypeVar

import psycopg
from flask import Flask
from flask_sqlalchemy_lite import SQLAlchemy
from redis.exceptions import RedisError
from sqlalchemy import event, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, Pool

log = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

db = SQLAlchemy(
    engine_options={
        # A web worker runs many greenlets; each needs a connection only for milliseconds. The
        # number of connections is `Config.database_connections`, and never more: what is above
        # it for a moment would be opened and closed again for each request.
        "max_overflow": 0,
        # The one given back last is lent first: it need not be tried (see TRIED_AFTER_IDLE).
        "pool_use_lifo": True,
        # Seconds. Requests under way are bounded (`overload`), so this is waited out only while
        # something holds connections for long. Then more people waiting would be no help.
        "pool_timeout": 5,
        # A driver's error quotes the statement's values: names and numbers, in logs and in the
        # tracebacks that RQ keeps.
        "hide_parameters": True,
    }
)


@dataclass(frozen=True)
class Patience:
    """How long PostgreSQL may work on one statement, and may wait for one lock, in seconds; 0 for
    as long as it takes."""

    statement: float
    lock: float

    @property
    def options(self) -> str:
        """As PostgreSQL is told when a connection is opened."""
        return (
            f"-c statement_timeout={round(1000 * self.statement)}"
            f" -c lock_timeout={round(1000 * self.lock)}"
        )


# A phone gives up after 15 seconds and asks again: what nobody waits for any more is not worked on.
# Counting where everyone of three million stands takes 3 seconds.
FOR_PAGES = Patience(statement=12, lock=5)
# A job is run again where it failed. Its own time limit is RQ's; no statement of one takes this
# long unless something is wrong.
FOR_JOBS = Patience(statement=900, lock=60)
# Sorting a million calls comes before the first row of a download.
FOR_DOWNLOADS = Patience(statement=600, lock=5)
# Migrations set what they need themselves, and whoever types a command can stop it.
FOR_COMMANDS = Patience(statement=0, lock=0)

# Seconds. A connection that lay unused for longer is tried before it is lent: PostgreSQL may have
# been restarted meanwhile. One in steady use is not, so a busy server pays nothing for this.
TRIED_AFTER_IDLE = 1.0


def init_app(
    app: Flask, database_url: str, connections: int = 24, patience: Patience = FOR_PAGES
) -> None:
    """Bind PostgreSQL to the app. Nothing is connected until first used.

    `connections`: at most so many are open at once. `patience`: of every statement on them.
    """
    theirs = make_url(database_url).query.get("options", "")
    options = f"{theirs if isinstance(theirs, str) else ' '.join(theirs)} {patience.options}"
    app.config["SQLALCHEMY_ENGINES"] = {
        "default": {
            "url": database_url,
            "pool_size": connections,
            "connect_args": {"options": options.strip()},
        }
    }
    db.init_app(app)
    # The extension's teardown for asynchronous sessions, of which we have none, starts an event
    # loop at the end of every request. Under gevent a second one beside it fails, and takes the
    # closing of our own session with it: the connection would stay in its transaction for good.
    app.teardown_appcontext_funcs = [
        _tolerate_lost_database(close)
        for close in app.teardown_appcontext_funcs
        if not iscoroutinefunction(close)
    ]


def _tolerate_lost_database(close: Callable[..., Any]) -> Callable[..., None]:
    """A teardown that a database which has just gone away does not turn into a failed request.

    What was to be rolled back has gone with it, and the answer is made.
    """

    @functools.wraps(close)
    def closing(*args: Any) -> None:
        try:
            close(*args)
        except DBAPIError as error:
            log.warning("at the end of a request PostgreSQL was away: %s", type(error).__name__)

    return closing


def after_commit(action: Callable[[], None]) -> None:
    """Run `action` once the present transaction has committed; drop it if it rolls back.

    For what only hints at the truth in PostgreSQL (Redis, sockets): a store that is away then is
    logged and otherwise ignored.
    """
    db.session.info.setdefault("after_commit", []).append(action)


RUNS_AT_MOST = 3


def retry_on_deadlock(act: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Mark what may be run again from its beginning, transaction and all. So it is when PostgreSQL
    has taken back what it began because it and another waited for each other: two outcomes in one
    household, or one while a do-not-call is entered or a list undone."""

    @functools.wraps(act)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        for _ in range(RUNS_AT_MOST - 1):
            try:
                return act(*args, **kwargs)
            except OperationalError as error:
                if not isinstance(error.orig, psycopg.errors.DeadlockDetected):
                    raise
                db.session.rollback()
        return act(*args, **kwargs)

    return run


@event.listens_for(Pool, "checkin")
def _remember_checkin_time(_: object, record: ConnectionPoolEntry) -> None:
    record.info["idle_since"] = time.monotonic()


@event.listens_for(Pool, "checkout")
def _test_idle_connection(
    connection: psycopg.Connection, record: ConnectionPoolEntry, _: object
) -> None:
    """Have the pool open a new connection in place of one that has died while nobody used it."""
    idle_since = record.info.get("idle_since")
    if idle_since is None or time.monotonic() - idle_since < TRIED_AFTER_IDLE:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.OperationalError as dead:
        raise DisconnectionError("the connection died while it was idle") from dead


@event.listens_for(Session, "after_commit")
def _run_actions(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint, and not yet what it is part of
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
