"""Locks on rows: whoever changes a row reads it once more after they have its lock.

`docs/locks.md` says in which order the rows of different tables are locked.
"""

from typing import TypeVar

from sqlalchemy.exc import InvalidRequestError

from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.models import Base

Row = TypeVar("Row", bound=Base)


def lock_row(row: Base, share: bool = False) -> None:
    """Read the row as it is now, and keep everybody else from changing it until the commit.

    With `share` several may read it so at once, and only those who would change it wait. Rows that
    merely refer to this one are never held up.

    Raises NotFoundError for a row that somebody has deleted meanwhile.
    """
    # What we have changed ourselves is part of how the row is.
    db.session.flush()
    try:
        # Not type(row): who is signed in comes as a proxy.
        db.session.refresh(
            row, with_for_update={"of": row.__class__, "read": share, "key_share": not share}
        )
    except InvalidRequestError:
        raise NotFoundError(
            "Someone has deleted this in the meantime.", "Go back, and reload the page."
        ) from None


def locked(kind: type[Row], row_id: int) -> Row | None:
    """The row of this id, locked and read as `lock_row` does; None where there is none by now."""
    return db.session.get(kind, row_id, with_for_update={"key_share": True}, populate_existing=True)
