"""Stores a batch of rows in the database, either completely or not at all. The calling code
commits.

Each batch is one transaction, which also updates the list's counters and the number of rows that
have been read (`rows_read`). So a killed import continues where it stopped, and no row is stored,
refused or counted twice.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from psycopg import Connection
from sqlalchemy import CursorResult, text

from phonebank.core.db import db
from phonebank.core.locks import get_locked
from phonebank.lists.batching import COLUMNS, Batch
from phonebank.lists.known_people import (
    UpdatePlan,
    drop_incoming,
    known_rows,
    undone_lists,
    update_known,
    widen_lists,
    without_clashes,
)
from phonebank.lists.normalise import RefusedRow
from phonebank.lists.screening import blocks_calls
from phonebank.lists.undo import MOVED_HERE
from phonebank.lists.uploads import SupersededError
from phonebank.models import Campaign, ContactList, ContactState, ListState, now
from phonebank.models.state_column import state_sql
from phonebank.suppressions.batches import batch_for_list, suppress_batch
from phonebank.suppressions.contacts import suppress_contacts_with
from phonebank.suppressions.dead_numbers import DEAD_FOR
from phonebank.suppressions.hashed_numbers import hashed_among

# The batch's numbers that are on the do-not-call list, each with its row.
_SUPPRESSED_NUMBERS = (
    "FROM incoming, unnest(other_phones || phone) AS number"
    " JOIN suppression ON suppression.phone = number"
)


# Gives people the tags of their rows. The braces stand for a table expression with the people's
# `id` and `tags`.
_TAG = """
    INSERT INTO contact_tag (contact_id, tag, contact_list_id)
    SELECT id, jsonb_array_elements_text(tags), :list_id FROM {} ON CONFLICT DO NOTHING
"""
_TAKE_OVER = f"""
WITH taken AS (
    UPDATE contact SET contact_list_id = :list_id, first_name = i.first_name,
        last_name = i.last_name, phone_original = i.phone_original,
        other_phones = to_jsonb(i.other_phones), external_id = i.external_id,
        postcode = i.postcode, email = i.email, language = i.language,
        zone_key = i.zone_key, fields = i.fields
    FROM (SELECT DISTINCT ON (phone, name_key) * FROM incoming ORDER BY phone, name_key, ordinal) i
    WHERE contact.campaign_id = :campaign_id AND contact.phone = i.phone
        AND contact.name_key = i.name_key AND contact_list_id = ANY(:undone)
        AND NOT {MOVED_HERE}
    RETURNING i.ordinal, contact.id, i.tags
), tagged AS (
{_TAG.format("taken")}
)
DELETE FROM incoming USING taken WHERE incoming.ordinal = taken.ordinal
"""  # noqa: S608
# The rows are inserted in the order of the unique key, so that two imports into one campaign wait
# for each other instead of deadlocking. If two rows are one person, the upper row stays.
_INSERT = state_sql(
    """
    INSERT INTO contact (
        campaign_id, contact_list_id, phone, name_key, first_name, last_name, phone_original,
        other_phones, external_id, postcode, email, language, zone_key, fields,
        state, tried, callable_at, attempts, attempts_that_day, created_at
    )
    SELECT :campaign_id, :list_id, phone, name_key, first_name, last_name, phone_original,
        to_jsonb(other_phones), external_id, postcode, email, language, zone_key, fields,
        CASE WHEN EXISTS (
            SELECT FROM dead_number d WHERE d.phone = incoming.phone AND d.reported_at > :since
        ) THEN :unusable ELSE :callable END,
        false, now(), 0, 0, now()
    FROM incoming ORDER BY phone, name_key, ordinal
    ON CONFLICT (campaign_id, phone, name_key) DO NOTHING
    """,
    unusable=ContactState.UNUSABLE,
    callable=ContactState.CALLABLE,
)
_INSERT_WITH_TAGS = f"""
WITH added AS (
{_INSERT}
    RETURNING id, phone, name_key
), told AS (
    SELECT DISTINCT ON (incoming.phone, incoming.name_key) added.id, incoming.tags
    FROM incoming JOIN added USING (phone, name_key)
    ORDER BY incoming.phone, incoming.name_key, ordinal
), tagged AS (
{_TAG.format("told")}
)
SELECT id FROM added
"""  # noqa: S608


def may_overlap(batch: Batch, earlier: Batch, contact_list: ContactList) -> bool:
    """Whether a batch can be stored while the batch before it is still being stored. The batches
    are committed in order. So if the earlier transaction waited for a row that the later one has
    locked, both would wait for each other. Therefore batches with do-not-call rows, batches with a
    person in common, and batches of an import that updates people are not stored at the same
    time."""
    return (
        not contact_list.update_targets
        and not batch.do_not_call
        and not earlier.do_not_call
        and batch.people.isdisjoint(earlier.people)
    )


def store_batch(
    batch: Batch,
    contact_list_id: int,
    file_version: int = 0,
    wait_for_turn: Callable[[], object] | None = None,
) -> None:
    """Store a batch, and store how many rows have been read, so that an interrupted import
    continues after this batch.

    A row with a number on the do-not-call list is not stored. If the person in a row is already in
    the campaign, no new contact is made. Instead, the columns that the organiser chose are updated.
    A person from an undone upload moves to the list that is being imported. If a row says "do not
    call", it makes no contact, and its numbers are put on the do-not-call list as part of the
    upload's `SuppressionBatch`. `file_version` is the version of the file that the batch was read
    from.

    `wait_for_turn` is a function, which is given if the batch before this one is still being stored
    (`may_overlap`). The function is called after the contacts have been inserted, and waits until
    the earlier batch is committed.

    Raises SupersededError if the import has ended, if another worker has stored these rows, or if
    the file has changed. After this error, the calling code must not commit.
    """
    if wait_for_turn:
        contact_list = db.session.get_one(ContactList, contact_list_id)
    else:
        contact_list = _lock_list(contact_list_id, file_version, batch.first)
    if batch.do_not_call:
        suppress_batch(batch.do_not_call, batch_for_list(contact_list))
    stored = suppressed = updated = 0
    if batch.contacts:
        copy_incoming(batch.contacts)
        suppressed = len(drop_suppressed())
        drop_dead_numbers()
        stored = _take_over_from_undone(contact_list)
        updated = _update_known(contact_list, batch)
        stored += insert_incoming(contact_list, batch.has_tags)
    _copy_refused(contact_list.id, batch.refused)

    if wait_for_turn:
        wait_for_turn()
        contact_list = _lock_list(contact_list_id, file_version, batch.first)
    if batch.contacts:
        suppress_stored()
    contact_list.rows_read += batch.rows
    contact_list.rows_stored += stored
    contact_list.rows_updated += updated
    contact_list.rows_suppressed += suppressed + batch.do_not_call_rows
    contact_list.rows_duplicate += batch.contact_rows - suppressed - stored - updated
    contact_list.rows_refused += len(batch.refused)
    contact_list.zone_keys = sorted(batch.zone_keys.union(contact_list.zone_keys))
    contact_list.languages = sorted(batch.languages.union(contact_list.languages))
    contact_list.progress_at = now()
    contact_list.tries = 0


def wait_for_open_suppressions() -> None:
    """Wait until every transaction that is putting numbers on the do-not-call list has ended.
    Commit right after this call.

    A transaction that puts numbers on the list also looks for the contacts with these numbers. If
    the transaction is still open, it may have looked before the last batch of the import was
    committed. A transaction that begins later finds all contacts of the import.
    """
    db.session.execute(text("LOCK TABLE suppression IN SHARE MODE"))


def _lock_list(contact_list_id: int, file_version: int, first: int) -> ContactList:
    contact_list = get_locked(ContactList, contact_list_id)
    if (
        contact_list is None
        or contact_list.state != ListState.IMPORTING
        or contact_list.rows_read != first
        or contact_list.file_version != file_version
    ):
        raise SupersededError
    return contact_list


def _driver() -> Connection[Any]:
    """Return the psycopg connection of this transaction. It is needed for COPY, which SQLAlchemy
    does not have."""
    connection = db.session.connection().connection.driver_connection
    assert isinstance(connection, Connection)  # noqa: S101
    return connection


def _execute(statement: str, **values: Any) -> int:
    """Run a statement and return the number of rows it changed."""
    result = db.session.execute(text(statement), values)
    assert isinstance(result, CursorResult)  # noqa: S101
    return result.rowcount


def copy_incoming(contacts: bytes) -> None:
    """Copy the contacts of a batch into the temporary table `incoming`, which is emptied at the
    commit."""
    db.session.execute(
        text(
            """
            CREATE TEMP TABLE IF NOT EXISTS incoming (
                ordinal integer, phone text, name_key text, first_name text, last_name text,
                phone_original text, other_phones text[], external_id text, postcode text,
                email text, language text, zone_key text, fields jsonb, tags jsonb
            ) ON COMMIT DELETE ROWS
            """
        )
    )
    # An empty cell is NULL, except in columns that allow no NULL. The quoting character \x01 is
    # never used, because nothing needs to be quoted (see `batching`).
    statement = (
        f"COPY incoming ({', '.join(COLUMNS)}) FROM STDIN (FORMAT csv, DELIMITER E'\\t',"
        " QUOTE E'\\x01', FORCE_NOT_NULL"
        " (first_name, last_name, name_key, phone_original, language, zone_key))"
    )
    with _driver().cursor().copy(statement) as copy:
        copy.write(contacts)
    # Without statistics, PostgreSQL's planner would guess the size of the new table. A sample of
    # 300 rows is enough, and costs a sixteenth of reading all of them.
    db.session.execute(text("SET LOCAL default_statistics_target = 1"))
    db.session.execute(text("ANALYZE incoming"))


def drop_suppressed() -> Sequence[int]:
    """Delete the rows of `incoming` that have a number on the do-not-call list, whether the list
    has the number itself or only its hash. Return the row numbers of the deleted rows. A row is
    deleted even if only one of its numbers is on the list."""
    plain = text(
        "DELETE FROM incoming"  # noqa: S608
        f" WHERE ordinal IN (SELECT ordinal {_SUPPRESSED_NUMBERS}) RETURNING ordinal"
    )
    return [*db.session.scalars(plain), *_drop_hashed()]


def _drop_hashed() -> Sequence[int]:
    """Delete rows with a number whose hash is on the do-not-call list, and return their row
    numbers. Call this after plain numbers have been checked, because an erasure may replace a plain
    entry with a hash between the two checks."""
    # If the table has no hashes, the numbers don't need to go to Python and back. This is the case
    # in most imports.
    if not db.session.scalar(text("SELECT EXISTS (SELECT FROM hashed_number)")):
        return []
    numbers = db.session.scalars(
        text("SELECT DISTINCT unnest(other_phones || phone) FROM incoming")
    ).all()
    hashed = hashed_among(numbers)
    if not hashed:
        return []
    with_hashed = text(
        "DELETE FROM incoming WHERE (other_phones || phone) && CAST(:phones AS text[])"
        " RETURNING ordinal"
    )
    return db.session.scalars(with_hashed, {"phones": list(hashed)}).all()


def drop_dead_numbers() -> None:
    """From each row of `incoming`, remove the numbers that were reported, less than DEAD_FOR ago,
    to be out of service. The first number that remains becomes the number to call.

    A row in which no number would remain stays unchanged. If the person in such a row is new,
    `insert_incoming` stores the person as an unusable contact.
    """
    since = {"since": now() - DEAD_FOR}
    any_dead = "SELECT EXISTS (SELECT FROM dead_number WHERE reported_at > :since)"
    if not db.session.scalar(text(any_dead), since):
        return
    _execute(
        """
        UPDATE incoming SET phone = alive.numbers[1], other_phones = alive.numbers[2:]
        FROM (
            SELECT ordinal, array_agg(number ORDER BY position) FILTER (WHERE d.phone IS NULL)
                AS numbers
            FROM incoming
            CROSS JOIN LATERAL unnest(phone || other_phones) WITH ORDINALITY AS u(number, position)
            LEFT JOIN dead_number d ON d.phone = number AND d.reported_at > :since
            GROUP BY ordinal HAVING bool_or(d.phone IS NOT NULL)
        ) AS alive
        WHERE incoming.ordinal = alive.ordinal AND alive.numbers IS NOT NULL
        """,
        **since,
    )


def _take_over_from_undone(contact_list: ContactList) -> int:
    """If the person in a row of `incoming` is already a contact on a list whose import was undone,
    move the contact to `contact_list`. Return how many contacts were moved. A contact that the undo
    will move back to an earlier list stays where it is.

    The contacts keep their call history, and get the values of their rows. If several rows name the
    same contact, the contact gets the values of the first of these rows.
    """
    undone_ids = undone_lists(contact_list.campaign_id)
    if not undone_ids:
        return 0
    return _execute(
        _TAKE_OVER,
        list_id=contact_list.id,
        campaign_id=contact_list.campaign_id,
        undone=undone_ids,
    )


def _update_known(contact_list: ContactList, batch: Batch) -> int:
    """For people who are already in the campaign, update the columns that the organiser chose.
    Return how many rows updated somebody. If the organiser chose no column, do nothing.

    Another transaction may put a number on the do-not-call list at the same time. But
    `update_known` locks the database rows of the people whom it changes. So either this function
    finds the number on the list, or the other transaction finds these people afterwards.
    """
    campaign = db.session.get_one(Campaign, contact_list.campaign_id)
    plan = UpdatePlan.of(
        contact_list.update_targets, contact_list.update_empties, blocks_calls(campaign)
    )
    if not plan:
        return 0
    known = known_rows(contact_list.campaign_id, plan, contact_list.id)
    changing = without_clashes(known)
    widen_lists({row.contact_list_id for row in changing}, batch.zone_keys, batch.languages)
    updated = update_known(contact_list, plan, changing)
    suppress_stored()
    drop_incoming([row.ordinal for row in known])
    return updated


def insert_incoming(contact_list: ContactList, has_tags: bool) -> int:
    """Store the people in `incoming` who are not in the campaign yet, and return how many were
    stored. `has_tags` says whether any row of the batch has tags."""
    return _execute(
        _INSERT_WITH_TAGS if has_tags else _INSERT,
        campaign_id=contact_list.campaign_id,
        list_id=contact_list.id,
        since=now() - DEAD_FOR,
    )


def suppress_stored() -> None:
    """If a number in `incoming` was put on the do-not-call list after `drop_suppressed` ran, mark
    the stored contacts that have this number as not to be called."""
    # This query is separate, because in one statement the planner expects many numbers and reads
    # all contacts of the campaign.
    since = text(f"SELECT DISTINCT number {_SUPPRESSED_NUMBERS}")
    suppress_contacts_with(list(db.session.scalars(since)))


def _copy_refused(contact_list_id: int, refused: Iterable[RefusedRow]) -> None:
    statement = (
        'COPY refused_row (contact_list_id, row_number, "column", reason, message, cells)'
        " FROM STDIN"
    )
    with _driver().cursor().copy(statement) as copy:
        for row in refused:
            column = row.column[:255]
            cells = json.dumps(row.cells)
            copy.write_row(
                (contact_list_id, row.row_number, column, row.reason, row.message, cells)
            )
