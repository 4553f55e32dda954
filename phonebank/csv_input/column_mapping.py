"""The mapping of a list's columns: guessed from names and contents, confirmed by an organiser.

Columns without a target are left out: a campaign stores no data that its callers do not need.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from phonebank.csv_input.cells import tidy, tidy_email
from phonebank.csv_input.column_names import (
    KINDS_OF_PHONE,
    NAME_ALONE,
    NUMBERED,
    TARGET_OF,
    WEAK,
    WITHIN_A_LONGER_NAME,
    is_about_someone_else,
    mark_target_of,
    plain_name,
    words_of,
)
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
    IGNORE: "Leave out",
}

# In the order of calling: first the number that the list prefers, then the mobile.
PHONE_TARGETS = ("phone", "mobile", "landline", "work_phone")

NAME_TARGETS = frozenset({"first_name", "last_name", "full_name"})

# Targets that a contact stores among its fields, under these names.
KEPT_AS_FIELDS = ("town", "address")

# Targets of several columns: all numbers count, address lines join, any yes-or-no column counts.
SEVERAL_COLUMNS = frozenset({*PHONE_TARGETS, *MARKS, "address", IGNORE})


# The column's index as text (a key in JSON) → the key of a value → an Action.
Actions = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Mapping:
    """The columns of a list and their targets: `targets[n]` is the target of column `headers[n]`.

    A target is a key of FIELDS, or "field:" and a name. `actions` has the organiser's decisions
    about values of yes-or-no columns: column → key of `yes_no_columns.key_of` → Action.
    """

    headers: tuple[str, ...]
    targets: tuple[str, ...]
    actions: Actions = field(default_factory=dict)

    @classmethod
    def of(
        cls, headers: Sequence[str], targets: Sequence[str], actions: Actions | None = None
    ) -> Mapping:
        """Make a mapping from two lists of one length, such as those of a contact list."""
        return cls(tuple(headers), tuple(targets), actions or {})

    def action(self, column: int, key: str) -> Action:
        """The action for a value of a yes-or-no column: decided, or else by its words."""
        decided = self.actions.get(str(column), {}).get(key)
        return Action(decided) if decided else reading_of(self.targets[column], key)

    @cached_property
    def columns(self) -> dict[str, tuple[int, ...]]:
        """The columns of each target that has any, left to right."""
        columns: dict[str, tuple[int, ...]] = {}
        for index, target in enumerate(self.targets):
            columns[target] = (*columns.get(target, ()), index)
        return columns

    @cached_property
    def phone_columns(self) -> tuple[int, ...]:
        """The columns with numbers, in the order of calling."""
        return tuple(i for target in PHONE_TARGETS for i in self.columns.get(target, ()))

    @cached_property
    def mark_columns(self) -> tuple[int, ...]:
        """The columns that say whether a person may be called, left to right."""
        return tuple(i for i, target in enumerate(self.targets) if target in MARKS)

    @cached_property
    def name_columns(self) -> tuple[int, ...]:
        """The columns with names of people."""
        return tuple(i for i, target in enumerate(self.targets) if target in NAME_TARGETS)

    def header(self, column: int) -> str:
        """A column's name, for messages."""
        return self.headers[column].strip()

    def numbers_of_mark(self, column: int) -> tuple[int, ...]:
        """The columns of numbers that a "number does not work" column is about.

        Its name may say so ("is_mobile_bad"). Otherwise it is about all of them.
        """
        words = set(words_of(self.headers[column]))
        for target, names in KINDS_OF_PHONE.items():
            if names & words and target in self.columns:
                return self.columns[target]
        return self.phone_columns

    @cached_property
    def field_columns(self) -> tuple[tuple[str, int], ...]:
        """The name and the column of each of the campaign's own fields."""
        return tuple(
            (target.removeprefix(FIELD), index)
            for index, target in enumerate(self.targets)
            if target.startswith(FIELD)
        )


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """A guess about a column. If it is not `sure`, an organiser should check it."""

    index: int
    header: str
    target: str
    sure: bool
    samples: tuple[str, ...]  # up to three values, for the organiser to check


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a mapping. `reason` is a code; `message` is for people."""

    reason: str
    message: str
    columns: tuple[int, ...] = ()


def guess_columns(headers: Sequence[str], samples: Sequence[Sequence[str]]) -> list[ColumnGuess]:
    """Guess each column from its name, or from its values if the name says nothing.

    `samples` are rows of cells as wide as the headers; a hundred are enough. A column without a
    clear name or content gets IGNORE.
    """
    values = [
        [value for cells in samples if index < len(cells) and (value := cells[index].strip())]
        for index in range(len(headers))
    ]
    names = [_guess_by_name(header, of) for header, of in zip(headers, values, strict=True)]
    targets = _fit_name_columns(headers, _keep_surest_names(names))
    for index, named in enumerate(names):
        if named.target == IGNORE and not is_about_someone_else(headers[index]):
            targets[index] = _guess_by_content(values[index], taken=targets)
    return [
        ColumnGuess(
            index,
            header,
            targets[index],
            sure=names[index].sure and targets[index] == names[index].target,
            samples=tuple(value[:60] for value in dict.fromkeys(values[index]))[:3],
        )
        for index, header in enumerate(headers)
    ]


def faults_of(mapping: Mapping) -> list[Fault]:
    """All faults of a mapping; none if it can be used."""
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
                "No column is a phone number. Choose the column with the numbers to call. If the "
                "file has none, upload a file that does.",
            )
        )
    return faults


def field_target(header: str) -> str:
    """The target that stores a column under its own name, in the style of merge fields.

    "Polling District" becomes polling_district. A name without Latin letters gives FIELD alone,
    which `faults_of` refuses.
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
        if name in KEPT_AS_FIELDS:  # the target of that name uses the same place
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


class _NameGuess(NamedTuple):
    target: str
    sure: bool = False
    rank: int = 1000  # the place of the name among its target's names; the surest is 0


def _guess_by_name(header: str, values: Sequence[str]) -> _NameGuess:
    """Guess a column from its name; IGNORE if the name says nothing."""
    header = _GOOGLES.sub(r"\1", header)
    name = plain_name(header)
    found = TARGET_OF.get(name)
    if found is None and (mark := _guess_mark(header, values)):
        return mark
    if found is None:
        name = name.rstrip("0123456789")
        found = TARGET_OF.get(name)
        if found is None or found[0] not in NUMBERED:
            return _NameGuess(_guess_by_last_words(header))
    target, rank = found
    if target in PHONE_TARGETS and values and _share(_holds_digits, values) < 0.2:
        # A name of phones without any digits below it: "Number" may be a house number.
        return _NameGuess(IGNORE if name in WEAK else target, rank=rank)
    return _NameGuess(target, name not in WEAK, rank)


def _guess_mark(header: str, values: Sequence[str]) -> _NameGuess | None:
    """Guess a yes-or-no column from its name: "Is deceased", "May we call you?"."""
    found = mark_target_of(header)
    if found is None or (found[0] != "do_not_call" and _share(_holds_digits, values) > 0.5):
        return None  # "Mobile (opted in)" and "Wrong number" may be columns of numbers
    return _NameGuess(*found)


# Google Contacts exports "Phone 1 - Label" beside "Phone 1 - Value".
_GOOGLES = re.compile(r"^(.*\d)\s+-\s+Value$", re.IGNORECASE)


def _guess_by_last_words(header: str) -> str:
    """The target of the longest known name at the end of a header: "Voter's mobile number"."""
    words = words_of(header)
    if is_about_someone_else(header):
        return IGNORE
    for start in range(max(1, len(words) - 4), len(words)):
        name = "".join(words[start:])
        target, _ = TARGET_OF.get(name, (IGNORE, 0))
        if target in WITHIN_A_LONGER_NAME and name not in WEAK:
            return target
    return IGNORE


def _keep_surest_names(names: Sequence[_NameGuess]) -> list[str]:
    """Of two columns with one target, keep the one with the surer name."""
    targets = [named.target for named in names]
    for target in set(targets) - SEVERAL_COLUMNS:
        rivals = [index for index, named in enumerate(names) if named.target == target]
        rivals.remove(min(rivals, key=lambda index: names[index].rank))
        for index in rivals:
            targets[index] = IGNORE
    return targets


def _fit_name_columns(headers: Sequence[str], targets: list[str]) -> list[str]:
    """Fit name columns together: "Name" beside "Vorname" is the last name."""
    first, last, full = (name in targets for name in ("first_name", "last_name", "full_name"))
    change: dict[str, str] = {}
    if full and (first or last):
        change = {"full_name": IGNORE if first and last else "last_name" if first else "first_name"}
    elif first != last and NAME_ALONE.intersection(map(plain_name, headers)):
        change = {"first_name": "full_name", "last_name": "full_name"}
    return [change.get(target, target) for target in targets]


def _guess_by_content(values: Sequence[str], taken: Sequence[str]) -> str:
    """Guess a column from its values, unless another column has that target."""
    if "email" not in taken and _share(tidy_email, values) > 0.8:
        return "email"
    if "postcode" not in taken and _share(_is_postcode, values) > 0.8:
        return "postcode"
    if not set(PHONE_TARGETS).intersection(taken) and _share(_is_phone, values) > 0.6:
        return "phone"
    return IGNORE


def _share(test: Callable[[str], object], values: Sequence[str]) -> float:
    return sum(1 for value in values if test(value)) / len(values) if values else 0.0


def _holds_digits(value: str) -> bool:
    return sum(map(str.isdigit, value)) >= 6


def _is_postcode(value: str) -> bool:
    """Whether a value is a full British or Canadian postcode. A ZIP code has only digits."""
    british = r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}"
    canadian = r"[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]"
    return re.fullmatch(f"{british}|{canadian}", value.upper()) is not None


def _is_phone(value: str) -> bool:
    """Whether a value looks like a phone number: nine digits or more, with 0, +, ( or gaps."""
    digits = sum(map(str.isdigit, value))
    return (
        9 <= digits <= 15
        and re.fullmatch(r"[0+(][0-9 ().+-]+|[0-9]+[ .-][0-9 .-]+", value) is not None
    )
