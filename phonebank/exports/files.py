"""The files that organisers ask for. A job makes each file and stores it piece by piece. An
organiser downloads the file, and later another job erases the file.

The calling code commits.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, GoneError, NotFoundError
from phonebank.models import Account, Campaign, Export, ExportKind, ExportPiece, ExportState, now

# A file with names and numbers is erased this long after it was made.
KEPT_FOR = timedelta(days=1)
# A file without a new piece for this long has lost its worker. A worker stores several pieces a
# second, but PostgreSQL may need half a minute before the first.
STALLED_AFTER = timedelta(minutes=1)
# A file fails if workers have started it this many times without success, because then the fault is
# in the file.
TRIES_AT_MOST = 5
# A campaign keeps this many of its newest files. Older ones are erased.
KEPT_AT_MOST = 20
UNDER_WAY = (ExportState.WAITING, ExportState.WORKING)


class SupersededError(Exception):
    """The error that stops a worker that must not go on making its file. The file was erased, or
    another worker has begun to make it again, or `put_back_stalled` found that it had made no
    progress."""


class CutOffError(Exception):
    """The error that ends a download if its file is erased while the download is running."""


def ask_for(
    campaign: Campaign, account: Account, kind: ExportKind, since: datetime | None
) -> tuple[Export, bool]:
    """Ask for a file. Return the file, and whether this function created it.

    If the campaign has a file of the same kind and with the same `since` that is waiting or being
    made, return that file instead of a new one. If such a file is finished just before this
    function can return it, the function tries again. Raises ConflictError after three tries.
    """
    new = (
        insert(Export)
        .values(
            campaign_id=campaign.id,
            created_by_id=account.id,
            kind=kind,
            since=since,
            state=ExportState.WAITING,
            rows_total=0,
            rows_written=0,
            bytes_written=0,
            tries=0,
            progress_at=now(),
            created_at=now(),
        )
        .on_conflict_do_nothing()
        .returning(Export.id)
    )
    same = select(Export).where(
        Export.campaign_id == campaign.id,
        Export.kind == kind,
        Export.since.is_not_distinct_from(since),
        Export.state.in_(UNDER_WAY),
    )
    for _ in range(3):
        export_id = db.session.scalar(new)
        if export_id is not None:
            return db.session.get_one(Export, export_id), True
        if export := db.session.scalar(same):
            return export, False
    raise ConflictError("This file is just being finished.", "Reload the page to see it.")


def exports_of(campaign: Campaign) -> Sequence[Export]:
    """Return the campaign's KEPT_AT_MOST newest files, newest first. The result also includes files
    that are not ready, have failed or were erased."""
    query = select(Export).where(Export.campaign_id == campaign.id)
    return db.session.scalars(query.order_by(Export.id.desc()).limit(KEPT_AT_MOST)).all()


def export_for(campaign: Campaign, export_id: int) -> Export:
    """Return a file that can be downloaded now. Raises NotFoundError if the campaign has no such
    file. Raises ConflictError if the file is not ready yet. Raises GoneError if the file was
    erased, is too old (`is_over`) or could not be made."""
    export = db.session.get(Export, export_id)
    if export is None or export.campaign_id != campaign.id:
        raise NotFoundError("There is no such file.", "Go back to the downloads.")
    if export.state in UNDER_WAY:
        raise ConflictError("This file is not ready yet.", "Go back, and wait until it is.")
    if export.state == ExportState.FAILED:
        raise GoneError(
            "This file could not be made.", "Go back to the downloads and make it again."
        )
    if export.state != ExportState.READY or is_over(export):
        raise GoneError(
            "This file was erased, because it has people's names and numbers.",
            "Go back to the downloads and make a new one.",
        )
    return export


def is_over(export: Export) -> bool:
    """Whether the file was finished at least KEPT_FOR ago, even if no job has erased the file
    yet."""
    return export.finished_at is not None and export.finished_at + KEPT_FOR <= now()


def begin(export_id: int) -> Export | None:
    """Mark a waiting file as being made, erase the pieces of any earlier try, and return the file.
    If the file is not waiting, change nothing and return None."""
    begun = db.session.scalar(
        update(Export)
        .where(Export.id == export_id, Export.state == ExportState.WAITING)
        .values(
            state=ExportState.WORKING,
            tries=Export.tries + 1,
            rows_written=0,
            bytes_written=0,
            progress_at=now(),
        )
        .returning(Export)
        .execution_options(populate_existing=True)
    )
    if begun is None:
        return None
    # The pieces of an earlier worker are deleted, because the rows may have changed since.
    _erase_pieces(export_id)
    return begun


def set_total(export: Export, rows: int) -> None:
    """Store how many rows the file will have. Raises SupersededError in the same cases as
    `add_piece`."""
    _advance(export, rows_total=rows)


def add_piece(export: Export, number: int, data: bytes, rows: int) -> None:
    """Store one piece of a file. `number` is the piece's number, counted from 0. `data` is CSV, and
    `rows` is the number of rows in it, without the header. Raises SupersededError if this worker
    must not go on making the file."""
    _advance(
        export,
        rows_written=Export.rows_written + rows,
        bytes_written=Export.bytes_written + len(data),
    )
    db.session.execute(insert(ExportPiece).values(export_id=export.id, number=number, data=data))


def finish(export: Export) -> None:
    """Mark a file as ready. Raises SupersededError in the same cases as `add_piece`."""
    _advance(export, state=ExportState.READY, finished_at=now())


def put_back_stalled() -> Sequence[int]:
    """Mark as waiting again each file that is waiting or being made, but has made no progress for
    STALLED_AFTER. Its worker or its job is then probably lost. Another worker can then make the
    file. Return the ids of these files.

    A file that workers have already begun to make TRIES_AT_MOST times is marked as failed instead.
    """
    stalled = (Export.state.in_(UNDER_WAY), Export.progress_at < now() - STALLED_AFTER)
    hopeless = update(Export).where(*stalled, Export.tries >= TRIES_AT_MOST)
    failed = hopeless.values(state=ExportState.FAILED, finished_at=now()).returning(Export.id)
    for export_id in db.session.scalars(failed).all():
        _erase_pieces(export_id)
    again = update(Export).where(*stalled).values(state=ExportState.WAITING, progress_at=now())
    return db.session.scalars(again.returning(Export.id)).all()


def erase_old() -> int:
    """Erase the files that were finished more than KEPT_FOR ago. Of each campaign's finished files,
    keep only the KEPT_AT_MOST newest, and erase the others. Return how many files were erased."""
    rank = func.row_number().over(partition_by=Export.campaign_id, order_by=Export.id.desc())
    ready = select(Export.id, Export.finished_at, rank.label("rank")).where(
        Export.state == ExportState.READY
    )
    among = ready.subquery()
    old = select(among.c.id).where(
        (among.c.finished_at < now() - KEPT_FOR) | (among.c.rank > KEPT_AT_MOST)
    )
    return _erase(Export.id.in_(old), Export.state == ExportState.READY)


def erase_files_of(campaign_id: int) -> int:
    """Erase every file of a campaign, including the files that are being made. This is necessary,
    for example, when a person who may be in the files is erased.

    Return how many files were erased. A worker that is writing one of the files stops before the
    next piece.
    """
    return _erase(
        Export.campaign_id == campaign_id, Export.state.in_((*UNDER_WAY, ExportState.READY))
    )


def pieces_of(engine: Engine, export_id: int, length: int) -> Iterator[bytes]:
    """Yield the pieces of a file of `length` bytes. Each piece is read over a database connection
    that is released before the piece is yielded. Raises CutOffError if the file is erased before
    the last piece is read."""
    number = 0
    while length > 0:
        piece = select(ExportPiece.data).where(
            ExportPiece.export_id == export_id, ExportPiece.number == number
        )
        with engine.connect() as connection:
            data = connection.scalar(piece)
        if data is None:
            raise CutOffError
        yield data
        length -= len(data)
        number += 1


def _advance(export: Export, **values: object) -> None:
    """Update the database row of a file that this worker is making. Raises SupersededError if this
    worker must not go on making the file."""
    mine = update(Export).where(
        Export.id == export.id,
        Export.state == ExportState.WORKING,
        Export.tries == export.tries,
    )
    changed = mine.values(progress_at=now(), **values).returning(Export.id)
    unread = changed.execution_options(synchronize_session=False)
    if db.session.scalar(unread) is None:
        raise SupersededError


def _erase(*which: object) -> int:
    erased = update(Export).where(*which).values(state=ExportState.ERASED)  # type: ignore[arg-type]
    ids = db.session.scalars(erased.returning(Export.id)).all()
    if ids:
        db.session.execute(delete(ExportPiece).where(ExportPiece.export_id.in_(ids)))
    return len(ids)


def _erase_pieces(export_id: int) -> None:
    db.session.execute(delete(ExportPiece).where(ExportPiece.export_id == export_id))
