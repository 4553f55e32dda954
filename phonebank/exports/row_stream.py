"""Rows read while they are being sent."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, Executable, Row

from phonebank.core.db import FOR_DOWNLOADS, db
from phonebank.core.errors import ServiceUnavailableError

ROWS_A_FETCH = 500
# Of one process. Each holds a connection until the last byte is sent, and callers need the others.
DOWNLOADS_AT_ONCE = 3

_under_way: set[int] = set()


def stream_rows(query: Executable, **values: Any) -> Iterator[Row[Any]]:
    """The rows of a query, a few hundred at a time, through a cursor in the server.

    On a connection of its own: the request's session is closed before its answer is sent. Given
    back when the last row has been read or whoever reads goes away. Raises ServiceUnavailableError
    while DOWNLOADS_AT_ONCE others are read.
    """
    if len(_under_way) >= DOWNLOADS_AT_ONCE:
        raise ServiceUnavailableError(
            "Several other files are being downloaded right now.", "Try again in a minute."
        )
    return _read(db.engine, query, values)


def _read(engine: Engine, query: Executable, values: dict[str, Any]) -> Iterator[Row[Any]]:
    with engine.connect() as connection:
        _under_way.add(id(connection))
        try:
            connection.exec_driver_sql(
                f"SET LOCAL statement_timeout = {round(1000 * FOR_DOWNLOADS.statement)}"
            )
            rows = connection.execute(query, values, execution_options={"yield_per": ROWS_A_FETCH})
            yield from rows
        finally:
            _under_way.discard(id(connection))
