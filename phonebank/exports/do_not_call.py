"""The do-not-call file: every number on the do-not-call list that is stored as a number. For some
erased people, the list has only a hash of the number, and the file leaves hashes out."""

from collections.abc import Iterator

from sqlalchemy import select

from phonebank.exports.cells import csv_chunks
from phonebank.exports.row_stream import stream_rows
from phonebank.models import Suppression

HEADER = ("phone", "source", "reason", "entered_at")


def do_not_call_file(mark: bool = False) -> Iterator[str]:
    """Return the do-not-call file as pieces of CSV, with the oldest entry first. `csv_chunks`
    explains `mark`. Raises ServiceUnavailableError if this process already sends too many downloads
    (`stream_rows`)."""
    entries = stream_rows(
        select(
            Suppression.phone, Suppression.source, Suppression.reason, Suppression.created_at
        ).order_by(Suppression.created_at, Suppression.phone)
    )
    return csv_chunks(HEADER, entries, mark)
