"""Reading what an organiser pastes or uploads as do-not-call numbers. Pure."""

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
    """`number` counts lines from 1."""

    number: int
    text: str
    message: str


@dataclass
class NumbersRead:
    """What was found: each number once, in the order given, and the lines that hold none."""

    phones: list[str] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)


def read_lines(text: str, country: str) -> NumbersRead:
    """The numbers in text of one number a line, as E.164. Empty lines are passed over, and so is
    a first line without a digit: a column's name.

    Numbers of the drama ranges are taken too: nobody has them, so it harms nobody.
    Raises InvalidInputError for more than LINES_AT_MOST lines.
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
    """The text of an uploaded file, whatever its encoding.

    Raises InvalidInputError for what is no text (a spreadsheet's own format, a picture) or too
    large.
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
