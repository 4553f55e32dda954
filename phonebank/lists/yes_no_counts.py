"""Counts how often each value occurs in the yes-or-no columns of a stored file, and says which
action each value leads to.

An organiser sees the counts before any contact is stored, and decides what each unknown value
means. A "mark" is a value in a yes-or-no column. The counts are stored with the upload while it
waits for the organiser's confirmation. So the upload's page can be loaded again without reading a
large file again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update

from phonebank.core.db import db
from phonebank.csv_input.column_mapping import Mapping
from phonebank.csv_input.yes_no_columns import (
    DATE,
    OTHER_NUMBER,
    OWN_NUMBER,
    Action,
    key_of,
    reading_of,
)
from phonebank.lists.uploads import rows_of
from phonebank.models import ContactList, ListState

# A column with more values than this is not a yes-or-no column: it has notes, names or IDs.
MOST_VALUES = 60
# An organiser must agree if a larger share of a list would be suppressed.
SHARE_TO_ASK_ABOUT = 0.1

_KINDS = {
    "": "(empty)",
    OWN_NUMBER: "the row’s own phone number",
    OTHER_NUMBER: "a phone number that is not the row’s",
    DATE: "a date",
}


@dataclass(frozen=True, slots=True)
class Value:
    """One value in a yes-or-no column. Cells of the column that have the same key (see `key_of`)
    count as one value."""

    key: str
    shown: str  # as the first of these cells writes it
    count: int  # rows
    reading: Action  # the action that the words mean, or ASK if they are unknown


@dataclass
class MarkCounts:
    """The values of each yes-or-no column, and how many rows have each combination of values."""

    columns: dict[int, list[Value]] = field(default_factory=dict)  # the most frequent value first
    too_many: frozenset[int] = frozenset()  # columns with more than MOST_VALUES
    # One key for each column, in the order of `columns`, and the number of rows with these keys.
    together: list[tuple[tuple[str, ...], int]] = field(default_factory=list)

    def count_suppressed(self, mapping: Mapping) -> int:
        """Return the number of rows that have a value with the action SUPPRESS. The import would
        put the phone numbers of these rows on the do-not-call list.

        `mapping` says what each column contains, and what the organiser decided about its values.
        """
        return sum(
            count
            for keys, count in self.together
            if any(
                mapping.action(column, key) is Action.SUPPRESS
                for column, key in zip(self.columns, keys, strict=True)
            )
        )

    def undecided_values(self, mapping: Mapping) -> list[tuple[int, Value]]:
        """Return the values whose words are unknown and for which nobody has chosen an action yet.
        Each value is returned with the index of its column."""
        return [
            (column, value)
            for column, values in self.columns.items()
            for value in values
            if mapping.action(column, value.key) is Action.ASK
        ]


def counts_for(contact_list: ContactList, mapping: Mapping) -> MarkCounts:
    """Return how often each value occurs in the mapping's yes-or-no columns of a stored file.

    If counts for the same columns are stored with the upload, return these counts. Otherwise read
    the file, and store the new counts if the upload is not confirmed yet. The calling code commits.
    """
    if not mapping.mark_columns:
        return MarkCounts()
    counted_for = [
        [[column, mapping.targets[column]] for column in mapping.mark_columns],
        list(mapping.phone_columns),
    ]
    kept = contact_list.mark_counts
    if kept.get("for") != counted_for:
        kept = {"for": counted_for, **_count_values(contact_list, mapping)}
        db.session.execute(
            update(ContactList)
            .where(ContactList.id == contact_list.id, ContactList.state == ListState.UPLOADED)
            .values(mark_counts=kept)
        )
    return _from_json(kept, mapping)


def needs_agreement(suppressed: int, rows: int) -> bool:
    """Whether so many of a list's rows would put numbers on the do-not-call list that an organiser
    must agree. This is so if their share of all rows is larger than SHARE_TO_ASK_ABOUT."""
    return suppressed > rows * SHARE_TO_ASK_ABOUT


def _count_values(contact_list: ContactList, mapping: Mapping) -> dict[str, Any]:
    columns = mapping.mark_columns
    shown: dict[int, dict[str, str]] = {column: {} for column in columns}
    too_many: set[int] = set()
    together: Counter[tuple[str, ...]] = Counter()
    rows = rows_of(contact_list)
    next(rows)  # the header
    for row in rows:
        if row.fault:
            continue  # the row is refused, whatever its values say
        own = [row.cells[column] for column in mapping.phone_columns]
        keys = []
        for column in columns:
            cell = row.cells[column]
            key = "" if column in too_many else key_of(cell, own)
            if key not in shown[column] and column not in too_many:
                if len(shown[column]) == MOST_VALUES:
                    too_many.add(column)
                shown[column][key] = _KINDS.get(key) or " ".join(cell.split())[:60]
            keys.append(key)
        together[tuple(keys)] += 1
    return {
        "shown": {str(column): shown[column] for column in columns},
        "too_many": sorted(too_many),
        "together": [[list(keys), count] for keys, count in together.most_common()],
    }


def _from_json(kept: dict[str, Any], mapping: Mapping) -> MarkCounts:
    counts = MarkCounts(
        too_many=frozenset(kept["too_many"]),
        together=[(tuple(keys), count) for keys, count in kept["together"]],
    )
    for at, column in enumerate(mapping.mark_columns):
        rows: Counter[str] = Counter()
        for keys, count in counts.together:
            rows[keys[at]] += count
        target = mapping.targets[column]
        counts.columns[column] = [
            Value(key, kept["shown"][str(column)].get(key, key), count, reading_of(target, key))
            for key, count in rows.most_common()
        ]
    return counts
