"""Runs the SQL statements of the busiest views with less work. For each statement, SQLAlchemy
usually does extra work. A `Statement` goes to psycopg without this work. If the connection is in
autocommit mode, psycopg also uses no cursor.

SQLAlchemy's extra work takes longer than psycopg takes for the statement itself. Each time that a
caller moves on to the next contact, four such statements run
(docs/decisions/0037-busy-statements-skip-sqlalchemy.md).
"""

import re
from collections import namedtuple
from collections.abc import Callable, Mapping
from enum import Enum
from itertools import count
from typing import Any, cast

import psycopg
from psycopg import generators
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.rows import namedtuple_row, scalar_row
from sqlalchemy import ClauseElement, Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

from phonebank.core.db import db

_DIALECT = create_engine("postgresql+psycopg://").dialect


class Statement:
    """A statement that is compiled once. It runs on the connection of the SQLAlchemy session, and
    therefore in the session's transaction.

    `source` is SQL text with `:name` for each parameter, or an SQLAlchemy statement. psycopg, not
    SQLAlchemy, converts the parameters and the results. With psycopg, JSON must be given as text,
    and is returned as Python values. The text of a `StrEnum` column is returned as text, not as a
    member of the `StrEnum`. The session is not flushed first, and no ORM objects are made.

    If the statement fails, SQLAlchemy's error is raised, as for any other statement.
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
        names = re.findall(r"%\((\w+)\)s", self.sql)
        self.parameters = list(dict.fromkeys(names))
        numbers = {name: f"${number}" for number, name in enumerate(self.parameters, 1)}
        numbered = re.sub(r"%\((\w+)\)s", lambda found: numbers[found[1]], self.sql)
        self.numbered_sql = numbered.replace("%%", "%").encode()

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
        for listener in connection.engine.dispatch.before_cursor_execute:
            listener(connection, None, self.sql, parameters, None, False)
        try:
            if driver.autocommit and driver.info.transaction_status == TransactionStatus.IDLE:
                prepared = connection.info.get(self)
                if prepared is None:
                    prepared = connection.info[self] = _Prepared(self, driver)
                row = prepared.first_row(parameters)
                return row[0] if row is not None and row_factory is scalar_row else row
            with driver.cursor(row_factory=row_factory) as cursor:
                cursor.execute(self.sql, parameters)
                return cursor.fetchone()
        except psycopg.Error as error:
            raise _as_sqlalchemy_error(connection, None, self.sql, error) from error


_NUMBERS = count()


def _row_type(columns: list[str]) -> Any:
    return namedtuple("Row", columns)


class _Prepared:
    """A statement on one connection in autocommit mode. PostgreSQL prepares the statement
    separately for each combination of parameter types, because psycopg chooses the type of a whole
    number by its size."""

    def __init__(self, statement: Statement, driver: Any) -> None:
        self._statement, self.sql = statement, statement.sql
        self._driver = driver
        self._transformer = Transformer(driver)
        self._formats = [PyFormat.AUTO] * len(statement.parameters)
        self._names: dict[tuple[int, ...], bytes] = {}
        self._make: Callable[..., Any] | None = None

    def first_row(self, values: Mapping[str, Any]) -> Any:
        """Run the statement. Return its first row as a named tuple, or None if there is no row.
        Raises psycopg.Error."""
        try:
            return self._run(values)
        except psycopg.errors.InvalidSqlStatementName:
            # After a rollback psycopg drops what was prepared. The statement has not begun.
            self._names.clear()
            return self._run(values)

    def _run(self, values: Mapping[str, Any]) -> Any:
        to_send = [values[name] for name in self._statement.parameters]
        sent = self._transformer.dump_sequence(to_send, self._formats)
        types = tuple(self._transformer.types or ())
        pgconn = self._driver.pgconn
        name = self._names.get(types)
        if name is None:
            name = f"statement_{next(_NUMBERS)}".encode()
            pgconn.send_prepare(name, self._statement.numbered_sql, types)
            self._result()
            self._names[types] = name
        pgconn.send_query_prepared(name, sent, param_formats=self._transformer.formats)
        result = self._result()
        if not result.ntuples:
            return None
        self._transformer.set_pgresult(result, set_loaders=self._make is None)
        if self._make is None:
            columns = [result.fname(i).decode() for i in range(result.nfields)]
            self._make = _row_type(columns)._make
        return self._transformer.load_row(0, self._make)

    def _result(self) -> Any:
        (result,) = self._driver.wait(generators.execute(self._driver.pgconn))
        if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise psycopg.errors.error_from_result(result, self._driver.info.encoding)
        return result


def _as_sqlalchemy_error(
    connection: Connection, cursor: Any, sql: str, error: psycopg.Error
) -> BaseException:
    """Return the error that SQLAlchemy would raise instead of psycopg's error. If the connection to
    PostgreSQL is lost, also discard the connections in the pool, so that new ones are made."""
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
