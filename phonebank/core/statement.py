"""Statements of the busiest views, which psycopg runs without the extra work that SQLAlchemy does
for each statement.

SQLAlchemy's extra work takes longer than psycopg takes for the statement itself. To get from one
contact to the next, a caller needs five of these statements
(docs/decisions/0037-busy-statements-skip-sqlalchemy.md).
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, cast

import psycopg
from psycopg.rows import namedtuple_row, scalar_row
from sqlalchemy import ClauseElement, Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

from phonebank.core.db import db

_DIALECT = create_engine("postgresql+psycopg://").dialect


class Statement:
    """A statement that is compiled once. It runs on the session's own connection, and therefore in
    the session's transaction.

    `source` is SQL text with `:name` for each parameter, or an SQLAlchemy statement. Parameters and
    results are converted by psycopg: JSON must be given as text and is returned as Python values,
    and a state is returned as text. The session is not flushed first, and no ORM objects are made.

    The statement raises SQLAlchemy's errors, like any other statement.
    """

    def __init__(self, source: str | ClauseElement) -> None:
        statement = text(source) if isinstance(source, str) else source
        compiled = cast(SQLCompiler, statement.compile(dialect=_DIALECT))
        self.sql = str(compiled)
        self._constants = {
            name: str(bind.value) if isinstance(bind.value, Enum) else bind.value
            for name, bind in compiled.binds.items()
            if not bind.required
        }

    def row(self, values: Mapping[str, Any]) -> Any:
        """Run the statement. Return its first row as a named tuple, or None if there is no row."""
        return self._first(values, namedtuple_row)

    def scalar(self, values: Mapping[str, Any]) -> Any:
        """Run the statement. Return the first value of its first row, or None if there is no
        row."""
        return self._first(values, scalar_row)

    def _first(self, values: Mapping[str, Any], row_factory: Any) -> Any:
        connection = db.session.connection()
        driver: Any = connection.connection.driver_connection
        parameters = {**self._constants, **values}
        with driver.cursor(row_factory=row_factory) as cursor:
            for listener in connection.engine.dispatch.before_cursor_execute:
                listener(connection, cursor, self.sql, parameters, None, False)
            try:
                cursor.execute(self.sql, parameters)
                return cursor.fetchone()
            except psycopg.Error as error:
                raise _as_sqlalchemy_error(connection, cursor, self.sql, error) from error


def _as_sqlalchemy_error(
    connection: Connection, cursor: Any, sql: str, error: psycopg.Error
) -> BaseException:
    """Return the error that SQLAlchemy would raise. If PostgreSQL is unavailable, the pool replaces
    its connections."""
    driver: Any = connection.connection.dbapi_connection
    told: Any = error  # SQLAlchemy's protocol of errors does not name psycopg's class
    is_gone = connection.dialect.is_disconnect(told, driver, cursor)
    if is_gone:
        connection.invalidate(error)
        db.engine.dispose()
    return DBAPIError.instance(
        sql,
        None,
        error,
        psycopg.Error,
        hide_parameters=True,
        connection_invalidated=is_gone,
        dialect=connection.dialect,
    )
