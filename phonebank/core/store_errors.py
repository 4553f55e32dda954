"""The texts that a page shows if PostgreSQL or Redis cannot do what a request needs, or if the
server's machine lacks disk space, memory or open files. There is also a text for a request with
data that is nested too deeply to be read.

In each of these cases, the response is a 503. In most of them, the same request may succeed a
moment later. For any other error, `words_for` returns None.
"""

import errno
from collections.abc import Mapping
from typing import NamedTuple

import psycopg
from redis.exceptions import MaxConnectionsError, OutOfMemoryError, ReadOnlyError, RedisError
from sqlalchemy import exc


class Words(NamedTuple):
    """The texts for one kind of error. `message` and `what_to_do` are for the people who use the
    page. `in_log` is written to the log, and docs/operations.md explains it."""

    message: str
    what_to_do: str
    in_log: str


AWAY = Words(
    "Our database is restarting. Nothing you did is lost.",
    "Try again in a few seconds.",
    "a store is away",
)
CROWDED = Words(
    "A lot of people are using Phonebank right now. Nothing you did is lost.",
    "Try again in a few seconds.",
    "more is asked than there are connections, files or memory for",
)
LOCKED = Words(
    "Someone else is changing the same thing, so we changed nothing.",
    "Try again in a few seconds.",
    "a lock was waited for too long",
)
TOO_LONG = Words(
    "That took too long, so we stopped it. Nothing was changed.",
    "Try again in a minute. If it happens again, tell your organiser what you were doing.",
    "a statement took too long and was stopped",
)
FULL = Words(
    "Our database is full and can't save anything right now. Nothing was changed.",
    "Try again in a few minutes. If that doesn't help, tell your organiser.",
    "a store cannot write",
)
TOO_DEEP = Words(
    "What you sent has too many levels inside each other for us to read.",
    "Send something simpler, or send it in parts.",
    "something was nested too deeply",
)

# The keys are SQLSTATE codes: see appendix A of PostgreSQL's manual.
_BY_CODE: Mapping[str, Words] = {
    "25006": FULL,  # read-only: a standby, or a host that has run out of disk
    "53100": FULL,  # the disk
    "53200": CROWDED,  # memory
    "53300": CROWDED,  # connections
    "53400": CROWDED,  # a limit of the configuration
    "54001": TOO_DEEP,  # the depth of the stack
    "55P03": LOCKED,  # lock_timeout
    "40001": LOCKED,  # two changes at once
    "40P01": LOCKED,  # a deadlock
    "57014": TOO_LONG,  # statement_timeout
}
# When PostgreSQL refuses a connection, psycopg gives no SQLSTATE, so the code reads the error's
# text.
_NO_SLOT = ("too many clients", "too many connections", "connection slots are reserved")
# First words of Redis's error answers.
_REDIS_CANNOT_WRITE = ("OOM", "MISCONF", "NOREPLICAS")
_ERRNO: Mapping[int, Words] = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EROFS: FULL,
    errno.EMFILE: CROWDED,
    errno.ENFILE: CROWDED,
    errno.ENOMEM: CROWDED,
}
# The kinds of exception that `words_for` may have words for.
KINDS: tuple[type[Exception], ...] = (
    exc.OperationalError,
    exc.InterfaceError,
    exc.InternalError,
    exc.TimeoutError,
    exc.PendingRollbackError,
    # These errors come from COPY and cursors, whose errors SQLAlchemy does not wrap.
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.InternalError,
    RedisError,
    RecursionError,
    MemoryError,
    OSError,
)


def words_for(error: BaseException) -> Words | None:
    """Return the texts to show for this error. Return None if the error has a cause that this
    module's docstring does not name."""
    if isinstance(error, RecursionError):
        return TOO_DEEP
    if isinstance(error, (exc.TimeoutError, MemoryError)):
        return CROWDED
    if isinstance(error, RedisError):
        return _of_redis(error)
    if isinstance(error, OSError):
        return _ERRNO.get(error.errno or 0)
    if isinstance(error, exc.PendingRollbackError):
        return AWAY
    return _of_postgres(error.orig if isinstance(error, exc.DBAPIError) else error)


def kind_of(error: BaseException) -> str:
    """Return the name of the error's class, which is safe to log. The error's text may quote a
    person's name or number, so it is left out. If SQLAlchemy has wrapped an error of psycopg, the
    name of that error's class follows in brackets."""
    cause = error.orig if isinstance(error, exc.DBAPIError) else None
    return type(error).__name__ + (f" ({type(cause).__name__})" if cause is not None else "")


def _of_redis(error: RedisError) -> Words:
    if isinstance(error, MaxConnectionsError) or "max number of clients" in str(error):
        return CROWDED
    if isinstance(error, (OutOfMemoryError, ReadOnlyError)) or any(
        word in str(error) for word in _REDIS_CANNOT_WRITE
    ):
        return FULL
    return AWAY


def _of_postgres(error: BaseException | None) -> Words | None:
    if not isinstance(error, psycopg.Error):
        return None
    if known := _BY_CODE.get(error.sqlstate or ""):
        return known
    if any(words in str(error) for words in _NO_SLOT):
        return CROWDED
    if isinstance(error, psycopg.InternalError):
        # SQLSTATE class 25 means that something else ended the transaction. An error of any other
        # class is a fault in our own code.
        return AWAY if (error.sqlstate or "").startswith("25") else None
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return AWAY
    return None
