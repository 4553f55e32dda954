"""Stops calls to the people whom a file names ("takes them out of calling"), for example because
they have voted, joined or moved.

A file names a person by the ID that the person has on the campaign's lists, or by a phone number.
If a row has both, the number is used only if nobody in the campaign has the ID. A number together
with a name means only the people who have both. A number alone means everyone who has that number.
The calling code commits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row as SqlRow
from sqlalchemy import func, insert, select, text

from phonebank.contact_queue.holds import end_hold
from phonebank.core.db import after_commit, db
from phonebank.core.locks import get_locked
from phonebank.csv_input.cells import tidy_identifier
from phonebank.csv_input.column_mapping import Mapping
from phonebank.csv_input.rows import Row
from phonebank.lists.normalise import LONGEST
from phonebank.lists.person_names import read_name, split_full_name
from phonebank.lists.uploads import SupersededError
from phonebank.live.caller_events import TAKEN, emit_to_callers
from phonebank.models import (
    Call,
    CallEnding,
    Campaign,
    Contact,
    ContactList,
    ContactState,
    ListState,
    RefusedRow,
    now,
)
from phonebank.models.state_column import state_text
from phonebank.phones.e164 import InvalidPhoneNumberError, read_numbers

# The reasons to take people out. Organisers choose a reason instead of typing one, so that no
# reason contains a person's name.
REASONS = {
    "voted": "They have voted",
    "joined": "They have joined, or said yes elsewhere",
    "moved": "They have moved",
    "other": "Another reason",
}

# One transaction takes out the people of this many rows. It takes well under a second, so that a
# caller hardly has to wait for it.
BATCH = 5000

NEITHER = "This row has neither an ID nor a phone number that can be read."

# The people whom a batch of rows names. If nobody has a row's ID, the row's numbers are used
# instead. OFFSET 0 makes PostgreSQL look each ID up in the index. Without it, PostgreSQL would read
# everyone in the campaign.
_NAMED = text("""
WITH sent AS (
    SELECT * FROM unnest(CAST(:ordinals AS integer[]), CAST(:external_ids AS text[]),
                         CAST(:name_keys AS text[])) AS s(ordinal, external_id, name_key)
), by_id AS (
    SELECT sent.ordinal, has.id FROM sent CROSS JOIN LATERAL (
        SELECT id FROM contact
        WHERE campaign_id = :campaign_id AND external_id = sent.external_id OFFSET 0
    ) AS has WHERE sent.external_id <> ''
), numbers AS (
    SELECT n.ordinal, n.phone, sent.name_key
    FROM unnest(CAST(:of_rows AS integer[]), CAST(:phones AS text[])) AS n(ordinal, phone)
    JOIN sent ON sent.ordinal = n.ordinal
    WHERE NOT EXISTS (SELECT FROM by_id WHERE by_id.ordinal = n.ordinal)
), by_number AS (
    SELECT numbers.ordinal, found.id FROM numbers CROSS JOIN LATERAL (
        SELECT id, name_key FROM contact
        WHERE phone = numbers.phone AND campaign_id = :campaign_id
        UNION
        SELECT id, name_key FROM (
            SELECT id, name_key, campaign_id FROM contact
            WHERE other_phones <> '[]' AND other_phones @> jsonb_build_array(numbers.phone)
            OFFSET 0
        ) AS has WHERE campaign_id = :campaign_id
    ) AS found
    WHERE numbers.name_key = '' OR numbers.name_key = found.name_key
)
SELECT named.ordinal, contact.id AS contact_id, contact.state, contact.first_name, contact.last_name
FROM (SELECT * FROM by_id UNION SELECT * FROM by_number) AS named
JOIN contact ON contact.id = named.id
ORDER BY named.ordinal, contact.id
""")
_TAKE_OUT = state_text(
    """
WITH locked AS (
    SELECT id, state FROM contact
    WHERE id = ANY(CAST(:ids AS bigint[])) AND state IN (:callable, :unusable)
    ORDER BY id FOR NO KEY UPDATE
), taken AS (
    UPDATE contact SET state = :taken_out WHERE id = ANY (ARRAY(SELECT id FROM locked))
), noted AS (
    INSERT INTO contact_change (contact_list_id, contact_id, before, after)
    SELECT :list_id, id, jsonb_build_object('state', state),
        jsonb_build_object('state', :taken_out)
    FROM locked
    ON CONFLICT (contact_list_id, contact_id) DO UPDATE
        SET before = excluded.before, after = excluded.after, number = excluded.number
)
SELECT id FROM locked
""",
    callable=ContactState.CALLABLE,
    unusable=ContactState.UNUSABLE,
    taken_out=ContactState.TAKEN_OUT,
)
_OPEN_CALLS = text("""
SELECT id FROM call WHERE contact_id = ANY(CAST(:ids AS bigint[])) AND ended_at IS NULL
ORDER BY id FOR UPDATE
""")
STILL_THERE = (ContactState.CALLABLE, ContactState.UNUSABLE)


@dataclass(frozen=True)
class Named:
    """The ID, the phone numbers and the name by which a row identifies people. `phones` are in
    E.164 format. `name_key` is the first and last name without capitals, or "" if the row has no
    name."""

    number: int  # the row's number in the spreadsheet
    external_id: str
    phones: tuple[str, ...]
    name_key: str
    cells: list[str]


@dataclass
class RowCounts:
    """Counts of the rows of a batch. `taken` counts the rows that take somebody out of calling, so
    that nobody calls the person any more. `already` counts the rows that name only people whom
    nobody calls any more, for example because they were taken out earlier. `unknown` counts the
    rows that name nobody in the campaign. `refused` has the rows without a readable ID or number.
    """

    taken: int = 0
    already: int = 0
    unknown: int = 0
    refused: list[Named] = field(default_factory=list)


def read_row(row: Row, mapping: Mapping, country: str) -> Named:
    """Return the ID, the telephone numbers and the name in a row. If the row has a fault, these
    values are empty. `country` is the ISO 3166-1 code of the campaign's country."""
    cells, columns = row.cells, mapping.columns
    if row.fault:
        return Named(row.number, "", (), "", cells)
    phones: list[str] = []
    for column in mapping.phone_columns:
        try:
            phones += read_numbers(cells[column], country, allow_drama=True, others_too=True)
        except InvalidPhoneNumberError:
            continue
    external_id = (
        tidy_identifier(cells[columns["external_id"][0]]) if "external_id" in columns else ""
    )
    return Named(
        row.number,
        external_id[: LONGEST["external_id"]],
        tuple(dict.fromkeys(phones)),
        _name_key(cells, mapping),
        mapping.cells_to_store(cells),
    )


def named_people(campaign: Campaign, rows: Iterable[Named]) -> Sequence[SqlRow[Any]]:
    """Return the people whom these rows name. Each result has `ordinal` (the row's number),
    `contact_id`, `state`, `first_name` and `last_name`."""
    given = [row for row in rows if row.external_id or row.phones]
    pairs = [(row.number, phone) for row in given for phone in row.phones]
    values = {
        "campaign_id": campaign.id,
        "ordinals": [row.number for row in given],
        "external_ids": [row.external_id for row in given],
        "name_keys": [row.name_key for row in given],
        "of_rows": [number for number, _ in pairs],
        "phones": [phone for _, phone in pairs],
    }
    return db.session.execute(_NAMED, values).all()


def take_out_batch(
    contact_list_id: int, first: int, rows: Sequence[Named], file_version: int
) -> None:
    """Stop calls to the people whom these rows of a file name. Also store how many rows have been
    read, so that an interrupted job continues after these rows.

    `first` is the index that the first of these rows has in the file. The row below the header has
    index 0. If a person is on a caller's screen, the call ends, and the caller's page gets an event
    after the commit. Run this under `retry_on_deadlock`. Raises SupersededError if the file is no
    longer being read or has changed, or if another worker has processed these rows. Then nothing is
    changed.
    """
    contact_list = get_locked(ContactList, contact_list_id)
    if (
        contact_list is None
        or contact_list.state != ListState.IMPORTING
        or contact_list.rows_read != first
        or contact_list.file_version != file_version
    ):
        raise SupersededError
    campaign = db.session.get_one(Campaign, contact_list.campaign_id)
    named = named_people(campaign, rows)
    ids = sorted({row.contact_id for row in named})
    # Calls are locked before contacts, in the same order as when an outcome is recorded. A claim
    # skips locked contacts, so no new call can begin after this.
    db.session.execute(_OPEN_CALLS, {"ids": ids})
    taken = set(db.session.scalars(_TAKE_OUT, {"ids": ids, "list_id": contact_list.id}))
    _end_calls(taken)
    counts = count_rows(rows, named, taken)
    contact_list.rows_read += len(rows)
    contact_list.rows_updated += counts.taken
    contact_list.rows_duplicate += counts.already
    contact_list.rows_unknown += counts.unknown
    contact_list.rows_refused += len(counts.refused)
    contact_list.progress_at = now()
    contact_list.tries = 0
    if counts.refused:
        db.session.execute(
            insert(RefusedRow),
            [
                {
                    "contact_list_id": contact_list.id,
                    "row_number": row.number,
                    "column": "",
                    "reason": "no_key",
                    "message": NEITHER,
                    "cells": row.cells,
                }
                for row in counts.refused
            ],
        )


def count_rows(
    rows: Sequence[Named], named: Sequence[SqlRow[Any]], takes: Collection[int]
) -> RowCounts:
    """Count the rows by their result. `named` is the result of `named_people`, and `takes` has the
    ids of the people whom the rows take out of calling. If a later row names only people whom
    earlier rows take out, the later row is counted in `already`."""
    people: dict[int, list[int]] = {}
    for found in named:
        people.setdefault(found.ordinal, []).append(found.contact_id)
    counts, left = RowCounts(), set(takes)
    for row in rows:
        theirs = people.get(row.number, [])
        if not row.external_id and not row.phones:
            counts.refused.append(row)
        elif not theirs:
            counts.unknown += 1
        elif left.intersection(theirs):
            counts.taken += 1
            left.difference_update(theirs)
        else:
            counts.already += 1
    return counts


def people_left(campaign: Campaign) -> int:
    """Return how many people in the campaign can still be taken out of calling."""
    query = select(func.count()).where(
        Contact.campaign_id == campaign.id, Contact.state.in_(STILL_THERE)
    )
    return db.session.scalar(query) or 0


def _end_calls(contact_ids: Collection[int]) -> None:
    ids = db.session.scalars(_OPEN_CALLS, {"ids": list(contact_ids)}).all()
    calls = [db.session.get_one(Call, call_id, populate_existing=True) for call_id in ids]
    for call in calls:
        end_hold(call, CallEnding.TAKEN_AWAY)
    told = [(call.caller_id, str(call.id)) for call in calls if call.caller_id]

    def tell() -> None:
        for caller_id, call_id in told:
            emit_to_callers([caller_id], TAKEN, {"call": call_id})

    if told:
        after_commit(tell)


def _name_key(cells: list[str], mapping: Mapping) -> str:
    return f"{' '.join(_names(cells, mapping))}".casefold() if mapping.name_columns else ""


def _names(cells: list[str], mapping: Mapping) -> Iterator[str]:
    columns = mapping.columns
    first = read_name(cells[columns["first_name"][0]]) if "first_name" in columns else ""
    last = read_name(cells[columns["last_name"][0]]) if "last_name" in columns else ""
    if not (first or last) and "full_name" in columns:
        first, last = split_full_name(cells[columns["full_name"][0]])
    if first or last:
        yield first
        yield last
