"""Reads the rows of an uploaded file one at a time, in constant memory.

The file arrives in pieces and is never in memory as a whole. This module reads what spreadsheets
and campaigns' databases write. The encoding may be UTF-8, UTF-16 or an older one. The delimiter may
be a comma, semicolon, tab or bar. Line endings may be mixed, and cells may contain line breaks.

Only blank rows are dropped silently. A row with too many cells, or with a quotation mark that is
never closed, is read and marked as having a fault. If something is wrong with the whole file, the
file is refused with a reason.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from phonebank.csv_input.cells import tidy_email
from phonebank.csv_input.dialects import (
    END_OF_FILE,
    HEAD_BYTES,
    SEPARATOR_LINE,
    WINDOWS_1252_BYTE,
    Dialect,
    InvalidFileError,
    null_characters_error,
    sniff,
)
from phonebank.csv_input.file_kinds import SAVE_AS_CSV

__all__ = ["HEAD_BYTES", "Dialect", "InvalidFileError", "Row", "read_rows", "sniff"]

MOST_COLUMNS = 150
LONGEST_COLUMN_NAME = 200  # characters; some surveys name a column by its whole question
LONGEST_LINE = 1_000_000  # characters; this is also the limit of a row, with its quoted line breaks

EXTRA_CELLS = "extra_cells"  # more cells than the header: one of them has an unquoted delimiter
UNCLOSED_QUOTE = "unclosed_quote"  # a quotation mark opens a cell and none closes it

# The limit applies to the whole process. The csv module's default limit is a tenth of LONGEST_LINE.
csv.field_size_limit(LONGEST_LINE)


class Row(NamedTuple):
    """One row. `number` is the row's number in a spreadsheet: blank rows count, and line breaks in
    cells do not.

    A row that `read_rows` yields without a fault has as many `cells` as the header. `fault` is
    None, EXTRA_CELLS (the row has more cells than the header) or UNCLOSED_QUOTE.
    """

    number: int
    cells: list[str]
    fault: str | None = None


def read_rows(chunks: Iterable[bytes], dialect: Dialect) -> Iterator[Row]:
    """Yield the header and then every row that is not blank.

    At any time, only one of the `chunks` and the text of one row are in memory. After a quotation
    mark that is never closed, the next rows are in memory too, up to a million characters. Raises
    InvalidFileError if the file is empty, if the header is missing, faulty or too wide, or if there
    are no rows below the header. Also raises InvalidFileError at a line that has null characters or
    more than a million characters.
    """
    header: Row | None = None
    width = rows = 0
    for row in _read_records(_Lines(chunks, dialect.encoding), dialect):
        cells = row.cells
        if not "".join(cells).strip():
            continue
        if header is None:
            header = _check_header(row)
            width = len(header.cells)
            yield header
            continue
        rows += 1
        if len(cells) < width:
            cells.extend([""] * (width - len(cells)))
        elif len(cells) > width:
            row = _strip_blank_tail(row, width)
        yield row
    if header is None:
        raise InvalidFileError("empty", "This file is empty.")
    if not rows:
        raise InvalidFileError("header_only", "This file has column names but no rows below them.")


def read_record_texts(chunks: Iterable[bytes], dialect: Dialect) -> Iterator[tuple[Row, str]]:
    """Yield each row of a file together with its text in the file. The header and blank rows are
    included. The texts of all rows make up the whole file, except for parts that spreadsheets do
    not show, such as a first line "sep=;". Raises InvalidFileError at a line that has null
    characters or more than a million characters."""
    lines = _Lines(chunks, dialect.encoding)
    for row in _read_records(lines, dialect):
        yield row, "".join(lines.record)


def _check_header(row: Row) -> Row:
    """Check the header, drop the empty columns on its right, and shorten very long column names.
    Raises InvalidFileError if the header has an unclosed quotation mark or too many columns. Also
    raises InvalidFileError if a cell looks like a telephone number or an e-mail address, because
    then the row describes a person."""
    cells = row.cells
    while not cells[-1].strip():
        cells.pop()
    if row.fault:
        raise InvalidFileError(
            UNCLOSED_QUOTE,
            f"Row {row.number}, the column names, has a quotation mark that is never closed. Close "
            "it, and upload the file again.",
        )
    if len(cells) > MOST_COLUMNS:
        raise InvalidFileError(
            "too_many_columns",
            f"This file has {len(cells)} columns. We can read at most {MOST_COLUMNS}. Delete "
            "the columns your callers do not need.",
        )
    if any(_PHONE_LIKE.fullmatch(cell) or tidy_email(cell) for cell in cells):
        raise InvalidFileError(
            "no_header",
            f"Row {row.number} should name the columns, but it has a person in it. Add a row above "
            "it with names such as First name, Last name, Phone.",
        )
    shortened = [
        cell if len(cell) <= LONGEST_COLUMN_NAME else cell[: LONGEST_COLUMN_NAME - 1] + "…"
        for cell in cells
    ]
    return Row(row.number, shortened)


_PHONE_LIKE = re.compile(r"(?:[\s().-]*[0-9+]){9,20}[\s().-]*")


def _strip_blank_tail(row: Row, width: int) -> Row:
    cells = row.cells
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    if len(cells) == width or row.fault:
        return row
    return Row(row.number, cells, EXTRA_CELLS)


class _Chunks(io.RawIOBase):
    """A raw stream of the pieces of a file, for Python's decoders."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        target = memoryview(buffer).cast("B")
        size = min(len(target), len(self._rest))
        target[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


class _RowTooLongError(Exception):
    pass


class _Lines:
    """An iterator over the lines of a file. `record` holds the lines that the CSV reader has read
    for the current row. If an unclosed quotation mark joined several rows, the lines can be put
    back and read again."""

    def __init__(self, chunks: Iterable[bytes], encoding: str) -> None:
        errors = WINDOWS_1252_BYTE if encoding.startswith("utf-8") else "replace"
        self._text = io.TextIOWrapper(
            io.BufferedReader(_Chunks(chunks), HEAD_BYTES), encoding, errors, newline=""
        )
        self._put_back: deque[str] = deque()
        self.record: list[str] = []
        self.ended = False
        self._size = 0
        first = self._text.readline(LONGEST_LINE + 1)
        if not SEPARATOR_LINE.fullmatch(first):  # "sep=;" is not a row, and Excel does not show it
            self._put_back.append(first)

    def begin_record(self) -> None:
        """Start a new row, for which no lines have been read yet."""
        self.record = []
        self._size = 0

    def put_back(self, lines: list[str]) -> None:
        """Put lines back at the front of the file, so that they are read again."""
        self._put_back.extendleft(reversed(lines))
        self.ended = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        put_back = self._put_back
        line = put_back.popleft() if put_back else self._text.readline(LONGEST_LINE + 1)
        while END_OF_FILE in line:
            line = line.replace(END_OF_FILE, "") or self._text.readline(LONGEST_LINE + 1)
        if not line:
            self.ended = True
            raise StopIteration
        if len(line) > LONGEST_LINE:
            raise InvalidFileError(
                "line_too_long",
                "This file has a line of more than a million characters, so it is probably not a "
                f"list with a row for each person. {SAVE_AS_CSV}",
            )
        if "\0" in line:
            raise null_characters_error()
        self._size += len(line)
        if self._size > LONGEST_LINE:
            self.put_back([line])
            raise _RowTooLongError
        self.record.append(line)
        return line


def _read_records(lines: _Lines, dialect: Dialect) -> Iterator[Row]:
    strict = _csv_reader(lines, dialect, strict=True)
    number = 0
    while True:
        number += 1
        lines.begin_record()
        try:
            yield Row(number, next(strict))
        except StopIteration:
            return
        except (csv.Error, _RowTooLongError) as error:
            yield _salvage_row(number, lines, dialect, error)


def _salvage_row(number: int, lines: _Lines, dialect: Dialect, error: Exception) -> Row:
    """Read a row with a misplaced quotation mark in such a way that no row after it is lost.

    `"Bob" Smith` means Bob Smith, as in spreadsheets. If a quotation mark opens a cell and is never
    closed, the cell would contain the next rows. In that case, and also if a quotation mark is
    misplaced in a row of several lines, only the first line is returned as a row, with a fault. The
    lines after it are read again.
    """
    never_closed = lines.ended or isinstance(error, _RowTooLongError)
    if len(lines.record) == 1 and not never_closed:
        lines.put_back(lines.record)
        lines.begin_record()
        try:
            cells = next(_csv_reader(lines, dialect, strict=False))
        except _RowTooLongError:
            pass
        else:
            if not lines.ended:
                return Row(number, cells)
    first, *others = lines.record
    lines.put_back(others)
    lines.record = [first]
    return Row(number, next(_csv_reader(iter([first]), dialect, strict=False)), UNCLOSED_QUOTE)


def _csv_reader(lines: Iterator[str], dialect: Dialect, strict: bool) -> Iterator[list[str]]:
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quotechar,
        skipinitialspace=dialect.space_after_delimiter,
        strict=strict,
    )
