"""Undoes an import: deletes its contacts, except those that have been called.

A contact that has been called stays, as a record of its calls. Callers do not get the contact,
because calls to the people on its list have stopped. The contact's own state does not change. So if
a corrected file with this person is uploaded, the contact comes back in its earlier state.

For people who were in the campaign before the upload, the values that the file changed are restored
(see `restore_changed_contacts` for exceptions). Tags that only this file gave are removed.
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
    ContactChange,
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

# The columns of a contact that an upload may change, each with the SQL that reads it from JSON.
_CHANGED = {
    "first_name": "{0} ->> '{1}'",
    "last_name": "{0} ->> '{1}'",
    "name_key": "{0} ->> '{1}'",
    "phone": "{0} ->> '{1}'",
    "phone_original": "{0} ->> '{1}'",
    "other_phones": "{0} -> '{1}'",
    "external_id": "{0} ->> '{1}'",
    "postcode": "{0} ->> '{1}'",
    "email": "{0} ->> '{1}'",
    "language": "{0} ->> '{1}'",
    "zone_key": "{0} ->> '{1}'",
    "fields": "{0} -> '{1}'",
    "state": "{0} ->> '{1}'",
}
_PUT_BACK = ", ".join(
    f"{column} = CASE WHEN jsonb_exists(change.before, '{column}')"
    f" AND contact.{column} IS NOT DISTINCT FROM {read.format('change.after', column)}"
    f" THEN {read.format('change.before', column)} ELSE contact.{column} END"
    for column, read in _CHANGED.items()
)
# A person may have moved to the list because of a new number (`known_people`). The person goes back
# to their old list only if their numbers are still those that the upload gave them.
_PUT_BACK += """, contact_list_id = CASE WHEN jsonb_exists(change.before, 'contact_list_id')
    AND contact.contact_list_id = :list_id
    AND contact.phone = coalesce(change.after ->> 'phone', contact.phone)
    AND contact.other_phones = coalesce(change.after -> 'other_phones', contact.other_phones)
    THEN CAST(change.before ->> 'contact_list_id' AS integer) ELSE contact.contact_list_id END"""
_RESTORE = text(f"""
WITH change AS MATERIALIZED (
    SELECT contact_id, before, after FROM contact_change WHERE contact_list_id = :list_id
    ORDER BY contact_id LIMIT {AT_ONCE} FOR UPDATE
), locked AS MATERIALIZED (
    SELECT id FROM contact WHERE id IN (SELECT contact_id FROM change) ORDER BY id FOR UPDATE
), restored AS (
    UPDATE contact SET {_PUT_BACK}
    FROM change JOIN locked ON locked.id = change.contact_id
    WHERE contact.id = change.contact_id AND contact.id = ANY (ARRAY(SELECT id FROM locked))
      AND NOT EXISTS (
        SELECT FROM contact AS other
        WHERE other.campaign_id = contact.campaign_id AND other.id <> contact.id
          AND other.phone = coalesce(change.before ->> 'phone', contact.phone)
          AND other.name_key = coalesce(change.before ->> 'name_key', contact.name_key)
    )
)
DELETE FROM contact_change
WHERE contact_list_id = :list_id AND contact_id IN (SELECT contact_id FROM change)
RETURNING contact_id
""")  # noqa: S608

# Earlier contacts whose values the list changed, or who got tags from it.
_RESTORED = text("""
SELECT count(*) FROM (
    SELECT contact_id FROM contact_change WHERE contact_list_id = :list_id
    UNION
    SELECT contact_id FROM contact_tag JOIN contact ON contact.id = contact_tag.contact_id
    WHERE contact_tag.contact_list_id = :list_id AND contact.contact_list_id <> :list_id
) AS changed
""")
_TAKE_TAGS = text(f"""
DELETE FROM contact_tag WHERE id IN (
    SELECT id FROM contact_tag WHERE contact_list_id = :list_id LIMIT {AT_ONCE}
)
""")  # noqa: S608

_was_called = exists().where(Call.contact_id == Contact.id)
_moved_here = exists().where(
    ContactChange.contact_id == Contact.id,
    ContactChange.contact_list_id == Contact.contact_list_id,
    ContactChange.before.has_key("contact_list_id"),
)


class UndoPreview(NamedTuple):
    """What an undo would do. `removed` is the number of the list's own contacts that would be
    deleted, and `called` is the number that would stay. `restored` is the number of people from
    other lists who would get old values back or lose tags."""

    removed: int
    called: int  # these contacts stay as records of their calls
    restored: int


def preview_undo(contact_list: ContactList) -> UndoPreview:
    """Count how many of the list's contacts have been called, and how many have not. Also count the
    people from other lists whose values or tags the list changed. A person whom the import moved to
    this list counts as a person from another list."""
    of_list = (
        select(func.count())
        .select_from(Contact)
        .where(Contact.contact_list_id == contact_list.id, ~_moved_here)
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

    Afterwards, `restore_changed_contacts` restores the people whom the list changed. Only then does
    `delete_uncalled_contacts` delete the list's uncalled contacts, because some of the people to
    restore may have moved to the list. `lift_numbers` removes numbers from the do-not-call
    list if only this upload put them there. These functions work in portions, because a million
    contacts or numbers take a while. `why` is a key of REASONS_TO_LIFT_MANY. If the upload has a
    batch of do-not-call numbers, `why` is stored with the batch.

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
    """Store that the undo of a list makes progress now. Call this at the beginning of a portion's
    transaction, so that the list is locked before its contacts."""
    this = update(ContactList).where(ContactList.id == contact_list_id)
    db.session.execute(this.values(progress_at=now()))


def delete_uncalled_contacts(contact_list_id: int) -> int:
    """Delete up to AT_ONCE uncalled contacts of an undone list, and return how many were found.

    If a request is giving a contact to a caller at the same time, the request has locked the
    contact. When the request commits, the contact counts as called, so it stays.
    """
    uncalled = select(Contact.id).where(Contact.contact_list_id == contact_list_id, ~_was_called)
    ids = db.session.scalars(uncalled.limit(AT_ONCE).with_for_update()).all()
    # The condition is repeated, because a contact may have been called before it was locked.
    db.session.execute(delete(Contact).where(Contact.id.in_(ids), ~_was_called))
    return len(ids)


def restore_changed_contacts(contact_list_id: int) -> int:
    """Restore the values that an undone list changed, for up to AT_ONCE people, and return the
    number of these people.

    If a column of the person's database row has changed again since the upload, the column stays as
    it is. The column `fields` contains several values, such as the town and the address, and stays
    as a whole. If the import moved the person to the undone list, the person goes back to the old
    list only if the person still has the numbers that the import stored. If somebody else now has
    the person's old name and number, all values of the person stay as they are.
    """
    return len(db.session.scalars(_RESTORE, {"list_id": contact_list_id}).all())


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
