"""Stores do-not-call files for review. After the review, a file's numbers are put on the
do-not-call list, or the file is deleted.

The calling code commits. `file_reader` finds the numbers in the files.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, select

from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.core.locks import get_locked
from phonebank.models import Account, BatchState, SuppressionBatch, SuppressionOrigin, now
from phonebank.suppressions.batches import AT_ONCE, suppress_batch

# A file whose numbers are not on the list is personal data without a use, so it is deleted after
# this time.
UNENTERED_FOR = timedelta(days=1)


def store_file(
    data: bytes, filename: str, country: str, reason: str, account_id: int
) -> SuppressionBatch:
    """Store a do-not-call file, so that an organiser can review which numbers it would put on the
    list.

    `country` is an ISO 3166-1 code. Numbers without a country code are read as numbers of that
    country.
    """
    batch = SuppressionBatch(
        source=SuppressionOrigin.ORGANISER,
        reason=reason,
        filename=filename[-255:] or "numbers",
        country=country,
        data=data,
        state=BatchState.UPLOADED,
        account_id=account_id,
    )
    db.session.add(batch)
    db.session.flush()
    return batch


def enter_file(batch_id: int, phones: Sequence[str], columns: list[int]) -> None:
    """Put the numbers from a file on the do-not-call list, after an organiser has confirmed the
    file.

    `phones` are in E.164 format, and `columns` are the indexes of the columns that contained these
    numbers. Raises ConflictError if the file's numbers were put on the list before, or if the file
    has been deleted.
    """
    batch = get_locked(SuppressionBatch, batch_id)
    if batch is None or batch.state != BatchState.UPLOADED:
        raise ConflictError(
            "This file's numbers were put on the list before, or the file was deleted.",
            "Look at the list.",
        )
    batch.state = BatchState.ENTERED
    batch.data = None
    batch.columns = columns
    for start in range(0, len(phones), AT_ONCE):
        suppress_batch(phones[start : start + AT_ONCE], batch)


def delete_file(batch_id: int) -> None:
    """Delete a file whose numbers have not been put on the do-not-call list. Raises ConflictError
    if the numbers were put on the list before, or if the file is already deleted."""
    batch = get_locked(SuppressionBatch, batch_id)
    if batch is None:
        raise ConflictError(
            "This file was deleted before. We put none of its numbers on the list.",
            "Upload it again if you need it.",
        )
    if batch.state != BatchState.UPLOADED:
        raise ConflictError(
            "This file's numbers were put on the list before.", "Remove its numbers instead."
        )
    db.session.delete(batch)


def recent_files(at_most: int) -> Sequence[tuple[SuppressionBatch, Account | None]]:
    """Return the newest do-not-call files and the newest batches that tokens entered, at most
    `at_most` together. Each file or batch comes with the account that uploaded the file or created
    the token, or None if that account no longer exists."""
    query = (
        select(SuppressionBatch, Account)
        .outerjoin(Account, Account.id == SuppressionBatch.account_id)
        .where(
            SuppressionBatch.contact_list_id.is_(None),
            SuppressionBatch.source != SuppressionOrigin.LIST,
        )
        .order_by(SuppressionBatch.id.desc())
        .limit(at_most)
    )
    return [(batch, account) for batch, account in db.session.execute(query)]


def delete_unentered_files() -> None:
    """Delete the files that were uploaded more than UNENTERED_FOR ago and whose numbers were never
    put on the do-not-call list."""
    db.session.execute(
        delete(SuppressionBatch).where(
            SuppressionBatch.state == BatchState.UPLOADED,
            SuppressionBatch.created_at < now() - UNENTERED_FOR,
        )
    )
