"""Undo an import: its contacts go, save those who have been called already.

They stay as records of those calls and are handed out no more, because their list is removed. Their
own state is left alone: when the corrected file is uploaded they come back where they stood.
"""

from typing import NamedTuple

from sqlalchemy import delete, exists, func, select

from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.core.locks import lock_row
from phonebank.lists.uploads import discard
from phonebank.models import (
    Call,
    Contact,
    ContactList,
    ListState,
    RefusedRow,
    SuppressionBatch,
    now,
)
from phonebank.suppressions.batches import begin_lifting

UNDOABLE = (ListState.QUEUED, ListState.IMPORTING, ListState.READY, ListState.FAILED)

# Contacts a transaction: about a quarter of a second's work.
AT_ONCE = 5000

_was_called = exists().where(Call.contact_id == Contact.id)


class UndoPreview(NamedTuple):
    """What an undo would do, in contacts."""

    removed: int
    called: int  # stay as records


def preview_undo(contact_list: ContactList) -> UndoPreview:
    """Count a list's contacts who were never called, and those who were."""
    of_list = (
        select(func.count()).select_from(Contact).where(Contact.contact_list_id == contact_list.id)
    )
    called = db.session.scalar(of_list.where(_was_called)) or 0
    return UndoPreview((db.session.scalar(of_list) or 0) - called, called)


def suppression_batch_of(contact_list: ContactList) -> SuppressionBatch | None:
    """What a list put on the do-not-call list; None where that is nothing."""
    query = select(SuppressionBatch).where(SuppressionBatch.contact_list_id == contact_list.id)
    return db.session.scalar(query)


def begin_undo(
    contact_list: ContactList, why: str = "undone", account_id: int | None = None
) -> None:
    """Take the list out of calling, stop its import and forget its file and refused rows.

    The contacts go afterwards, by `remove_some_uncalled`, and then what the list alone put on the
    do-not-call list, by `batches.lift_some`: a million of them take a while. `why`, a key of
    REASONS_TO_LIFT_MANY, is kept with what is lifted.

    Raises ConflictError where there is nothing to undo.
    """
    lock_row(contact_list)
    if contact_list.state not in UNDOABLE:
        raise ConflictError("This upload cannot be undone.", "Its page shows its state.")
    contact_list.state = ListState.UNDONE
    contact_list.removed = True
    contact_list.finished_at = None
    contact_list.progress_at = now()
    batch = suppression_batch_of(contact_list)
    if batch:
        begin_lifting(batch.id, why, account_id)
    discard(contact_list.id)
    db.session.execute(delete(RefusedRow).where(RefusedRow.contact_list_id == contact_list.id))


def delete_uncalled_contacts(contact_list_id: int) -> int:
    """Delete up to AT_ONCE contacts of an undone list who were never called; how many it found.

    A person being handed out this moment is locked by that; once it is through they count as
    called, and are left alone.
    """
    uncalled = select(Contact.id).where(Contact.contact_list_id == contact_list_id, ~_was_called)
    ids = db.session.scalars(uncalled.limit(AT_ONCE).with_for_update()).all()
    # Asked again: the first answer is from before we had their locks.
    db.session.execute(delete(Contact).where(Contact.id.in_(ids), ~_was_called))
    return len(ids)


def finish_undo(contact_list_id: int) -> None:
    """Note that every contact who could be removed is."""
    contact_list = db.session.get_one(ContactList, contact_list_id)
    contact_list.rows_stored = preview_undo(contact_list).called
    contact_list.finished_at = now()
