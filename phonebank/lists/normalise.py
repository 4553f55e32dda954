"""Turns a row of a list into a contact to store, or into a refusal with a column and a reason. Pure
functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from phonebank.csv_input.cells import (
    language_code_of,
    tidy,
    tidy_email,
    tidy_identifier,
    tidy_postcode,
)
from phonebank.csv_input.column_mapping import KEPT_AS_FIELDS, Mapping
from phonebank.csv_input.rows import EXTRA_CELLS, UNCLOSED_QUOTE, Row
from phonebank.csv_input.yes_no_columns import Action, key_of
from phonebank.lists.notes_in_cells import (
    MESSAGES,
    Wish,
    may_be_a_wish,
    wish_across_names,
    wish_beside_number,
    wish_in_name,
)
from phonebank.lists.person_names import read_name, split_full_name
from phonebank.lists.time_zone_words import read_time_zones
from phonebank.phones.drama_numbers import is_drama_number
from phonebank.phones.e164 import REASONS, InvalidPhoneNumberError, read_numbers
from phonebank.phones.number_places import is_of_country
from phonebank.rules.tags import LONGEST_TAG, TAGS_AT_MOST, are_tags, split_values

# The longest value of each target, in characters: as much as the column of `contact` can hold. A
# longer value is refused and not cut, because it usually means that the row's cells are in the
# wrong columns.
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
        "This row has {cells} cells, but there are {columns} column names. If a cell contains the "
        "character that separates cells, put quotation marks around that cell."
    ),
    UNCLOSED_QUOTE: "A quotation mark in this row is never closed.",
}


@dataclass(slots=True)
class ContactRow:
    """A contact to store. If the list has no text for a field, the field is empty, or None where
    its type allows None. If `do_not_call` is true, the contact is not stored, and its numbers go on
    the do-not-call list."""

    row_number: int
    phone: str  # E.164, the number to call first
    phone_original: str  # the cell that the number came from, with all its text
    first_name: str = ""
    last_name: str = ""
    other_phones: list[str] = field(default_factory=list)  # E.164, in the order to try
    external_id: str | None = None
    postcode: str | None = None
    language: str = ""  # an ISO 639 code
    time_zone: str | None = None  # IANA names joined by "|"; None if the list has none
    email: str | None = None
    tags: list[str] = field(default_factory=list)
    do_not_call: bool = False
    fields: dict[str, str] = field(
        default_factory=dict
    )  # "town", "address" and the list's own fields


@dataclass(slots=True)
class RefusedRow:
    """A row that is not stored, and the reason. `column` is "" if the whole row is at fault."""

    row_number: int
    column: str
    reason: str  # a key of e164.REASONS, a Wish, a Row fault or another code, such as no_phone
    message: str
    cells: list[str]


class _CellTooLongError(Exception):
    def __init__(self, column: int, length: int, longest: int) -> None:
        self.column = column
        self.message = (
            f"This cell has {length:,} characters. We can keep at most {longest:,}. The cells of "
            "this row may be in the wrong columns."
        )


class _TooManyTagsError(_CellTooLongError):
    def __init__(self, column: int) -> None:
        self.column = column
        self.message = (
            f"A person can have at most {TAGS_AT_MOST} tags, of at most {LONGEST_TAG} characters "
            "each. Put commas between tags. The cells of this row may be in the wrong columns."
        )


def normalise(
    row: Row, mapping: Mapping, country: str, allow_drama: bool = False
) -> ContactRow | RefusedRow:
    """Turn a row of a list into a contact or a refusal.

    `mapping` says what each column of the row's file contains. `faults_of` must have found no fault
    in the mapping. `country` is the ISO 3166-1 code of the campaign's country. Numbers without a
    country code are read as numbers of that country. Demonstrations set `allow_drama`, and then
    only drama numbers (reserved for fiction) are accepted.

    A number is left out if the row says that the number does not work, or that it belongs to
    somebody else or to a fax machine. Outside demonstrations, numbers of other countries are left
    out too. The number to call is the first number that is left, in the order of
    `mapping.phone_columns`. A row is refused for one of these reasons:

    - the row has a fault, such as too many cells
    - no number is left
    - a value is too long to store, or there are too many tags
    - a note such as "deceased" is written beside a number or name (but if a note says that the
      number beside it is wrong, only this number is left out)
    - a yes-or-no column of the row has a value that an organiser wants to look at, or whose meaning
      no organiser has decided

    If a yes-or-no value means "do not call", the row keeps all its readable numbers, even those of
    other countries and other people. Such a row is only refused if it has a fault or no readable
    number.
    """
    if row.fault:
        message = _FAULTS[row.fault].format(cells=len(row.cells), columns=len(mapping.headers))
        return RefusedRow(row.number, "", row.fault, message, row.cells)
    marks = _marks(row, mapping)
    asks_not_to = Action.SUPPRESS in marks.values()
    dropped: tuple[int, ...] = ()
    if not asks_not_to:
        wishes = _wishes(row, mapping)
        if marks or wishes:
            if aside := _refusal_to_set_aside(row, mapping, marks, wishes):
                return aside
            dropped = _dropped_columns(mapping, marks, wishes)
    numbered = _read_row_numbers(
        row, mapping, country, allow_drama, dropped, others_too=asks_not_to
    )
    if isinstance(numbered, RefusedRow):
        return numbered
    (phone, *others), original = numbered
    contact = ContactRow(row.number, phone, original, other_phones=others)
    contact.do_not_call = asks_not_to
    if not contact.do_not_call and not allow_drama:
        # Calls to another country must follow its law, and the campaign has only the rules of its
        # own country.
        at_home = [n for n in (phone, *others) if is_of_country(n, country)]
        if not at_home:
            header = mapping.header(mapping.phone_columns[0])
            reason = "another_country"
            return RefusedRow(row.number, header, reason, REASONS[reason], row.cells)
        contact.phone, contact.other_phones = at_home[0], at_home[1:]
    try:
        _add_description(contact, row.cells, mapping, country)
    except _CellTooLongError as refused:
        if contact.do_not_call:
            return contact  # the wish counts even if the row has other faults
        column = mapping.headers[refused.column].strip()
        return RefusedRow(row.number, column, "cell_too_long", refused.message, row.cells)
    return contact


def _drama_numbers_among(numbers: list[str]) -> list[str]:
    """Return the drama numbers (reserved for fiction) among `numbers`. Raises
    InvalidPhoneNumberError if there are none."""
    left = [number for number in numbers if is_drama_number(number)]
    if not left:
        raise InvalidPhoneNumberError("somebodys_number")
    return left


def _marks(row: Row, mapping: Mapping) -> dict[int, Action]:
    """Return the action for this row's value in each yes-or-no column."""
    if not mapping.mark_columns:
        return {}
    own = [row.cells[column] for column in mapping.phone_columns]
    return {
        column: mapping.action(column, key_of(row.cells[column], own))
        for column in mapping.mark_columns
    }


def _refusal_to_set_aside(
    row: Row, mapping: Mapping, marks: dict[int, Action], wishes: list[tuple[int, Wish]]
) -> RefusedRow | None:
    """Refuse a row if an organiser must read it because of a yes-or-no value, or because of a
    written note such as "deceased".

    Return None if the row has no such value or note.
    """
    for column, action in marks.items():
        if action in _ASIDE:
            reason, message = _ASIDE[action]
            return RefusedRow(row.number, mapping.header(column), reason, message, row.cells)
    for column, wish in wishes:
        if wish is not Wish.BAD_NUMBER or column in mapping.name_columns:
            return RefusedRow(row.number, mapping.header(column), wish, MESSAGES[wish], row.cells)
    return None


_ASIDE = {
    Action.SET_ASIDE: (
        "set_aside",
        "Rows with this value are set aside. An organiser chose this when confirming the columns.",
    ),
    Action.ASK: (
        "unread_mark",
        "We don't know what this value means, so this row is left out. Change it to yes or no "
        "and upload the row again.",
    ),
}


def _wishes(row: Row, mapping: Mapping) -> list[tuple[int, Wish]]:
    """Return each note against calling (such as "deceased") in a number cell or name cell, with the
    cell's column. A note that the name cells form together is returned with the first name
    column."""
    cells, names = row.cells, mapping.name_columns
    found = [
        (column, wish)
        for column in mapping.phone_columns
        if (wish := wish_beside_number(cells[column]))
    ]
    if not may_be_a_wish([cells[column] for column in names]):
        return found
    if len(names) > 1 and (wish := wish_across_names([cells[column] for column in names])):
        found.append((names[0], wish))
    for column in names:
        rest = " ".join(cells[other] for other in names if other != column)
        if wish := wish_in_name(cells[column], rest):
            found.append((column, wish))
    return found


def _dropped_columns(
    mapping: Mapping, marks: dict[int, Action], wishes: list[tuple[int, Wish]]
) -> tuple[int, ...]:
    """Return the columns whose number does not work. A yes-or-no column or a word in the cell says
    so."""
    marked = {
        number
        for column, action in marks.items()
        if action is Action.DROP_NUMBER
        for number in mapping.numbers_of_mark(column)
    }
    written = {column for column, wish in wishes if wish is Wish.BAD_NUMBER}
    return tuple(sorted(marked | written))


def _read_row_numbers(
    row: Row,
    mapping: Mapping,
    country: str,
    allow_drama: bool,
    dropped: tuple[int, ...] = (),
    others_too: bool = False,
) -> tuple[list[str], str] | RefusedRow:
    """Return the readable numbers of the row, and the cell that contains the first number. The
    numbers are in the order in which callers try them. Return a refusal if no number is left.

    The numbers in the `dropped` columns do not work, so they are left out, even if they also appear
    in another column.
    """
    numbers: list[str] = []
    original = ""
    refusal: RefusedRow | None = None
    useless = {
        n for column in dropped for n in _readable_numbers(row.cells[column], country, allow_drama)
    }
    for column in mapping.phone_columns:
        cell = row.cells[column]
        if not cell or cell.isspace() or column in dropped:
            continue
        try:
            found = read_numbers(cell, country, allow_drama, others_too)
            if allow_drama:
                found = _drama_numbers_among(found)
        except InvalidPhoneNumberError as refused:
            if refusal is None and refused.reason != "empty":
                header = mapping.header(column)
                refusal = RefusedRow(row.number, header, refused.reason, refused.message, row.cells)
            continue
        found = [number for number in found if number not in useless]
        if found:
            original = original or tidy(cell)
        numbers += [number for number in found if number not in numbers]
    if numbers:
        return numbers, original
    if refusal:
        return refusal
    if dropped:
        wish = Wish.BAD_NUMBER
        header = mapping.header(dropped[0])
        return RefusedRow(row.number, header, wish, MESSAGES[wish], row.cells)
    header = mapping.header(mapping.phone_columns[0]) if mapping.phone_columns else ""
    return RefusedRow(row.number, header, "no_phone", "This row has no phone number.", row.cells)


def _readable_numbers(cell: str, country: str, allow_drama: bool) -> list[str]:
    try:
        return read_numbers(cell, country, allow_drama)
    except InvalidPhoneNumberError:
        return []


def _add_description(contact: ContactRow, cells: list[str], mapping: Mapping, country: str) -> None:
    """Add to the contact what the row says about the person. Raises _CellTooLongError if a value is
    too long, or if there are too many tags."""
    columns = mapping.columns
    for target, read in _READ.items():
        if target in columns:
            column = columns[target][0]
            cell = cells[column]
            value = read(cell) if len(cell) <= LONGEST_FIELD_VALUE else cell
            if value:
                setattr(contact, target, _check_length(value, column, LONGEST[target]))
    if "postcode" in columns:
        column = columns["postcode"][0]
        code = tidy_postcode(cells[column], country)
        contact.postcode = _check_length(code, column, LONGEST["postcode"]) or None
    if "time_zone" in columns:
        said = read_time_zones(cells[columns["time_zone"][0]][:LONGEST_FIELD_VALUE], country)
        contact.time_zone = "|".join(said) or None
    if "full_name" in columns and not (contact.first_name or contact.last_name):
        column = columns["full_name"][0]
        first, last = split_full_name(cells[column])
        contact.first_name = _check_length(first, column, LONGEST["first_name"])
        contact.last_name = _check_length(last, column, LONGEST["last_name"])
    _add_tags(contact.tags, cells, mapping)
    _add_fields(contact.fields, cells, mapping)


def _add_tags(tags: list[str], cells: list[str], mapping: Mapping) -> None:
    for column in mapping.columns.get("tags", ()):
        said = (tidy(tag) for tag in split_values(cells[column]))
        tags += [tag for tag in said if tag and tag not in tags]
        if not are_tags(tags):
            raise _TooManyTagsError(column)


def _add_fields(fields: dict[str, str], cells: list[str], mapping: Mapping) -> None:
    for target in KEPT_AS_FIELDS:
        if columns := mapping.columns.get(target):
            lines = (tidy(cells[column]) for column in columns)
            if value := ", ".join(filter(None, lines)):
                fields[target] = _check_length(value, columns[0], LONGEST_FIELD_VALUE)
    for name, column in mapping.field_columns:
        if value := tidy(cells[column]):
            fields[name] = _check_length(value, column, LONGEST_FIELD_VALUE)


def _check_length(value: str, column: int, longest: int) -> str:
    """Return the value. Raises _CellTooLongError if the value is longer than `longest`
    characters."""
    if len(value) > longest:
        raise _CellTooLongError(column, len(value), longest)
    return value


# Each of these targets takes one cell.
_READ: dict[str, Callable[[str], str | None]] = {
    "first_name": read_name,
    "last_name": read_name,
    "external_id": tidy_identifier,
    "email": tidy_email,
    "language": language_code_of,
}
