"""Columns that store the members of a `StrEnum`, and SQL text that contains the members' values."""

import re
from enum import StrEnum

from sqlalchemy import CheckConstraint, Enum, TextClause, text


def state_type(states: type[StrEnum], length: int = 10) -> Enum:
    """Return a column type for the members of `states`. The column is a VARCHAR that stores a
    member's value. A query returns the member.

    The type adds no CHECK constraint to the table. `state_check` makes that constraint and names
    it, because migrations need the name.
    """
    return Enum(
        states,
        native_enum=False,
        create_constraint=False,
        length=length,
        values_callable=lambda members: [member.value for member in members],
    )


def state_check(states: type[StrEnum], column: str = "state") -> CheckConstraint:
    """Return a CHECK constraint that allows only the values of `states`, and NULL if the column is
    nullable. The constraint is named after its column."""
    return CheckConstraint(f"{column} IN {tuple(map(str, states))}", name=column)


def state_sql(sql: str, **states: StrEnum) -> str:
    """Return `sql`, with each `:name` that is in `states` replaced by that state's quoted value.

    The SQL contains the value itself and not a bind parameter, because PostgreSQL must be able to
    use partial indexes. It uses such an index only if the index's condition follows from the text
    of the query. Raises ValueError for a name in `states` that does not occur in `sql`.
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
