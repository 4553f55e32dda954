"""The jobs that make a file, make it again if its worker was lost, and erase old files."""

import logging
import traceback
from collections.abc import Iterator

from psycopg import Connection

from phonebank.core.db import db
from phonebank.core.jobs import CHORES, IMPORTS, enqueue, job
from phonebank.exports import files
from phonebank.exports.calls import calls_table
from phonebank.exports.canvass import canvass_table
from phonebank.exports.cells import joined, safe_text
from phonebank.exports.inbox import inbox_table
from phonebank.exports.people import people_table
from phonebank.exports.tables import Table
from phonebank.models import Campaign, Export, ExportKind

log = logging.getLogger(__name__)

TABLES = {
    ExportKind.CALLS: calls_table,
    ExportKind.PEOPLE: people_table,
    ExportKind.CANVASS: canvass_table,
    ExportKind.INBOX: inbox_table,
}
# A piece is about 600 kB. A worker holds one or two of them, however long the file is.
ROWS_A_PIECE = 3_000
LINE_END = "\r\n"


class ExportFailedError(Exception):
    """The error that a job raises if it cannot make a file. It replaces the error that was the
    cause. Its message is the name of that error's class, and contains no data from the file's
    rows."""


@job(IMPORTS, timeout=60 * 60)
def make_export(export_id: int) -> None:
    """Make the file that an organiser asked for. If the file is not waiting to be made, do nothing.
    Raises ExportFailedError if the file cannot be made."""
    export = files.begin(export_id)
    db.session.commit()
    if export is None:
        return
    db.session.refresh(export)
    try:
        _write(export)
        files.finish(export)
    except files.SupersededError:
        db.session.rollback()
        return
    except Exception as error:
        # A database error quotes the row that caused it. That row must not get into the log or
        # Redis.
        kind, where = type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
        log.error("export %s broke: %s\n%s", export_id, kind, where)
        db.session.rollback()
        raise ExportFailedError(kind) from None
    db.session.commit()


@job(CHORES, timeout=60)
def look_after_exports() -> None:
    """Erase old files. If a file's worker was probably lost, put the file into the job queue
    again."""
    erased = files.erase_old()
    waiting = files.put_back_stalled()
    db.session.commit()
    if erased:
        log.info("%s files were erased", erased)
    for export_id in waiting:
        enqueue(make_export, export_id)


def _write(export: Export) -> None:
    campaign = db.session.get_one(Campaign, export.campaign_id)
    table = TABLES[export.kind](campaign, export.since)
    db.session.expunge(export)
    for number, (data, rows) in enumerate(_pieces(table, export)):
        files.add_piece(export, number, data, rows)
        db.session.commit()


def _pieces(table: Table, export: Export) -> Iterator[tuple[bytes, int]]:
    """Yield the file in pieces, each with its number of rows.

    One COPY statement reads all rows over a separate connection. So the whole file shows the
    database as it was at one moment. PostgreSQL sends rows only as fast as this function reads
    them.
    """
    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, Connection)  # noqa: S101
        cursor = driver.cursor()
        total = cursor.execute(table.count.encode(), table.values).fetchone()
        files.set_total(export, total[0] if total else 0)
        db.session.commit()
        lines = [joined(map(safe_text, table.header))]
        statement = f"COPY ({table.query}) TO STDOUT (FORMAT text, NULL '')"
        with cursor.copy(statement.encode(), table.values) as copy:
            for row in copy:
                lines.append(table.lines(str(row, "utf-8")[:-1]))
                if len(lines) > ROWS_A_PIECE:
                    yield _joined(lines), len(lines) - 1
                    lines = [""]
        # The first of `lines` is the header or, in a later piece, an empty placeholder. It is not
        # counted as a row.
        yield _joined(lines), len(lines) - 1


def _joined(lines: list[str]) -> bytes:
    kept = lines if lines[0] else lines[1:]
    return "".join(line + LINE_END for line in kept).encode()
