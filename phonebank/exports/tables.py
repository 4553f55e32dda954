"""The description of a file: its columns, its query, and the function that turns the query's rows
into CSV."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phonebank.exports.cells import copied_line


@dataclass(frozen=True)
class Column:
    """A column of a file: its name, its meaning in words, and its value as SQL text."""

    name: str
    meaning: str
    sql: str


@dataclass(frozen=True)
class Table:
    """The description of a file, from which a job makes the file.

    `query` is SQL for COPY with psycopg's `%(name)s` parameters, and `values` has the values of
    these parameters. `count` is SQL that counts the rows that `query` returns. `lines` turns a row
    that PostgreSQL sent by COPY into one or more rows of CSV. Neither the row from PostgreSQL nor
    the CSV has a line break at the end.
    """

    header: Sequence[str]
    query: str
    count: str
    values: Mapping[str, Any]
    lines: Callable[[str], str] = copied_line


def time_sql(column: str) -> str:
    """Return SQL text that writes a moment as ISO 8601 in UTC."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


def yes_no_sql(condition: str) -> str:
    """Return SQL text that writes a condition as yes or no."""
    return f"CASE WHEN {condition} THEN 'yes' ELSE 'no' END"


def phone_sql(column: str) -> str:
    """Return SQL text that writes a phone number after an apostrophe, so that spreadsheets keep the
    number as text."""
    return f"'''' || nullif({column}, '')"


def select_list(columns: Sequence[Column]) -> str:
    """Return the SQL of the columns, as the list that follows SELECT."""
    return ",\n       ".join(column.sql for column in columns)
