"""Turns the cells of a workbook into a table of text. This module finds the sheet that has the list
of people, and decides how values are written.

A table is written as the CSV that a spreadsheet would save, with two differences. Dates are always
ISO dates, and numbers are written with all their digits.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, TextIO

from python_calamine import (
    CalamineSheet,
    CalamineWorkbook,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from phonebank.csv_input.column_guesses import guess_columns
from phonebank.csv_input.column_mapping import PHONE_TARGETS
from phonebank.csv_input.column_names import TARGET_OF, plain_name
from phonebank.csv_input.dialects import InvalidFileError
from phonebank.csv_input.workbook_package import too_large_error

MOST_CELLS = 10_000_000  # including empty cells between the first and the last
# A sheet's columns are guessed from this many rows.
SAMPLE_ROWS = 100
# The column names may be in one of this many rows, below a title.
ROWS_BELOW_A_TITLE = 10
# Messages name this many sheets or places.
NAMED = 5


def write_list(workbook: CalamineWorkbook, merged: Iterable[str], out: TextIO) -> None:
    """Find the sheet that has the list of people, and write that sheet to `out` as CSV. A blank row
    becomes a blank line.

    `merged` are the names of an ODS file's sheets that have cells merged across rows. Raises
    InvalidFileError if no sheet has the list, if several sheets may have it, if a sheet is too
    large, or if the list's sheet has cells merged across rows.
    """
    sheet = _sheet_with_list(workbook)
    _check_merged(sheet, set(merged))
    writer = csv.writer(out, lineterminator="\n")
    for cells in _text_rows(sheet):
        if any(cells):
            writer.writerow(cells)
        else:
            out.write("\n")


def cell_text(value: Any) -> str:
    """Return a cell's value as text, such as "447700900123", "2026-11-29" or "TRUE". Return "" for
    an empty cell."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e21:
            return str(int(value))
        return format(Decimal(repr(value)), "f")
    if isinstance(value, dt.datetime):
        whole_day = value.time() == dt.time()
        return value.date().isoformat() if whole_day else value.isoformat(" ", "seconds")
    if isinstance(value, dt.time):
        return value.isoformat("seconds")
    return "" if value is None else str(value)


def _text_rows(sheet: CalamineSheet) -> Iterator[list[str]]:
    for row in sheet.iter_rows():
        yield [value if type(value) is str else cell_text(value) for value in row]


def _sheet_with_list(workbook: CalamineWorkbook) -> CalamineSheet:
    """Return the only sheet with a column of phone numbers. If no sheet has such a column, return
    the only sheet with cells. Hidden sheets do not count. Raises InvalidFileError if several sheets
    have such a column, or if a sheet is too large. If no sheet has such a column, also raises
    InvalidFileError unless exactly one sheet has cells."""
    filled: list[CalamineSheet] = []
    found: list[CalamineSheet] = []
    for place, shown in enumerate(workbook.sheets_metadata):
        if not _is_shown(shown):
            continue
        sheet = workbook.get_sheet_by_index(place)
        last_row, last_column = sheet.end or (0, 0)
        if (last_row + 1) * (last_column + 1) > MOST_CELLS:
            raise too_large_error()
        first_rows = [row for row in islice(_text_rows(sheet), SAMPLE_ROWS) if any(row)]
        if first_rows:
            filled.append(sheet)
        if first_rows and _has_phones(first_rows):
            found.append(sheet)
    if len(found) > 1:
        raise InvalidFileError(
            "several_sheets",
            f"{len(found)} sheets of this workbook have phone numbers: {_name_sheets(found)}. Keep "
            "the one with the people to call, delete or hide the others, and upload it again.",
        )
    if found or len(filled) == 1:
        return (found or filled)[0]
    if filled:
        raise InvalidFileError(
            "no_phone_column",
            f"No sheet of this workbook has a column of phone numbers: {_name_sheets(filled)}. "
            "If there is such a column, name it “Phone” and upload the workbook again.",
        )
    raise InvalidFileError("empty", "This workbook is empty. Hidden sheets are not read.")


def _is_shown(sheet: SheetMetadata) -> bool:
    return sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible


def _has_phones(rows: Sequence[Sequence[str]]) -> bool:
    """Whether a table has a column of phone numbers. The column names may be below a title."""
    if any(guess.target in PHONE_TARGETS for guess in guess_columns(rows[0], rows[1:])):
        return True
    names = (plain_name(cell) for row in rows[:ROWS_BELOW_A_TITLE] for cell in row)
    return any(TARGET_OF.get(name, ("",))[0] in PHONE_TARGETS for name in names)


def _check_merged(sheet: CalamineSheet, merged: set[str]) -> None:
    """Raise InvalidFileError if the sheet has cells that are merged across rows. Each row describes
    one person, so it is not clear to which person such a cell belongs."""
    places = [
        f"{_cell_name(*first)}:{_cell_name(*last)}"
        for first, last in sheet.merged_cell_ranges or ()
        if last[0] > first[0] and sheet.end and first[0] <= sheet.end[0]
    ]
    if not places and sheet.name not in merged:
        return
    where = f" ({_some_of(places)})" if places else ""
    raise InvalidFileError(
        "merged_cells",
        f"The sheet “{sheet.name[:40]}” has cells that are merged across rows{where}, so we can't "
        "tell which person they belong to. Unmerge them, fill in each row, and upload it again.",
    )


def _cell_name(row: int, column: int) -> str:
    letters, left = "", column + 1
    while left:
        left, letter = divmod(left - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row + 1}"


def _name_sheets(sheets: Sequence[CalamineSheet]) -> str:
    return _some_of([f"“{sheet.name[:40]}”" for sheet in sheets])


def _some_of(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
