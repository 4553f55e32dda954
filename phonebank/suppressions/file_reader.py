"""Reads the columns of a do-not-call file, and the numbers in the columns that an organiser
chooses.

An organiser confirms the columns before any number goes on the do-not-call list. If a membership
number were read as a telephone number, a stranger might never be called again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from phonebank.core.errors import InvalidInputError
from phonebank.csv_input.column_guesses import guess_columns
from phonebank.csv_input.column_mapping import PHONE_TARGETS
from phonebank.csv_input.column_names import TARGET_OF, is_named_as_phone, plain_name, words_of
from phonebank.csv_input.dialects import HEAD_BYTES, InvalidFileError, sniff
from phonebank.csv_input.rows import MOST_COLUMNS
from phonebank.csv_input.yes_no_columns import DATE, key_of
from phonebank.phones.e164 import InvalidPhoneNumberError, read_numbers
from phonebank.suppressions.pasted_numbers import (
    LINES_AT_MOST,
    NumbersRead,
    RefusedLine,
    decode_file,
)

SAMPLES = 3
GUESSED_BY = 100  # rows
LINES_AT_ONCE = 20  # a longer text is first reviewed by an organiser, with a count

# A column with such a word in its name has no telephone numbers, even if its cells look like them.
_NO_NUMBERS = frozenset(
    [
        "id",
        "ids",
        "nr",
        "no",
        "num",
        "member",
        "membership",
        "date",
        "datum",
        "fecha",
        "dyddiad",
        "born",
        "dob",
        "birthday",
        "geburtsdatum",
        "time",
        "zeit",
        "hora",
        "heure",
        "amser",
        "account",
        "konto",
        "iban",
        "urn",
        "ref",
        "reference",
        "mitgliedsnummer",
        "kundennummer",
        "matricule",
        "socio",
        "aelod",
        "aelodaeth",
        "year",
        "jahr",
    ]
)


@dataclass(frozen=True)
class Column:
    """A column of the file, for the review page. `name` is "" if the file has no header, or if the
    header does not name this column."""

    index: int
    name: str
    samples: tuple[str, ...]
    holds_other_data: bool  # its name says that it has no telephone numbers


@dataclass(frozen=True)
class Table:
    """A file's columns and rows. Each row comes with its line number in the file, counted from 1.
    For a row of several lines, this is the number of the last line."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    guessed: tuple[int, ...]  # indexes of columns that seem to have numbers


def read_table(data: bytes) -> Table:
    """Read the table from a file's bytes. The first row is the header unless one of its cells may
    be a telephone number.

    Raises InvalidInputError if the file is empty, is not readable text, is too large, has too many
    rows or columns, or has a cell that is too long. A cell can be too long because of a quotation
    mark that is never closed. The cell then contains the rest of the file.
    """
    text = decode_file(data).lstrip("\ufeff")
    try:
        dialect = sniff(text[:HEAD_BYTES].encode())
    except InvalidFileError as refused:
        raise InvalidInputError(refused.message) from None
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=dialect.delimiter, quotechar=dialect.quotechar
    )
    rows: list[tuple[int, tuple[str, ...]]] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num, tuple(cells)))
            if len(rows) > LINES_AT_MOST:
                raise InvalidInputError(
                    f"That file has more than {LINES_AT_MOST:,} lines.",
                    "Split it and enter each part.",
                )
    except csv.Error:
        raise InvalidInputError(
            f"Line {reader.line_num} of that file cannot be read.",
            "Check it for a quotation mark that is never closed.",
        ) from None
    return _build_table(rows)


def needs_review(text: str) -> bool:
    """Whether an organiser must review a pasted text because it is long or has several columns. The
    result is False for a text that `read_table` refuses."""
    try:
        table = read_table(text.encode("utf-8", "replace"))
    except InvalidInputError:
        return False
    return len(table.columns) > 1 or len(table.rows) > LINES_AT_ONCE


def _build_table(rows: list[tuple[int, tuple[str, ...]]]) -> Table:
    width = max((len(cells) for _, cells in rows), default=0)
    if not rows or width > MOST_COLUMNS:
        raise InvalidInputError(
            f"That file has {width} columns." if rows else "That file is empty.",
            "Keep only the column of numbers.",
        )
    rows = [(line, cells + ("",) * (width - len(cells))) for line, cells in rows]
    headed = not any(_may_be_a_number(cell, alone=width == 1) for cell in rows[0][1])
    names = rows.pop(0)[1] if headed else ("",) * width
    values = [
        tuple(dict.fromkeys(cells[index].strip()[:60] for _, cells in rows if cells[index].strip()))
        for index in range(width)
    ]
    columns = tuple(
        Column(
            index,
            names[index].strip()[:60],
            values[index][:SAMPLES],
            holds_other_data(names[index]),
        )
        for index in range(width)
    )
    return Table(columns, tuple(rows), _guess_phone_columns(names, rows, columns))


def _guess_phone_columns(
    names: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]], columns: Sequence[Column]
) -> tuple[int, ...]:
    if len(columns) == 1:
        return () if columns[0].holds_other_data else (0,)
    found = guess_columns(names, [cells for _, cells in rows[:GUESSED_BY]])
    return tuple(
        guessed.index
        for guessed, column in zip(found, columns, strict=True)
        if guessed.target in PHONE_TARGETS and not column.holds_other_data
    )


def holds_other_data(name: str) -> bool:
    """Whether a column's name shows that the column does not contain telephone numbers."""
    if is_named_as_phone(name):
        return False
    target, _ = TARGET_OF.get(plain_name(name), ("", 0))
    return bool(target and target not in PHONE_TARGETS and target != "do_not_call") or bool(
        _NO_NUMBERS.intersection(words_of(name))
    )


def _may_be_a_number(cell: str, alone: bool) -> bool:
    digits = sum(map(str.isdigit, cell))
    return digits > 0 if alone else digits >= 6


def read_numbers_in(table: Table, chosen: Sequence[int], country: str) -> NumbersRead:
    """Read the numbers in the columns with the indexes `chosen`. Also return each cell in these
    columns that cannot be read as a number, with the cell's line. Empty cells are ignored.

    Each number is returned once, in E.164 format. A date is never read as a number. Numbers that
    are reserved for radio and television drama are accepted too. This does no harm, because these
    numbers belong to nobody.
    """
    read, seen = NumbersRead(), set[str]()
    for line, cells in table.rows:
        for index in chosen:
            cell = cells[index].strip()
            if not cell.strip(' ,;"'):
                continue
            try:
                if key_of(cell) == DATE:
                    raise InvalidPhoneNumberError("not_a_number")
                found = read_numbers(cell, country, allow_drama=True, others_too=True)
            except InvalidPhoneNumberError as refused:
                read.refused.append(RefusedLine(line, cell[:80], refused.message))
                continue
            read.phones += [phone for phone in found if phone not in seen]
            seen.update(found)
    return read
