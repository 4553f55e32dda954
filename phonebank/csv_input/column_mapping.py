"""Which column of a list is what: guessed from names and contents, confirmed by an organiser.

What nobody maps is left out. A campaign keeps no data about people that its callers do not need.
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
FIELD = "field:"  # "field:polling_district" keeps a column under a name that scripts can show
LONGEST_FIELD_NAME = 40  # characters, as merge fields have

# The targets and what pages call them, in the order pages offer them.
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

# In the order in which a contact's numbers are rung: the list's own choice, then the mobile.
PHONE_TARGETS = ("phone", "mobile", "landline", "work_phone")

NAME_TARGETS = frozenset({"first_name", "last_name", "full_name"})

# What a contact keeps among its fields, under these names.
KEPT_AS_FIELDS = ("town", "address")

# Several columns may feed these: numbers add up, address lines join, any mark counts.
SEVERAL_COLUMNS = frozenset({*PHONE_TARGETS, *MARKS, "address", IGNORE})


# Column, as JSON keys it → key of a value → an Action.
Actions = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Mapping:
    """The columns of a list and what each is: `targets[n]` is what the column `headers[n]` holds.

    A target is a key of FIELDS or "field:" and a name. `actions` is what an organiser decided about
    the values of columns of marks: column → key of `marks.key_of` → `marks.Action`.
    """

    headers: tuple[str, ...]
    targets: tuple[str, ...]
    actions: Actions = field(default_factory=dict)

    @classmethod
    def of(
        cls, headers: Sequence[str], targets: Sequence[str], actions: Actions | None = None
    ) -> Mapping:
        """From any two lists of one length, such as those stored with a contact list."""
        return cls(tuple(headers), tuple(targets), actions or {})

    def action(self, column: int, key: str) -> Action:
        """What is done for a value of a column of marks: as decided, else as its words say."""
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
        """The columns that hold numbers, in the order in which they are rung."""
        return tuple(i for target in PHONE_TARGETS for i in self.columns.get(target, ()))

    @cached_property
    def mark_columns(self) -> tuple[int, ...]:
        """The columns whose cells say whether somebody may be called, left to right."""
        return tuple(i for i, target in enumerate(self.targets) if target in MARKS)

    @cached_property
    def name_columns(self) -> tuple[int, ...]:
        """The columns that hold names of people."""
        return tuple(i for i, target in enumerate(self.targets) if target in NAME_TARGETS)

    def header(self, column: int) -> str:
        """A column's name, as messages give it."""
        return self.headers[column].strip()

    def numbers_of_mark(self, column: int) -> tuple[int, ...]:
        """The columns of numbers that a "number does not work" column is about.

        As its name says ("is_mobile_bad"), where the list has such a column; else all of them.
        """
        words = set(words_of(self.headers[column]))
        for target, names in KINDS_OF_PHONE.items():
            if names & words and target in self.columns:
                return self.columns[target]
        return self.phone_columns

    @cached_property
    def field_columns(self) -> tuple[tuple[str, int], ...]:
        """The name and column of each field of the campaign's own."""
        return tuple(
            (target.removeprefix(FIELD), index)
            for index, target in enumerate(self.targets)
            if target.startswith(FIELD)
        )


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """What a column seems to be. Where `sure` is false, ask before believing it."""

    index: int
    header: str
    target: str
    sure: bool
    samples: tuple[str, ...]  # up to three values, for people to judge by


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a mapping cannot be used. `reason` is a code, `message` for people."""

    reason: str
    message: str
    columns: tuple[int, ...] = ()


def guess_columns(headers: Sequence[str], samples: Sequence[Sequence[str]]) -> list[ColumnGuess]:
    """What each column is, from its name, and from its values where the name says nothing.

    `samples` are rows of cells as wide as the headers; a hundred are plenty. What is neither
    named nor plain to see is left out.
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
    """Everything that keeps a mapping from being used; nothing if it can be."""
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
    """The target that keeps a column under its own name, written as scripts write merge fields.

    "Polling District" is polling_district. A name without Latin letters comes to FIELD alone, which
    `check` refuses.
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
        if name in KEPT_AS_FIELDS:  # a column that is the target of that name has the place
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
    rank: int = 1000  # how far down the target's names this one stands


def _guess_by_name(header: str, values: Sequence[str]) -> _NameGuess:
    """What a column's name says; IGNORE where that is nothing."""
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
        # Called a phone and holding none: "Number" is a house number.
        return _NameGuess(IGNORE if name in WEAK else target, rank=rank)
    return _NameGuess(target, name not in WEAK, rank)


def _guess_mark(header: str, values: Sequence[str]) -> _NameGuess | None:
    """ "Is deceased", "May we call you?", "is_mobile_bad": what a column of yes and no asks."""
    found = mark_target_of(header)
    if found is None or (found[0] != "do_not_call" and _share(_holds_digits, values) > 0.5):
        return None  # "Mobile (opted in)" and "Wrong number" may hold numbers
    return _NameGuess(*found)


# Google's contacts come as "Phone 1 - Label" beside "Phone 1 - Value".
_GOOGLES = re.compile(r"^(.*\d)\s+-\s+Value$", re.IGNORECASE)


def _guess_by_last_words(header: str) -> str:
    """The target of the longest known name that a longer one ends with: "Voter's mobile number"."""
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
    """Where two columns would be one target, the one with the surer name stays."""
    targets = [named.target for named in names]
    for target in set(targets) - SEVERAL_COLUMNS:
        rivals = [index for index, named in enumerate(names) if named.target == target]
        rivals.remove(min(rivals, key=lambda index: names[index].rank))
        for index in rivals:
            targets[index] = IGNORE
    return targets


def _fit_name_columns(headers: Sequence[str], targets: list[str]) -> list[str]:
    """ "Name" beside "Vorname" is the last name, beside both names it is left out."""
    first, last, full = (name in targets for name in ("first_name", "last_name", "full_name"))
    change: dict[str, str] = {}
    if full and (first or last):
        change = {"full_name": IGNORE if first and last else "last_name" if first else "first_name"}
    elif first != last and NAME_ALONE.intersection(map(plain_name, headers)):
        change = {"first_name": "full_name", "last_name": "full_name"}
    return [change.get(target, target) for target in targets]


def _guess_by_content(values: Sequence[str], taken: Sequence[str]) -> str:
    """What a column is by its values alone, unless a column is that already."""
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
    """A British postcode, whole, or a Canadian one: a ZIP code is but five digits."""
    british = r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}"
    canadian = r"[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]"
    return re.fullmatch(f"{british}|{canadian}", value.upper()) is not None


def _is_phone(value: str) -> bool:
    """Nine digits or more, set as people set phone numbers: with a 0, a +, a bracket or gaps."""
    digits = sum(map(str.isdigit, value))
    return (
        9 <= digits <= 15
        and re.fullmatch(r"[0+(][0-9 ().+-]+|[0-9]+[ .-][0-9 .-]+", value) is not None
    )
