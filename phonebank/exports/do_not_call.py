"""The do-not-call file: every number that nobody rings again."""

from collections.abc import Iterator

from sqlalchemy import select

from phonebank.exports.cells import csv_chunks
from phonebank.exports.row_stream import stream_rows
from phonebank.models import Suppression

HEADER = ("phone", "source", "reason", "entered_at")


def do_not_call_file(mark: bool = False) -> Iterator[str]:
    """The whole list as CSV, oldest entry first, in pieces; see `csv_chunks` for `mark`."""
    entries = stream_rows(
        select(
            Suppression.phone, Suppression.source, Suppression.reason, Suppression.created_at
        ).order_by(Suppression.created_at, Suppression.phone)
    )
    return csv_chunks(HEADER, entries, mark)
