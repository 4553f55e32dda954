"""The mapping of a list's columns to targets, such as "phone" or "postcode". An organiser confirms
the mapping.

The cells of columns with the target IGNORE are not stored, because a campaign must not store data
that its callers do not need.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from phonebank.csv_input.cells import tidy
from phonebank.csv_input.column_names import kinds_of_phone_in, words_of
from phonebank.csv_input.yes_no_columns import MARKS, Action, reading_of

IGNORE = "ignore"
FIELD = "field:"  # "field:polling_district" stores a column under a name that scripts can show
LONGEST_FIELD_NAME = 40  # characters; merge fields have the same limit

# The targets and their names on pages, in the order of the pages.
FIELDS: dict[str, str] = {
    "first_name": "First name",
    "last_name": "Last name",
    "full_name": "Full name",
    "phone": "Phone",
    "mobile": "Mobile phone",
    "landline": "Home phone",
    "work_phone": "Work phone",
    "external_id": "ID in your own database",
    "postcode": "Postcode or ZIP code",
    "do_not_call": "Do not call",
    "consent": "May be called: yes or no",
    "bad_number": "Number does not work",
    "language": "Language",
    "time_zone": "Time zone",
    "email": "E-mail",
    "address": "Address",
    "town": "Town",
    "tags": "Tags",
    IGNORE: "Leave out",
}

# The order in which a contact's numbers are called. The list's preferred number comes first.
PHONE_TARGETS = ("phone", "mobile", "landline", "work_phone")

NAME_TARGETS = frozenset({"first_name", "last_name", "full_name"})

# A contact stores the values of these targets in `fields`, under these names.
KEPT_AS_FIELDS = ("town", "address")

# Several columns may have the same one of these targets. All numbers and tags count, address lines
# are joined, and each yes-or-no column counts.
SEVERAL_COLUMNS = frozenset({*PHONE_TARGETS, *MARKS, "address", "tags", IGNORE})


# {the column's index as text, as JSON requires: {the key of a value: an Action}}
Actions = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Mapping:
    """The columns of a list and their targets: `targets[n]` is the target of column `headers[n]`.

    A target is a key of FIELDS, or "field:" and a name. For each yes-or-no column, `actions` has
    the Actions that the organiser chose for the column's values. A value for which the organiser
    chose none is not in `actions`. Values are identified by their keys (see
    `yes_no_columns.key_of`).
    """

    headers: tuple[str, ...]
    targets: tuple[str, ...]
    actions: Actions = field(default_factory=dict)

    @classmethod
    def of(
        cls, headers: Sequence[str], targets: Sequence[str], actions: Actions | None = None
    ) -> Mapping:
        """Make a mapping from the columns' names and their targets. Both are in the order of the
        columns."""
        return cls(tuple(headers), tuple(targets), actions or {})

    def action(self, column: int, key: str) -> Action:
        """Return the action for a value of a yes-or-no column. `column` is the column's index, and
        `key` identifies the value.

        If the organiser chose an action for the value, return that action. Otherwise, the words of
        the value decide (see `yes_no_columns.reading_of`).
        """
        decided = self.actions.get(str(column), {}).get(key)
        return Action(decided) if decided else reading_of(self.targets[column], key)

    def cells_to_store(self, cells: Sequence[str]) -> list[str]:
        """Return a row's cells in the form in which they are stored. The cells of columns with the
        target IGNORE become empty."""
        left_out = self.columns.get(IGNORE, ())
        return ["" if n in left_out else cell for n, cell in enumerate(cells)]

    @cached_property
    def columns(self) -> dict[str, tuple[int, ...]]:
        """For each target that has columns, the indexes of these columns from left to right."""
        columns: dict[str, tuple[int, ...]] = {}
        for index, target in enumerate(self.targets):
            columns[target] = (*columns.get(target, ()), index)
        return columns

    @cached_property
    def phone_columns(self) -> tuple[int, ...]:
        """The indexes of the columns with telephone numbers, in the order in which a contact's
        numbers are called."""
        return tuple(i for target in PHONE_TARGETS for i in self.columns.get(target, ()))

    @cached_property
    def mark_columns(self) -> tuple[int, ...]:
        """The indexes of the columns that say whether a person may be called or whether a number
        works, from left to right."""
        return tuple(i for i, target in enumerate(self.targets) if target in MARKS)

    @cached_property
    def name_columns(self) -> tuple[int, ...]:
        """The indexes of the columns with people's names, from left to right."""
        return tuple(i for i, target in enumerate(self.targets) if target in NAME_TARGETS)

    def header(self, column: int) -> str:
        """Return a column's name, for messages."""
        return self.headers[column].strip()

    def numbers_of_mark(self, column: int) -> tuple[int, ...]:
        """Return the indexes of the telephone number columns to which a "number does not work"
        column refers.

        The name of the "number does not work" column may say which kind of number is meant
        ("is_mobile_bad"). If it does not, or if no column has that kind of number, all columns with
        telephone numbers are meant.
        """
        for target in kinds_of_phone_in(self.headers[column]):
            if target in self.columns:
                return self.columns[target]
        return self.phone_columns

    @cached_property
    def field_columns(self) -> tuple[tuple[str, int], ...]:
        """The campaign's own fields: the name of each field, and the index of its column."""
        return tuple(
            (target.removeprefix(FIELD), index)
            for index, target in enumerate(self.targets)
            if target.startswith(FIELD)
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a mapping. `reason` is a code; `message` is for people."""

    reason: str
    message: str
    columns: tuple[int, ...] = ()


def faults_of(mapping: Mapping) -> list[Fault]:
    """Return all faults of a mapping. A mapping without faults can be used. If the mapping does not
    have one target for each column, return only this fault."""
    if len(mapping.targets) != len(mapping.headers):
        message = (
            f"The file has {len(mapping.headers)} columns and {len(mapping.targets)} are mapped. "
            "Go back and choose again."
        )
        return [Fault("wrong_length", message)]
    faults = [fault for target in mapping.columns if (fault := _fault_of(target, mapping))]
    if not mapping.phone_columns:
        faults.append(
            Fault(
                "no_phone_column",
                "No column has phone numbers. Choose the column with the numbers to call. If the "
                "file has no such column, upload a file that has one.",
            )
        )
    return faults


def field_target(header: str) -> str:
    """Return the target that stores a column under its own name. The name is changed to a form that
    scripts can use.

    "Polling District" becomes "field:polling_district". The name is cut to LONGEST_FIELD_NAME
    characters. For a name without Latin letters, the result is only FIELD, and `faults_of` reports
    a fault.
    """
    words = re.findall("[a-z0-9]+", " ".join(words_of(header)))
    name = "_".join(words).lstrip("0123456789_")
    return FIELD + name[:LONGEST_FIELD_NAME].rstrip("_")


def _fault_of(target: str, mapping: Mapping) -> Fault | None:
    columns = mapping.columns[target]
    if target.startswith(FIELD):
        name = target.removeprefix(FIELD)
        if not name or name != tidy(name) or len(name) > LONGEST_FIELD_NAME:
            return Fault(
                "field_name",
                f"The column {_quote_headers(columns, mapping)} needs a name of 1 to "
                f"{LONGEST_FIELD_NAME} characters.",
                columns,
            )
        if name in KEPT_AS_FIELDS:  # The target of that name stores its value in the same place.
            columns = tuple(sorted((*columns, *mapping.columns.get(name, ()))))
    elif target not in FIELDS:
        return Fault("unknown_target", f"“{target}” is not a choice for a column.", columns)
    if len(columns) > 1 and target not in SEVERAL_COLUMNS:
        label = FIELDS.get(target) or target.removeprefix(FIELD)
        return Fault(
            "two_columns",
            f"The columns {_quote_headers(columns, mapping)} are both “{label}”. Keep one and "
            "leave out the other.",
            columns,
        )
    return None


def _quote_headers(columns: Sequence[int], mapping: Mapping) -> str:
    return " and ".join(f"“{mapping.headers[i].strip()}”" for i in columns)
