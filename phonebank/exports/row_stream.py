"""Rows read while they are being sent."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, Executable, Row

from phonebank.stores import db

ROWS_A_FETCH = 500


def rows_of(query: Executable, **values: Any) -> Iterator[Row[Any]]:
    """The rows of a query, a few hundred at a time, through a cursor in the server.

    On a connection of its own: the request's session is closed before its answer is sent. Given
    back when the last row has been read or whoever reads goes away.
    """
    return _read(db.engine, query, values)


def _read(engine: Engine, query: Executable, values: dict[str, Any]) -> Iterator[Row[Any]]:
    with engine.connect() as connection:
        yield from connection.execute(query, values, execution_options={"yield_per": ROWS_A_FETCH})
