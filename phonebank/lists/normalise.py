"""A row of a list → a contact to store, or a refusal that names the column and the reason. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from phonebank.lists.cells import (
    email,
    identifier,
    language,
    postcode,
    says_do_not_call,
    tidy,
)
from phonebank.lists.clock_words import time_zones_said
from phonebank.lists.mapping import KEPT_AS_FIELDS, Mapping
from phonebank.lists.names import split_full_name, tidy_name
from phonebank.lists.reading import EXTRA_CELLS, UNCLOSED_QUOTE, Row
from phonebank.phone_numbers import (
    REASONS,
    NumberRefused,
    is_drama_number,
    is_of_country,
    read_numbers,
)

# The longest value of each target, in characters: what a contact has room for. A longer one is
# refused and not cut, since it most often means that the row's cells have slipped.
LONGEST = {
    "first_name": 120,
    "last_name": 120,
    "external_id": 120,
    "email": 255,
    "language": 8,
    "postcode": 20,
}
LONGEST_FIELD_VALUE = 2000

_FAULTS = {
    EXTRA_CELLS: (
        "This row has {cells} cells and the column names {columns}: a cell may hold the character "
        "that separates cells, and needs quotation marks around it."
    ),
    UNCLOSED_QUOTE: "A quotation mark in this row is never closed.",
}


@dataclass(slots=True)
class ContactRow:
    """A row worth storing. Text is "" where the list says nothing."""

    row_number: int
    phone: str  # E.164, the one to ring first
    phone_original: str  # the cell it came from, with whatever else stood there
    first_name: str = ""
    last_name: str = ""
    other_phones: list[str] = field(default_factory=list)  # E.164, in the order to try
    external_id: str | None = None
    postcode: str | None = None
    language: str = ""  # an ISO 639 code
    time_zone: str | None = None  # where the list says it: IANA names, joined by "|"
    email: str | None = None
    do_not_call: bool = False
    fields: dict[str, str] = field(default_factory=dict)  # "town", "address" and the list's own


@dataclass(slots=True)
class RefusedRow:
    """A row that cannot be rung, and why. `column` is "" where it is the row as a whole."""

    row_number: int
    column: str
    reason: str  # a key of phone_numbers.REASONS, or no_phone, cell_too_long or a Row's fault
    message: str
    cells: list[str]


class _CellTooLong(Exception):
    def __init__(self, column: int, length: int, longest: int) -> None:
        self.column = column
        self.message = (
            f"This cell has {length:,} characters, and at most {longest:,} can be kept. Perhaps "
            "the cells of this row have slipped by a column."
        )


def normalise(
    row: Row, mapping: Mapping, country: str, allow_drama: bool = False
) -> ContactRow | RefusedRow:
    """What a row of a list comes to.

    `mapping` is one that `check` finds no fault with, of the file the row is from; `country` the
    campaign's ISO 3166-1 code, in which numbers without a country code are read; `allow_drama`
    takes the numbers kept for fiction and no others, for demonstrations. The first number that can
    be read, in the order of `mapping.phone_columns`, is the one to ring. A row without one is
    refused, and so is one with a cell too long to keep, unless it asks us not to call.
    """
    if row.fault:
        message = _FAULTS[row.fault].format(cells=len(row.cells), columns=len(mapping.headers))
        return RefusedRow(row.number, "", row.fault, message, row.cells)
    numbered = _numbers(row, mapping, country, allow_drama)
    if isinstance(numbered, RefusedRow):
        return numbered
    (phone, *others), original = numbered
    contact = ContactRow(row.number, phone, original, other_phones=others)
    asked_not_to = mapping.columns.get("do_not_call", ())
    contact.do_not_call = any(says_do_not_call(row.cells[column]) for column in asked_not_to)
    if not contact.do_not_call and not allow_drama:
        # Numbers abroad are rung by the law over there, which this campaign does not keep.
        at_home = [n for n in (phone, *others) if is_of_country(n, country)]
        if not at_home:
            header = mapping.headers[mapping.phone_columns[0]].strip()
            reason = "another_country"
            return RefusedRow(row.number, header, reason, REASONS[reason], row.cells)
        contact.phone, contact.other_phones = at_home[0], at_home[1:]
    try:
        _describe(contact, row.cells, mapping, country)
    except _CellTooLong as refused:
        if contact.do_not_call:
            return contact  # the wish counts, whatever else is wrong with the row
        column = mapping.headers[refused.column].strip()
        return RefusedRow(row.number, column, "cell_too_long", refused.message, row.cells)
    return contact


def _nobodys(numbers: list[str]) -> list[str]:
    """Those of a demonstration's numbers that nobody has. Raises NumberRefused if none is."""
    left = [number for number in numbers if is_drama_number(number)]
    if not left:
        raise NumberRefused("somebodys_number")
    return left


def _numbers(
    row: Row, mapping: Mapping, country: str, allow_drama: bool
) -> tuple[list[str], str] | RefusedRow:
    """Every number of the row, the one to ring first, with the cell that one came from."""
    numbers: list[str] = []
    original = ""
    refusal: RefusedRow | None = None
    for column in mapping.phone_columns:
        cell = row.cells[column]
        if not cell or cell.isspace():
            continue
        try:
            found = read_numbers(cell, country, allow_drama)
            if allow_drama:
                found = _nobodys(found)
        except NumberRefused as refused:
            if refusal is None and refused.reason != "empty":
                header = mapping.headers[column].strip()
                refusal = RefusedRow(row.number, header, refused.reason, refused.message, row.cells)
            continue
        original = original or tidy(cell)
        numbers += [number for number in found if number not in numbers]
    if numbers:
        return numbers, original
    if refusal:
        return refusal
    header = mapping.headers[mapping.phone_columns[0]].strip() if mapping.phone_columns else ""
    return RefusedRow(row.number, header, "no_phone", "This row has no phone number.", row.cells)


def _describe(contact: ContactRow, cells: list[str], mapping: Mapping, country: str) -> None:
    """Put on the contact what the row says of the person. Raises _CellTooLong."""
    columns = mapping.columns
    for target, read in _READ.items():
        if target in columns:
            column = columns[target][0]
            cell = cells[column]
            value = read(cell) if len(cell) <= LONGEST_FIELD_VALUE else cell
            if value:
                setattr(contact, target, _fitting(value, column, LONGEST[target]))
    if "postcode" in columns:
        column = columns["postcode"][0]
        code = postcode(cells[column], country)
        contact.postcode = _fitting(code, column, LONGEST["postcode"]) or None
    if "time_zone" in columns:
        said = time_zones_said(cells[columns["time_zone"][0]][:LONGEST_FIELD_VALUE], country)
        contact.time_zone = "|".join(said) or None
    if "full_name" in columns and not (contact.first_name or contact.last_name):
        column = columns["full_name"][0]
        first, last = split_full_name(cells[column])
        contact.first_name = _fitting(first, column, LONGEST["first_name"])
        contact.last_name = _fitting(last, column, LONGEST["last_name"])
    _add_fields(contact.fields, cells, mapping)


def _add_fields(fields: dict[str, str], cells: list[str], mapping: Mapping) -> None:
    for target in KEPT_AS_FIELDS:
        lines = [(column, tidy(cells[column])) for column in mapping.columns.get(target, ())]
        value = ", ".join(line for _, line in lines if line)
        if value:
            fields[target] = _fitting(value, lines[0][0], LONGEST_FIELD_VALUE)
    for name, column in mapping.field_columns:
        value = tidy(cells[column])
        if value:
            fields[name] = _fitting(value, column, LONGEST_FIELD_VALUE)


def _fitting(value: str, column: int, longest: int) -> str:
    if len(value) > longest:
        raise _CellTooLong(column, len(value), longest)
    return value


# The targets that are read from one cell by itself.
_READ: dict[str, Callable[[str], str | None]] = {
    "first_name": tidy_name,
    "last_name": tidy_name,
    "external_id": identifier,
    "email": email,
    "language": language,
}
