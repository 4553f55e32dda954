"""Reads the rows of a query while a download sends them."""

import weakref
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, Executable, Row

from phonebank.core.db import FOR_DOWNLOADS, db
from phonebank.core.errors import ServiceUnavailableError

ROWS_A_FETCH = 500
# One process allows this many downloads at once. Each download holds a database connection until it
# ends, and callers need the other connections.
DOWNLOADS_AT_ONCE = 3

_under_way: set[object] = set()


def stream_rows(query: Executable, **values: Any) -> Iterator[Row[Any]]:
    """Return an iterator over the rows of a query. It reads a few hundred rows at a time through a
    cursor on the database server.

    The rows are read on a separate connection, because the request's session closes before the
    response is sent. The connection is released after the last row, after an error, or when the
    browser disconnects. Raises ServiceUnavailableError if this process already sends
    DOWNLOADS_AT_ONCE downloads.
    """
    if len(_under_way) >= DOWNLOADS_AT_ONCE:
        raise ServiceUnavailableError(
            "Several other files are being downloaded right now.", "Try again in a minute."
        )
    download = object()
    _under_way.add(download)
    rows = _read(db.engine, query, values, download)
    # If nobody reads the first row, the generator's `finally` does not run.
    weakref.finalize(rows, _under_way.discard, download)
    return rows


def _read(
    engine: Engine, query: Executable, values: dict[str, Any], download: object
) -> Iterator[Row[Any]]:
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(
                f"SET LOCAL statement_timeout = {round(1000 * FOR_DOWNLOADS.statement)}"
            )
            rows = connection.execute(query, values, execution_options={"yield_per": ROWS_A_FETCH})
            yield from rows
    finally:
        _under_way.discard(download)
