"""Undoes an import: deletes its contacts, except those that have been called.

A contact that has been called stays, as a record of its calls. Callers do not get the contact,
because calls to the people on its list have stopped. The contact's own state does not change. So if
a corrected file with this person is uploaded, the contact comes back in its earlier state.

For people who were in the campaign before the upload, the values that the file changed are restored
(`restore_changed_contacts` in `restore` says which stay). Tags that only this file gave are
removed.
"""

from typing import Any, NamedTuple

from sqlalchemy import delete, exists, func, select, text, update

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
from phonebank.suppressions.batches import begin_lifting, lift_some

UNDOABLE = (ListState.QUEUED, ListState.IMPORTING, ListState.READY, ListState.FAILED)

# One transaction deletes this many contacts, which is about a quarter of a second's work.
AT_ONCE = 5000

# People whom the list moved from a list that has not been undone. An undo moves them back.
MOVED_HERE = f"""EXISTS (
    SELECT FROM contact_change AS moved JOIN contact_list AS old_list
        ON old_list.id = CAST(moved.before ->> 'contact_list_id' AS integer)
    WHERE moved.contact_id = contact.id AND moved.contact_list_id = contact.contact_list_id
      AND old_list.state <> '{ListState.UNDONE}'
)"""
# People from other lists whose values the list changed, or who got tags from it.
_RESTORED = text(f"""
SELECT count(*) FROM (
    SELECT contact_id FROM contact_change WHERE contact_list_id = :list_id
    UNION
    SELECT contact_id FROM contact_tag WHERE contact_list_id = :list_id
) AS changed
JOIN contact ON contact.id = changed.contact_id
WHERE contact.contact_list_id <> :list_id OR {MOVED_HERE}
""")  # noqa: S608
_TAKE_TAGS = text(f"""
DELETE FROM contact_tag WHERE id IN (
    SELECT id FROM contact_tag WHERE contact_list_id = :list_id LIMIT {AT_ONCE}
)
""")  # noqa: S608

_was_called = exists().where(Call.contact_id == Contact.id)
_is_own = text(f"NOT {MOVED_HERE}")


class UndoPreview(NamedTuple):
    """What an undo would do. `removed` is the number of the list's own contacts that would be
    deleted, and `called` is the number that would stay. `restored` is the number of people from
    other lists whose values the list changed, or who would lose tags. Values that have changed
    again since the upload stay as they are."""

    removed: int
    called: int  # these contacts stay as records of their calls
    restored: int


def preview_undo(contact_list: ContactList) -> UndoPreview:
    """Count how many of the list's contacts have been called, and how many have not. Also count the
    people from other lists whose values or tags the list changed. A person whom the import moved to
    this list counts as a person from another list, unless that list was undone too."""
    of_list = (
        select(func.count())
        .select_from(Contact)
        .where(Contact.contact_list_id == contact_list.id, _is_own)
    )
    called = db.session.scalar(of_list.where(_was_called)) or 0
    restored = db.session.scalar(_RESTORED, {"list_id": contact_list.id}) or 0
    return UndoPreview((db.session.scalar(of_list) or 0) - called, called, restored)


def suppression_batch_of(contact_list: ContactList) -> SuppressionBatch | None:
    """Return the batch of numbers that this list put on the do-not-call list, or None if it put no
    numbers there."""
    query = select(SuppressionBatch).where(SuppressionBatch.contact_list_id == contact_list.id)
    return db.session.scalar(query)


def begin_undo(
    contact_list: ContactList, why: str = "undone", account_id: int | None = None
) -> None:
    """Stop giving callers people from the list, stop its import, and delete its file and refused
    rows.

    Afterwards, `delete_uncalled_contacts` deletes the list's own uncalled contacts, which may have
    the names and numbers of people to restore. Then `restore_changed_contacts` (in `restore`)
    restores the people whom the list changed. `lift_numbers` removes numbers from the
    do-not-call list if only this upload put them there. These functions work in portions, because a
    million contacts or numbers take a while. `why` is a key of REASONS_TO_LIFT_MANY. If the upload
    has a batch of do-not-call numbers, `why` is stored with the batch.

    Raises ConflictError if the list's state is not in UNDOABLE.
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


def record_progress(contact_list_id: int) -> None:
    """Record that the undo of a list makes progress now. Call this at the beginning of a portion's
    transaction, so that the list is locked before its contacts."""
    this = update(ContactList).where(ContactList.id == contact_list_id)
    db.session.execute(this.values(progress_at=now()))


def delete_uncalled_contacts(contact_list_id: int) -> int:
    """Delete up to AT_ONCE uncalled contacts of an undone list, and return how many were found.
    People whom the list moved from a list that stands are left out.

    If a request is giving a contact to a caller at the same time, the request has locked the
    contact. When the request commits, the contact counts as called, so it stays.
    """
    uncalled = select(Contact.id).where(
        Contact.contact_list_id == contact_list_id, ~_was_called, _is_own
    )
    ids = db.session.scalars(uncalled.limit(AT_ONCE).with_for_update()).all()
    # The condition is repeated, because a contact may have been called before it was locked.
    db.session.execute(delete(Contact).where(Contact.id.in_(ids), ~_was_called))
    return len(ids)


def take_tags_back(contact_list_id: int) -> int:
    """Delete up to AT_ONCE tags that an undone list gave, and return how many were deleted."""
    taken: Any = db.session.execute(_TAKE_TAGS, {"list_id": contact_list_id})
    return int(taken.rowcount)


def lift_numbers(contact_list_id: int) -> int:
    """The numbers that an upload put on the do-not-call list are a batch. Take up to
    `batches.AT_ONCE` numbers out of the batch of an undone list (`batches.lift_some`), and return
    how many were taken out. These numbers also leave the do-not-call list, unless somebody else put
    them there too."""
    batch = suppression_batch_of(db.session.get_one(ContactList, contact_list_id))
    return lift_some(batch.id) if batch else 0


def finish_undo(contact_list_id: int) -> None:
    """Mark an undo as finished. Call this after all its portions."""
    contact_list = db.session.get_one(ContactList, contact_list_id)
    contact_list.rows_stored = preview_undo(contact_list).called
    contact_list.finished_at = now()
