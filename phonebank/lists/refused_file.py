"""Exports a list's refused rows as a file that an organiser can correct and upload again."""

from collections.abc import Iterator

from sqlalchemy import select

from phonebank.exports.cells import csv_chunks
from phonebank.exports.row_stream import stream_rows
from phonebank.models import ContactList, RefusedRow

ROW = "Row in the file you uploaded"
WHY = "Why it was not stored"


def refused_rows_file(contact_list: ContactList) -> Iterator[str]:
    """Yield the file in pieces of CSV text, with the same delimiter as the uploaded file.

    The row number and the reason come before the row's own cells. If they came last, they would be
    in the wrong columns whenever a row has too many cells.
    """
    query = (
        select(RefusedRow.row_number, RefusedRow.message, RefusedRow.cells)
        .where(RefusedRow.contact_list_id == contact_list.id)
        .order_by(RefusedRow.row_number)
    )
    rows = ([row.row_number, row.message, *row.cells] for row in stream_rows(query))
    header = [ROW, WHY, *contact_list.headers]
    return csv_chunks(header, rows, mark=True, delimiter=contact_list.dialect["delimiter"])
