"""Stores each uploaded file in pieces. While a file is being stored, it is checked for reasons to
refuse it. The pieces are kept until the import ends, or until the upload is undone or deleted.

The pieces are stored in the database and not on a disk, so that any worker on any machine can read
them.
"""

from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import islice
from typing import BinaryIO

from sqlalchemy import delete, insert, select

from phonebank.core.db import db
from phonebank.core.erased import refuse_erased
from phonebank.csv_input.code_pages import WINDOWS, AccentedWords, detect_alphabet
from phonebank.csv_input.column_guesses import ColumnGuess, guess_columns
from phonebank.csv_input.column_mapping import PHONE_TARGETS
from phonebank.csv_input.column_names import TARGET_OF, plain_name
from phonebank.csv_input.dialects import unknown_alphabet_error
from phonebank.csv_input.rows import HEAD_BYTES, Dialect, InvalidFileError, Row, read_rows, sniff
from phonebank.csv_input.workbooks import DIALECT as WORKBOOK_DIALECT
from phonebank.csv_input.workbooks import is_package, open_as_csv
from phonebank.lists.screening import begin_unscreened
from phonebank.models import Campaign, ContactList, ListPurpose, UploadChunk

CHUNK = 1024 * 1024  # bytes

# If there is a title above the column names, the names are searched for in this many rows.
ROWS_BELOW_A_TITLE = 10
# The guesses about columns use this many rows.
SAMPLE_ROWS = 100
# The message about a missing column of phone numbers quotes this many column names.
COLUMNS_NAMED = 8


class SupersededError(Exception):
    """The error that stops the reading of a file, because the result is no longer needed or the
    file has changed. For example, an organiser has undone the upload, another worker is importing
    the file, or a person was erased from the file."""


def store_upload(
    campaign: Campaign,
    account_id: int | None,
    filename: str,
    file: BinaryIO,
    reason: str = "",
) -> ContactList:
    """Store a file as a list whose columns are not confirmed yet.

    Of a workbook, only the sheet with the people is stored, as CSV text. The function reads the
    whole file once, one piece at a time, to count the rows and to find any reason to refuse the
    file. The calling code commits. If the file is refused, the calling code rolls back, so that
    nothing of the file stays stored. If the file names people who are no longer to be called,
    `reason` is a key of `take_out.REASONS`. Otherwise `reason` is "".

    Raises InvalidFileError if the file is refused, and ConflictError if the campaign's people have
    been erased.
    """
    refuse_erased(campaign)
    head = file.read(CHUNK)
    contact_list = ContactList(
        campaign_id=campaign.id,
        created_by_id=account_id,
        purpose=ListPurpose.TAKE_OUT if reason else ListPurpose.CALL,
        reason=reason,
        name=_list_name(filename),
        filename=filename[-255:],
    )
    if not reason:
        begin_unscreened(contact_list, campaign)
    if not is_package(head):
        return _store(contact_list, head, file, sniff(head[:HEAD_BYTES]))
    with open_as_csv(head, file) as table:
        return _store(contact_list, table.read(CHUNK), table, WORKBOOK_DIALECT)


def _store(contact_list: ContactList, head: bytes, file: BinaryIO, dialect: Dialect) -> ContactList:
    contact_list.dialect = asdict(dialect)
    db.session.add(contact_list)
    db.session.flush()
    words = AccentedWords()
    rows = read_rows(_store_chunks(contact_list, head, file, words), dialect)
    contact_list.headers = next(rows).cells
    first_rows = list(islice(rows, ROWS_BELOW_A_TITLE))
    _check_for_title_row(contact_list.headers, first_rows)
    contact_list.rows_total = len(first_rows) + sum(1 for _ in rows)
    contact_list.dialect = asdict(_settle_alphabet(dialect, words))
    if contact_list.purpose == ListPurpose.TAKE_OUT:
        return contact_list  # a file that takes people out needs no numbers: IDs are enough
    if not any(guessed.target in PHONE_TARGETS for guessed in guesses_of(contact_list)):
        raise InvalidFileError(
            "no_phone_column",
            "We found no column of phone numbers in this file. Its columns are "
            f"{_list_names(contact_list.headers)}. If one of them has phone numbers, name it "
            "“Phone” and upload the file again.",
        )
    return contact_list


def rows_of(contact_list: ContactList) -> Iterator[Row]:
    """Return the rows of a stored file in order, starting with the header."""
    return read_rows(chunks_of(contact_list.id), Dialect(**contact_list.dialect))


def guesses_of(contact_list: ContactList) -> list[ColumnGuess]:
    """Guess what each column of a stored file contains."""
    samples = islice(rows_of(contact_list), 1, 1 + SAMPLE_ROWS)
    return guess_columns(contact_list.headers, [row.cells for row in samples])


def chunks_of(contact_list_id: int) -> Iterator[bytes]:
    """Yield the pieces of a stored file, in order. If a person is erased from the file in the
    meantime, all pieces are replaced by new ones. Raises SupersededError instead of yielding a new
    piece after an old one."""
    number, first_version = 0, None
    while True:
        query = (
            select(UploadChunk.data, ContactList.file_version)
            .join(ContactList, ContactList.id == UploadChunk.contact_list_id)
            .where(UploadChunk.contact_list_id == contact_list_id, UploadChunk.number == number)
        )
        piece = db.session.execute(query).one_or_none()
        if piece is None:
            return
        data, version = piece
        if first_version not in (None, version):
            raise SupersededError
        first_version = version
        yield data
        number += 1


def discard(contact_list_id: int) -> None:
    """Delete a stored file. Its list stays."""
    db.session.execute(delete(UploadChunk).where(UploadChunk.contact_list_id == contact_list_id))


def _check_for_title_row(headers: list[str], first_rows: list[Row]) -> None:
    """Raise InvalidFileError if the column names are not in the first row but in a later row, below
    a title."""
    if any(plain_name(header) in TARGET_OF for header in headers):
        return
    # If the title is a single cell, one known name is enough: "Number, Result".
    enough = 1 if len(headers) == 1 else 2
    for row in first_rows:
        known = sum(plain_name(cell) in TARGET_OF for cell in row.cells)
        if known >= enough and sum(map(bool, row.cells)) > 1:
            raise InvalidFileError(
                "title_line",
                f"Row {row.number} names the columns, and there is a title above it. Delete the "
                "rows above it and upload the file again.",
            )


def _settle_alphabet(dialect: Dialect, words: AccentedWords) -> Dialect:
    """Return the file's dialect (how its text is written) with the right character encoding. Call
    this after the whole file has been read, because only then is the encoding certain.

    Raises InvalidFileError if the encoding cannot be recognised, or if the file mixes UTF-8 with an
    encoding other than WINDOWS.
    """
    if dialect.encoding != "utf-8":
        return dialect
    alphabet = detect_alphabet(words.old)
    if alphabet == WINDOWS:
        return dialect
    if alphabet is None or words.has_utf_8:
        raise unknown_alphabet_error()
    return replace(dialect, encoding=alphabet)


def _store_chunks(
    contact_list: ContactList, head: bytes, file: BinaryIO, words: AccentedWords
) -> Iterator[bytes]:
    """Store each piece of a file, and yield the piece. Also count the bytes of the piece in
    `bytes_total`, and collect its words with accented letters in `words`."""
    data, number = head, 0
    while data:
        words.add(data)
        db.session.execute(
            insert(UploadChunk).values(contact_list_id=contact_list.id, number=number, data=data)
        )
        contact_list.bytes_total += len(data)
        yield data
        data, number = file.read(CHUNK), number + 1


def _list_name(filename: str) -> str:
    """Return the name for a new list: the file's name without its extension, in at most 120
    characters. If the file has no name, return “Upload”. An organiser may change the list's name
    later."""
    return filename.rpartition(".")[0][:120] or filename[:120] or "Upload"


def _list_names(headers: list[str]) -> str:
    named = ", ".join(header.strip()[:40] for header in headers[:COLUMNS_NAMED])
    more = len(headers) - COLUMNS_NAMED
    return f"{named} and {more} more" if more > 0 else named
