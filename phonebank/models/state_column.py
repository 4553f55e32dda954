"""Columns that store the members of a `StrEnum`, and SQL text that contains the members' values."""

import re
from enum import StrEnum

from sqlalchemy import CheckConstraint, Enum, TextClause, text


def state_type(states: type[StrEnum], length: int = 10) -> Enum:
    """Return a column type for the members of `states`. The VARCHAR column stores a member's value,
    and reading it returns the member.

    The type makes no CHECK constraint. `state_check` makes the constraint, because migrations need
    its name.
    """
    return Enum(
        states,
        native_enum=False,
        create_constraint=False,
        length=length,
        values_callable=lambda members: [member.value for member in members],
    )


def state_check(states: type[StrEnum], column: str = "state") -> CheckConstraint:
    """Return a constraint that allows only the values of `states` and is named after its column."""
    return CheckConstraint(f"{column} IN {tuple(map(str, states))}", name=column)


def state_sql(sql: str, **states: StrEnum) -> str:
    """Replace each `:name` that is in `states` by the quoted value of that state, and return the
    SQL.

    The SQL contains the value itself and not a bind parameter. PostgreSQL uses a partial index only
    if the index's condition follows from the text of the query. Raises ValueError for a name in
    `states` that does not occur in `sql`.
    """
    for name, state in states.items():
        sql, found = re.subn(rf"(?<!:):{name}\b", f"'{state}'", sql)
        if not found:
            raise ValueError(f"The SQL does not name :{name}.")
    return sql


def state_text(sql: str, **states: StrEnum) -> TextClause:
    """Return the result of `state_sql` as an SQLAlchemy text clause. Any other `:name` in the text
    is a bind parameter."""
    return text(state_sql(sql, **states))
