"""The do-not-call file: every number on the do-not-call list, except hashed numbers of erased
people."""

from collections.abc import Iterator

from sqlalchemy import select

from phonebank.exports.cells import csv_chunks
from phonebank.exports.row_stream import stream_rows
from phonebank.models import Suppression

HEADER = ("phone", "source", "reason", "entered_at")


def do_not_call_file(mark: bool = False) -> Iterator[str]:
    """Return the unhashed numbers of the do-not-call list as pieces of CSV, oldest entry first.
    `csv_chunks` explains `mark`."""
    entries = stream_rows(
        select(
            Suppression.phone, Suppression.source, Suppression.reason, Suppression.created_at
        ).order_by(Suppression.created_at, Suppression.phone)
    )
    return csv_chunks(HEADER, entries, mark)
