"""Detects how an uploaded file is written: its encoding, delimiter and quotation marks."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice

from phonebank.csv_input.code_pages import AccentedWords, detect_alphabet
from phonebank.csv_input.file_kinds import SAVE_AS_CSV, detect_other_kind

HEAD_BYTES = 64 * 1024  # the part of a file that `sniff` reads

# If two delimiters fit equally well, the first in this list wins, because cells contain it less
# often.
_DELIMITERS = ("\t", "|", ";", ",")
SEPARATOR_LINE = re.compile(r'\ufeff?"?sep=([,;|\t])"?(?:\r\n|\r|\n)', re.IGNORECASE)
# Ctrl-Z ends a text of DOS programs. In joined files it is in the middle.
END_OF_FILE = "\x1a"
WINDOWS_1252_BYTE = "windows-1252-byte"  # the error handler for bytes that are not UTF-8


class InvalidFileError(ValueError):
    """The error for a file that cannot be used. `reason` is a code; `message` is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class Dialect:
    """The dialect of a file: its encoding, its delimiter and its use of quotation marks."""

    encoding: str  # a Python codec: utf-8, utf-8-sig, utf-16 or one of `code_pages`' ALPHABETS
    delimiter: str
    quotechar: str = '"'
    space_after_delimiter: bool = False  # `"a", "b"`: the space is not part of the cell


def sniff(head: bytes) -> Dialect:
    """Detect how a file is written, from its first HEAD_BYTES.

    Raises InvalidFileError for a file that is empty, has null characters, is not a table saved as
    text, or has accented letters that cannot be read.
    """
    head = head[:HEAD_BYTES]
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise InvalidFileError("empty", "This file is empty.")
    kind = detect_other_kind(head)
    if kind:
        raise InvalidFileError(*kind)
    encoding, text = _decode_head(head)
    text = text.replace(END_OF_FILE, "")
    _check_is_text(text)
    announced = SEPARATOR_LINE.match(text)
    if announced:  # Excel announces its delimiter in this way
        text = text[announced.end() :]
    delimiter = announced[1] if announced else _detect_delimiter(text)
    header = text.split("\n", 1)[0]
    quotechar = "'" if _is_single_quoted(header, delimiter) else '"'
    spaced = f'{delimiter} "' in header and f'{delimiter}"' not in header
    return Dialect(encoding, delimiter, quotechar, spaced)


def _decode_windows_1252_byte(error: UnicodeError) -> tuple[str, int]:
    """Decode as Windows-1252 the bytes that are not UTF-8. The bytes after them are decoded as
    UTF-8 again.

    A file may be plain ASCII for its first 64 kB and then contain one é from an old export. Another
    file may consist of two exports in different encodings. In both cases no row is lost, and
    letters in Windows-1252 are decoded correctly.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(WINDOWS_1252_BYTE, _decode_windows_1252_byte)


def _decode_head(head: bytes) -> tuple[str, str]:
    """Return the file's encoding, and `head` (the first bytes of the file) as text. If `head` ends
    inside a character, this character may be missing or replaced. Raises InvalidFileError if the
    accented letters cannot be read."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", codecs.getincrementaldecoder("utf-16")("replace").decode(head)
    if head.startswith(codecs.BOM_UTF8):
        text = codecs.getincrementaldecoder("utf-8-sig")(WINDOWS_1252_BYTE).decode(head)
        return "utf-8-sig", text
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(head)
    broken = text.count("\ufffd")
    if broken == 0:
        return "utf-8", text
    whole = sum(1 for c in text if c > "\x7f") - broken
    if whole * 10 > broken:  # This is UTF-8 with an older text pasted in, not a coincidence.
        return "utf-8", codecs.getincrementaldecoder("utf-8")(WINDOWS_1252_BYTE).decode(head)
    words = AccentedWords()
    words.add(head)
    alphabet = detect_alphabet(words.old)
    if alphabet is None:
        _check_is_text(head.decode("latin-1"))
        raise unknown_alphabet_error()
    return alphabet, head.decode(alphabet, "replace")


def _check_is_text(text: str) -> None:
    if "\0" in text:
        raise null_characters_error()
    strange = sum(1 for c in text if (c < " " and c not in "\t\n\r\f\v") or c == "\ufffd")
    if strange * 50 > len(text):
        raise InvalidFileError("not_text", f"This is not a CSV file. {SAVE_AS_CSV}")
    if not text.strip("\ufeff \t\r\n"):
        raise InvalidFileError("empty", "This file is empty.")


def unknown_alphabet_error() -> InvalidFileError:
    """Return the error for a file whose accented letters cannot be read."""
    return InvalidFileError(
        "unknown_alphabet",
        "We can't read the accented letters in this file. It was saved in an old format. "
        f"{SAVE_AS_CSV}",
    )


def null_characters_error() -> InvalidFileError:
    """Return the error for a file with null characters."""
    return InvalidFileError(
        "nul_bytes",
        "This file has null characters, so it is damaged or it is not text. Save it again as "
        "“CSV UTF-8”.",
    )


def _detect_delimiter(text: str) -> str:
    """Return the delimiter that fits the file best. A delimiter fits if it splits the header into
    the number of cells that is the most common among the rows. This number must be more than one.
    Only the first hundred rows are read.

    If several delimiters fit, the one that gives more cells in more rows is chosen. If none fits, a
    delimiter that splits many rows into the same number of cells is chosen, or else the comma.
    Commas in addresses would split rows too, but they would not split the header into the same
    number of cells.
    """
    best, best_score = ",", (False, 1.0)
    for delimiter in _DELIMITERS:
        lines = iter(text.splitlines(keepends=True))
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        counts = [len(cells) for cells in islice(reader, 100) if cells]
        if len(counts) > 2:
            counts.pop()  # the last row may be incomplete
        columns, agreeing = Counter(counts).most_common(1)[0] if counts else (0, 0)
        if columns > 1:
            score = (counts[0] == columns, columns * agreeing / len(counts))
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _is_single_quoted(header: str, delimiter: str) -> bool:
    cells = header.strip().split(delimiter)
    return all(len(cell) > 1 and cell[0] == cell[-1] == "'" for cell in cells)
