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
    ContactList,
    ContactState,
    ListState,
    RefusedRow,
    SuppressionBatch,
    now,
)
from phonebank.suppressions.batches import begin_lifting, lift_some

UNDOABLE = (ListState.QUEUED, ListState.IMPORTING, ListState.READY, ListState.FAILED)

# One transaction deletes this many contacts, which is about a quarter of a second's work.
AT_ONCE = 5000

# The columns of a contact that an upload may change and that have one value. An upload may also
# change the contact's other numbers, some of its fields, and its list.
_COLUMNS = (
    "first_name",
    "last_name",
    "name_key",
    "phone",
    "phone_original",
    "external_id",
    "postcode",
    "email",
    "language",
    "zone_key",
)
_PUT_BACK = ", ".join(
    f"{column} = CASE WHEN jsonb_exists(planned.columns, '{column}')"
    f" THEN planned.columns ->> '{column}' ELSE contact.{column} END"
    for column in _COLUMNS
)
# `value` has a row for each value that a list changed, and names the list that changed the value
# next. `now` has the contact's present columns. `kept` has the values that still are what the
# undone list gave. If the person goes back to an earlier list, `old_list_id` is its id, and `given`
# has the numbers that only the undone list gave: the earlier list was never screened with them, so
# they go. If another person has the number and name that would be put back, `planned` has no values
# of the person. From `value` on, no two of these tables are joined, because PostgreSQL does not
# know their sizes and would compare all rows with all rows.
_RESTORE = text(f"""
WITH portion AS MATERIALIZED (
    SELECT contact_id FROM contact_change WHERE contact_list_id = :list_id
    ORDER BY contact_id LIMIT {AT_ONCE}
), locked AS MATERIALIZED (
    SELECT id, campaign_id, contact_list_id, other_phones, fields, state, {", ".join(_COLUMNS)}
    FROM contact WHERE id IN (SELECT contact_id FROM portion) ORDER BY id FOR UPDATE
), change AS MATERIALIZED (
    SELECT contact_change.contact_list_id, contact_id, number, before, after,
        to_jsonb(locked) AS now
    FROM contact_change JOIN locked ON locked.id = contact_id
    ORDER BY contact_id, contact_change.contact_list_id FOR UPDATE OF contact_change
), value AS MATERIALIZED (
    SELECT contact_list_id, contact_id, before, after, now, is_field, name, old, new,
        lead(contact_list_id) OVER later AS next_list_id, lead(old) OVER later AS next_old
    FROM (
        SELECT change.*, false AS is_field, key AS name, value AS old, after -> key AS new
        FROM change, jsonb_each(before - 'fields')
        UNION ALL
        SELECT change.*, true, key, before -> 'fields' -> key, after -> 'fields' -> key
        FROM change, jsonb_object_keys((before -> 'fields') || (after -> 'fields')) AS key
        WHERE before -> 'fields' -> key IS DISTINCT FROM after -> 'fields' -> key
    ) AS changed
    WINDOW later AS (PARTITION BY contact_id, is_field, name ORDER BY number)
), kept AS (
    SELECT contact_id, (array_agg(before))[1] AS before, (array_agg(after))[1] AS after,
        (array_agg(now))[1] AS now,
        coalesce(jsonb_object_agg(name, old) FILTER (WHERE NOT is_field), '{{}}') AS columns,
        coalesce(array_agg(name) FILTER (WHERE is_field), '{{}}') AS field_names,
        coalesce(jsonb_object_agg(name, old) FILTER (WHERE is_field AND old IS NOT NULL), '{{}}')
            AS fields
    FROM value
    WHERE contact_list_id = :list_id AND next_list_id IS NULL
      AND CASE WHEN is_field THEN now -> 'fields' -> name ELSE now -> name END
          IS NOT DISTINCT FROM new
    GROUP BY contact_id
), person AS MATERIALIZED (
    SELECT contact_id AS id, CAST(now ->> 'campaign_id' AS integer) AS campaign_id,
        now ->> 'name_key' AS name_key, now ->> 'phone' AS phone, before, columns, field_names,
        fields, list.id AS old_list_id, CASE WHEN list.id IS NULL THEN '{{}}' ELSE ARRAY(
            SELECT jsonb_array_elements_text(
                coalesce(after -> 'other_phones', '[]') || coalesce(after -> 'phone', '[]'))
            EXCEPT SELECT jsonb_array_elements_text(
                coalesce(before -> 'other_phones', '[]') || coalesce(before -> 'phone', '[]'))
        ) END AS given
    FROM kept LEFT JOIN contact_list AS list
        ON list.id = CAST(columns ->> 'contact_list_id' AS integer) AND list.state <> :undone
), numbered AS MATERIALIZED (
    -- A number that was given may have become the first one, because the first one was wrong.
    SELECT id, campaign_id, name_key, phone, field_names, fields, old_list_id, given,
        columns || CASE WHEN coalesce(columns ->> 'phone', phone) = ANY (given) THEN coalesce((
            SELECT jsonb_object_agg(key, value) FROM jsonb_each(before)
            WHERE key IN ('phone', 'phone_original')
        ), '{{}}') ELSE '{{}}' END AS columns
    FROM person
), planned AS MATERIALIZED (
    SELECT id, old_list_id, given,
        CASE WHEN is_taken THEN '{{}}' ELSE columns END AS columns,
        CASE WHEN is_taken THEN '{{}}' ELSE field_names END AS field_names,
        CASE WHEN is_taken THEN '{{}}' ELSE fields END AS fields
    FROM numbered CROSS JOIN LATERAL (SELECT EXISTS (
        SELECT FROM contact AS other
        WHERE other.campaign_id = numbered.campaign_id AND other.id <> numbered.id
          AND other.phone = coalesce(columns ->> 'phone', numbered.phone)
          AND other.name_key = coalesce(columns ->> 'name_key', numbered.name_key)
    ) AS is_taken) AS key
), restored AS (
    UPDATE contact SET {_PUT_BACK},
        other_phones = coalesce(planned.columns -> 'other_phones', contact.other_phones)
            - given - coalesce(planned.columns ->> 'phone', contact.phone),
        fields = contact.fields - field_names || planned.fields,
        state = CASE
            WHEN coalesce(planned.columns ->> 'phone', contact.phone) = ANY (given)
                AND contact.state = :callable THEN :unusable
            ELSE coalesce(planned.columns ->> 'state', contact.state) END,
        contact_list_id = coalesce(old_list_id, contact.contact_list_id)
    FROM planned
    WHERE contact.id = planned.id
), passed_on AS (
    UPDATE contact_change AS later SET before = later.before || columns
        || CASE WHEN field_names = '{{}}' THEN '{{}}' ELSE jsonb_build_object(
            'fields', (later.before -> 'fields') - field_names || older.fields) END
    FROM (
        SELECT next_list_id, contact_id,
            coalesce(jsonb_object_agg(name, old) FILTER (WHERE NOT is_field), '{{}}') AS columns,
            coalesce(array_agg(name) FILTER (WHERE is_field), '{{}}') AS field_names,
            coalesce(jsonb_object_agg(name, old)
                FILTER (WHERE is_field AND old IS NOT NULL), '{{}}') AS fields
        FROM value
        WHERE contact_list_id = :list_id AND next_list_id IS NOT NULL
          AND next_old IS NOT DISTINCT FROM new
        GROUP BY next_list_id, contact_id
    ) AS older
    WHERE later.contact_list_id = next_list_id AND later.contact_id = older.contact_id
)
DELETE FROM contact_change
WHERE contact_list_id = :list_id
  -- `change` is read here, because it must be read before its rows are deleted.
  AND contact_id IN (SELECT contact_id FROM change WHERE contact_list_id = :list_id)
RETURNING contact_id
""")  # noqa: S608

# People whom the list moved from a list that has not been undone. An undo moves them back.
_MOVED_HERE = """EXISTS (
    SELECT FROM contact_change AS moved JOIN contact_list AS old_list
        ON old_list.id = CAST(moved.before ->> 'contact_list_id' AS integer)
    WHERE moved.contact_id = contact.id AND moved.contact_list_id = contact.contact_list_id
      AND old_list.state <> 'undone'
)"""
# People from other lists whose values the list changed, or who got tags from it.
_RESTORED = text(f"""
SELECT count(*) FROM (
    SELECT contact_id FROM contact_change WHERE contact_list_id = :list_id
    UNION
    SELECT contact_id FROM contact_tag WHERE contact_list_id = :list_id
) AS changed
JOIN contact ON contact.id = changed.contact_id
WHERE contact.contact_list_id <> :list_id OR {_MOVED_HERE}
""")  # noqa: S608
_TAKE_TAGS = text(f"""
DELETE FROM contact_tag WHERE id IN (
    SELECT id FROM contact_tag WHERE contact_list_id = :list_id LIMIT {AT_ONCE}
)
""")  # noqa: S608

_was_called = exists().where(Call.contact_id == Contact.id)
_is_own = text(f"NOT {_MOVED_HERE}")


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
    it is. The column `fields` contains several values, such as the town and the address, and each
    of them stays or goes back by itself. If a later upload changed the value, the older value is
    stored with that upload, whose undo then restores it. If somebody else now has the person's old
    name and number, all values of the person stay as they are.

    If the import moved the person to the undone list, the person goes back to the old list, even if
    values stay. The old list was not screened with the numbers that only the undone list gave. So
    the person loses these numbers, and is marked as unusable if no other number can be restored. If
    the old list was undone too, the person stays on the undone list and is removed like its own
    people.
    """
    values = {
        "list_id": contact_list_id,
        "undone": ListState.UNDONE,
        "callable": ContactState.CALLABLE,
        "unusable": ContactState.UNUSABLE,
    }
    return len(db.session.scalars(_RESTORE, values).all())


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
