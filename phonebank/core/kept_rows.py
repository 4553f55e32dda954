"""Keeps, in each process, rows that nearly every request needs and that seldom change.

A request reads only the version of such a row from PostgreSQL, and uses the kept row if the kept
row has that version. So after a row has changed, the next request in every process uses the changed
row.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

from flask import current_app
from sqlalchemy.orm import Session

from phonebank.core.db import db
from phonebank.models.base import Versioned

Row = TypeVar("Row", bound=Versioned)


class KeptRows(Generic[Row]):
    """The kept rows of one table, up to `at_most` rows. A row takes a few kilobytes. An evening of
    15,000 callers has 1,500 parties, and each process should keep them all. If it keeps fewer, it
    reads nearly every row again.

    The rows belong to no database session and are shared by all requests. So these rows must not be
    changed, and only the columns of a row can be read.
    """

    def __init__(self, model: type[Row], at_most: int = 3_000) -> None:
        self._model = model
        self._at_most = at_most

    def get(self, key: int, version: str) -> Row:
        """Return the row with this primary key, in this version or a later one.

        Raises NoResultFound if the row has been deleted since its version was read, unless this
        process has kept that version.
        """
        kept: OrderedDict[int, Row] = current_app.extensions.setdefault(
            f"kept rows of {self._model.__name__}", OrderedDict()
        )
        row = kept.get(key)
        if row is None or row.row_version != version:
            with Session(db.session.connection()) as apart:
                row = kept[key] = apart.get_one(self._model, key)
            while len(kept) > self._at_most:
                kept.popitem(last=False)
        kept.move_to_end(key)
        return row
