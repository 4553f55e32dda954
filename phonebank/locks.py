"""Locks on rows: whoever changes a row reads it once more after they have its lock.

`docs/locks.md` says in which order the rows of different tables are locked.
"""

from sqlalchemy.exc import InvalidRequestError

from phonebank.errors import NotFound
from phonebank.models import Base
from phonebank.stores import db


def lock_row(row: Base, share: bool = False) -> None:
    """Read the row as it is now, and keep everybody else from changing it until the commit.

    With `share` several may read it so at once, and only those who would change it wait. Rows that
    merely refer to this one are never held up.

    Raises NotFound for a row that somebody has deleted meanwhile.
    """
    # What we have changed ourselves is part of how the row is.
    db.session.flush()
    try:
        db.session.refresh(
            row, with_for_update={"of": type(row), "read": share, "key_share": not share}
        )
    except InvalidRequestError:
        raise NotFound(
            "Somebody has deleted this meanwhile.", "Go back, and reload the page."
        ) from None
