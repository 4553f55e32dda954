"""Restores the people whom an upload changed, when the upload is undone.

The changes of all uploads are stored in the table `contact_change`. One statement restores many
people at once, because an upload may have changed a million.
"""

from typing import NamedTuple

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.models import ContactState, ListState

# One transaction restores this many people.
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
# The numbers that a change gave. If an earlier upload was undone after the change, `given_earlier`
# has the numbers that the earlier upload gave.
_GIVEN = """ARRAY(
    SELECT jsonb_array_elements_text(
        coalesce(after -> 'other_phones', '[]') || coalesce(after -> 'phone', '[]')
        || coalesce(after -> 'given_earlier', '[]'))
    EXCEPT SELECT jsonb_array_elements_text(
        coalesce(before -> 'other_phones', '[]') || coalesce(before -> 'phone', '[]'))
)"""
# The first number before a change, as a JSON object, which is empty if the person kept that number.
# Such a number may have been reported wrong since, so no undo may put it back.
_REPLACED = """CASE
    WHEN coalesce(after -> 'other_phones', '[]') || coalesce(after -> 'phone', '[]')
        @> coalesce(before -> 'phone', '[]') THEN '{}'
    ELSE coalesce((
        SELECT jsonb_object_agg(key, value) FROM jsonb_each(before)
        WHERE key IN ('phone', 'phone_original')
    ), '{}') END"""
# `value` has a row for each value that a list changed, and names the list that changed the value
# next. `now` has the contact's present columns. `kept` has the values that still are what the
# undone list gave. If the person goes back to an earlier list, `old_list_id` is its id, and `given`
# has the numbers that only the undone list gave: the earlier list was never screened with them, so
# they go. If another person has the number and name that would be put back, the person must wait,
# or `planned` has no values of the person. From `value` on, no two of these tables are joined,
# because PostgreSQL does not know their sizes and would compare all rows with all rows.
_RESTORE = text(f"""
WITH portion AS MATERIALIZED (
    SELECT contact_id FROM contact_change
    WHERE contact_list_id = :list_id AND contact_id > :after
    ORDER BY contact_id LIMIT :at_once
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
    WINDOW later AS (PARTITION BY contact_id, is_field, name
        ORDER BY number NULLS FIRST, contact_list_id)
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
        now ->> 'name_key' AS name_key, now ->> 'phone' AS phone, columns, field_names,
        fields, list.id AS old_list_id, {_REPLACED} AS replaced,
        CASE WHEN list.id IS NULL THEN '{{}}' ELSE {_GIVEN} END AS given
    FROM kept LEFT JOIN contact_list AS list
        ON list.id = CAST(columns ->> 'contact_list_id' AS integer) AND list.state <> :undone
), numbered AS MATERIALIZED (
    -- A number that was given may have become the first one, because the first one was wrong. If
    -- the upload had replaced another first number, that one is put back.
    SELECT id, campaign_id, name_key, phone, field_names, fields, old_list_id, given,
        columns || CASE WHEN coalesce(columns ->> 'phone', phone) = ANY (given)
            THEN replaced ELSE '{{}}' END AS columns
    FROM person
), planned AS MATERIALIZED (
    SELECT id, old_list_id, given, is_taken AND NOT :give_up AS must_wait,
        CASE WHEN is_taken THEN '{{}}' ELSE columns END AS columns,
        CASE WHEN is_taken THEN '{{}}' ELSE field_names END AS field_names,
        CASE WHEN is_taken THEN '{{}}' ELSE fields END AS fields
    FROM (
        SELECT numbered.*, row_number() OVER (
            PARTITION BY campaign_id, coalesce(columns ->> 'phone', phone),
                coalesce(columns ->> 'name_key', name_key) ORDER BY id
        ) > 1 OR EXISTS (
            SELECT FROM contact AS other
            WHERE other.campaign_id = numbered.campaign_id AND other.id <> numbered.id
              AND other.phone = coalesce(columns ->> 'phone', numbered.phone)
              AND other.name_key = coalesce(columns ->> 'name_key', numbered.name_key)
        ) AS is_taken FROM numbered
    ) AS checked
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
    WHERE contact.id = planned.id AND NOT must_wait
), older AS MATERIALIZED (
    SELECT next_list_id, contact_id, columns, field_names, fields,
        CASE WHEN jsonb_exists(columns, 'contact_list_id') THEN {_GIVEN} ELSE '{{}}' END AS given,
        {_REPLACED} AS replaced
    FROM (
        SELECT next_list_id, contact_id, (array_agg(before))[1] AS before,
            (array_agg(after))[1] AS after,
            coalesce(jsonb_object_agg(name, old) FILTER (WHERE NOT is_field), '{{}}') AS columns,
            coalesce(array_agg(name) FILTER (WHERE is_field), '{{}}') AS field_names,
            coalesce(jsonb_object_agg(name, old)
                FILTER (WHERE is_field AND old IS NOT NULL), '{{}}') AS fields
        FROM value
        WHERE contact_list_id = :list_id AND next_list_id IS NOT NULL
          AND next_old IS NOT DISTINCT FROM new
        GROUP BY next_list_id, contact_id
    ) AS passed
), passed_on AS (
    -- A person who goes back to the earlier list must not keep a number from the undone list.
    UPDATE contact_change AS later SET
        before = CASE WHEN ((later.before || columns) ->> 'phone') = ANY (given)
                THEN (later.before || columns) - ARRAY['phone', 'phone_original'] || replaced
                ELSE later.before || columns END
            || CASE WHEN jsonb_exists(later.before || columns, 'other_phones')
                THEN jsonb_build_object(
                    'other_phones', ((later.before || columns) -> 'other_phones') - given)
                ELSE '{{}}' END
            || CASE WHEN field_names = '{{}}' THEN '{{}}' ELSE jsonb_build_object(
                'fields', (later.before -> 'fields') - field_names || older.fields) END,
        after = CASE WHEN given = '{{}}' THEN later.after ELSE later.after || jsonb_build_object(
            'given_earlier', coalesce(later.after -> 'given_earlier', '[]') || to_jsonb(given)) END
    FROM older
    WHERE later.contact_list_id = next_list_id AND later.contact_id = older.contact_id
      AND older.contact_id NOT IN (SELECT id FROM planned WHERE must_wait)
), done AS (
    DELETE FROM contact_change
    WHERE contact_list_id = :list_id
      -- `change` is read here, because it must be read before its rows are deleted.
      AND contact_id IN (SELECT contact_id FROM change WHERE contact_list_id = :list_id)
      AND contact_id NOT IN (SELECT id FROM planned WHERE must_wait)
    RETURNING contact_id
)
SELECT (SELECT count(*) FROM done) AS restored, (SELECT max(contact_id) FROM portion) AS last_id
""")  # noqa: S608


class Portion(NamedTuple):
    """How many people a portion restored, and the highest contact ID in it."""

    restored: int
    last_id: int


def restore_changed_contacts(
    contact_list_id: int, after: int = 0, give_up: bool = False
) -> Portion | None:
    """Restore the values that an undone list changed, for up to AT_ONCE people with contact IDs
    higher than `after`. Return None if there are no such people.

    If a column of the person's database row has changed again since the upload, the column stays as
    it is. The column `fields` contains several values, such as the town and the address, and each
    of them stays or goes back by itself. If a later upload changed the value, the older value is
    stored with that upload, whose undo then restores it.

    If somebody else now has the person's old name and number, the person is left for a later call,
    because this undo may yet take the name and number from the other person. With `give_up`, the
    values of such a person stay as they are, and the old values are deleted.

    If the import moved the person to the undone list, the person goes back to the old list, even if
    values stay. The old list was not screened with the numbers that only the undone list gave. So
    the person loses these numbers, and is marked as unusable if no other number can be restored. If
    the old list was undone too, the person stays on the undone list and is removed like its own
    people.
    """
    values = {
        "list_id": contact_list_id,
        "after": after,
        "at_once": AT_ONCE,
        "give_up": give_up,
        "undone": ListState.UNDONE,
        "callable": ContactState.CALLABLE,
        "unusable": ContactState.UNUSABLE,
    }
    row = db.session.execute(_RESTORE, values).one()
    return None if row.last_id is None else Portion(row.restored, row.last_id)
