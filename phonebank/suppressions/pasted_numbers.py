"""Reads do-not-call numbers that an organiser pastes, usually one on each line. Also decodes the
do-not-call files that an organiser uploads."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from phonebank.core.errors import InvalidInputError
from phonebank.csv_input.dialects import (
    END_OF_FILE,
    HEAD_BYTES,
    WINDOWS_1252_BYTE,
    InvalidFileError,
    sniff,
)
from phonebank.phones.e164 import InvalidPhoneNumberError, read_numbers

LINES_AT_MOST = 100_000
BYTES_AT_MOST = 5 * 1024 * 1024


@dataclass(frozen=True)
class RefusedLine:
    """A line, or a cell of a file, that cannot be read as a telephone number. `number` is the
    line's number, counted from 1. `text` has at most 80 characters of the line or cell."""

    number: int
    text: str
    message: str


@dataclass
class NumbersRead:
    """The numbers in a text or a file, and the lines or cells that cannot be read as a number.

    Each number appears once, in E.164 format, in the order of the text or the file.
    """

    phones: list[str] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)


def read_lines(text: str, country: str) -> NumbersRead:
    """Read a text that usually has one number on each line.

    Lines that are empty or have only separators are ignored. A first line without a digit is also
    ignored, because it names the column. Numbers that are reserved for radio and television drama
    are accepted too. This does no harm, because these numbers belong to nobody. Raises
    InvalidInputError for more than LINES_AT_MOST lines.
    """
    lines = text.splitlines()
    if len(lines) > LINES_AT_MOST:
        raise InvalidInputError(
            f"That is {len(lines):,} lines. You can enter at most {LINES_AT_MOST:,} at a time.",
            "Split them and enter each part.",
        )
    read, seen = NumbersRead(), set[str]()
    for number, line in _lines_to_read(lines):
        try:
            found = read_numbers(line, country, allow_drama=True, others_too=True)
        except InvalidPhoneNumberError as refused:
            read.refused.append(RefusedLine(number, line.strip()[:80], refused.message))
            continue
        read.phones += [phone for phone in found if phone not in seen]
        seen.update(found)
    return read


def decode_file(data: bytes) -> str:
    """Return an uploaded file as text. The function detects the encoding from the first bytes of
    the file.

    Raises InvalidInputError if the file is empty or too large, or if it is not readable text: for
    example, if it is a workbook or a picture.
    """
    if len(data) > BYTES_AT_MOST:
        raise InvalidInputError(
            "That file is larger than 5 MB.", "Keep only the column of numbers, or split it."
        )
    try:
        dialect = sniff(data[:HEAD_BYTES])
    except InvalidFileError as refused:
        raise InvalidInputError(refused.message) from None
    faults = WINDOWS_1252_BYTE if dialect.encoding.startswith("utf-8") else "replace"
    return data.decode(dialect.encoding, faults).replace(END_OF_FILE, "")


def _lines_to_read(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, start=1):
        heading = number == 1 and not any(character.isdigit() for character in line)
        if line.strip(' \t,;"') and not heading:
            yield number, line
