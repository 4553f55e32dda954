"""Row locks. A transaction first locks a row, then reads it again, and only then changes it.

`docs/locks.md` says in what order transactions lock the rows of different tables.
"""

from typing import TypeVar

from sqlalchemy.exc import InvalidRequestError

from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.models import Base

Row = TypeVar("Row", bound=Base)


def lock_row(row: Base, share: bool = False) -> None:
    """Lock the row until the transaction ends, and read the row again, so that `row` has its
    current values.

    With `share`, several transactions may hold the lock at the same time. A transaction that would
    change the row, or lock it without `share`, waits. The lock does not delay the insertion of rows
    that refer to this row, with or without `share`.

    Raises NotFoundError if another transaction has deleted the row.
    """
    # The refresh would overwrite our own changes unless they are in the database.
    db.session.flush()
    try:
        # `type(row)` would be wrong here, because Flask-Login gives the signed-in account as a
        # proxy.
        db.session.refresh(
            row, with_for_update={"of": row.__class__, "read": share, "key_share": not share}
        )
    except InvalidRequestError:
        raise NotFoundError(
            "Someone has deleted this in the meantime.", "Go back, and reload the page."
        ) from None


def get_locked(kind: type[Row], row_id: int) -> Row | None:
    """Lock the row with this id and read it again, as `lock_row` does. Return the row, or None if
    there is no such row."""
    return db.session.get(kind, row_id, with_for_update={"key_share": True}, populate_existing=True)
