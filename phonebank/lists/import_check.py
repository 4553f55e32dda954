"""Finds out what an import would do with each row of a stored file. Stores nothing.

The check runs SQL statements in a savepoint that is rolled back. The import itself runs many of the
same statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from itertools import islice
from typing import Any

from sqlalchemy import Row as SqlRow
from sqlalchemy import text

from phonebank.core.db import db
from phonebank.csv_input.column_mapping import FIELDS, Mapping
from phonebank.csv_input.rows import Row
from phonebank.lists import persist
from phonebank.lists.batching import BATCH, batch_of
from phonebank.lists.known_people import (
    NAME,
    NUMBERS,
    SENT_TAGS,
    TAGS,
    UpdatePlan,
    drop_incoming,
    find_in,
    known_rows,
    learn_sizes,
    read_changes,
    undone_lists,
    without_clashes,
)
from phonebank.lists.normalise import ContactRow, RefusedRow, normalise
from phonebank.lists.screening import blocks_calls
from phonebank.lists.uploads import rows_of
from phonebank.models import Campaign, ContactList

SAMPLES = 5
LONGEST_SAMPLE = 80  # characters
# An organiser must agree if a larger share of the rows would be refused.
SHARE_TO_ASK_ABOUT = 0.3


class Fate(StrEnum):
    """What an import may do with a row. The groups of an `ImportCheck` are in this order."""

    NEW = "new"
    UPDATED = "updated"
    DUPLICATE = "duplicate"
    DO_NOT_CALL = "do_not_call"
    REFUSED = "refused"


@dataclass
class Group:
    """A group of rows that an import would treat in the same way, for the same reason. `samples`
    has the first few rows, each as its number in the spreadsheet and its text."""

    fate: Fate
    why: str
    count: int = 0
    samples: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class ColumnChange:
    """What would change in one column for people who are already in the campaign. `changed` counts
    the new values that people would get. Each person counts once, but for tags each row that adds
    tags counts. `emptied` counts the stored values that empty cells of the file would delete, if
    the organiser chooses that. `samples` has the first few changes, each as the row's number, the
    old value and the new value."""

    name: str
    changed: int = 0
    emptied: int = 0
    samples: list[tuple[int, str, str]] = field(default_factory=list)


@dataclass
class ImportCheck:
    """What an import would do with the `rows` rows of a file. `first` is the first person in the
    file whom the import would add to the campaign, or None if it would add nobody."""

    rows: int
    groups: list[Group]
    first: ContactRow | None
    columns: list[ColumnChange] = field(default_factory=list)

    @property
    def emptied(self) -> int:
        """The organiser may choose that the file's empty cells delete stored values. This is the
        number of values that would then be deleted."""
        return sum(column.emptied for column in self.columns)

    def to_json(self) -> dict[str, Any]:
        """Return the check as a dictionary that can be stored as JSON. `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> ImportCheck:
        """Return the check from a dictionary that `to_json` returned."""
        return cls(
            stored["rows"],
            [Group(**group | {"fate": Fate(group["fate"])}) for group in stored["groups"]],
            ContactRow(**stored["first"]) if stored["first"] else None,
            [ColumnChange(**column) for column in stored["columns"]],
        )

    def count(self, fate: Fate) -> int:
        """Return how many of the rows would have this result in an import."""
        return sum(group.count for group in self.groups if group.fate == fate)

    @property
    def needs_agreement(self) -> bool:
        """Whether an organiser must agree to the import, because too many rows would be refused.
        Too many means more than the share SHARE_TO_ASK_ABOUT of all rows."""
        return self.count(Fate.REFUSED) > self.rows * SHARE_TO_ASK_ABOUT


def token_of(mapping: Mapping, updated: Sequence[str] = ()) -> str:
    """Return a short hash of the organiser's choices: the meaning of each column, the decisions
    about yes-or-no values, and the fields to update."""
    decided = sorted((column, sorted(of.items())) for column, of in mapping.actions.items())
    said = repr((mapping.targets, decided, sorted(updated)))
    return sha256(said.encode()).hexdigest()[:16]


def check_import(
    campaign: Campaign,
    contact_list: ContactList,
    mapping: Mapping,
    plan: UpdatePlan | None = None,
    progress: Callable[[int], None] = lambda rows: None,
) -> ImportCheck:
    """Return what an import would do with the rows of a stored file.

    `mapping` says what each column of the file contains. `faults_of` must have found no fault in
    the mapping. `plan` says which values are updated for people who are already in the campaign. If
    it is None, no values are updated. `progress` is called with the number of rows read so far. The
    result may be wrong if another import runs at the same time. Raises InvalidFileError at the
    first row that cannot be read.
    """
    plan = replace(plan or UpdatePlan(), moves=blocks_calls(campaign))
    counting = _Counting(campaign, contact_list.id, mapping, plan)
    if plan:
        learn_sizes()
    rows = islice(rows_of(contact_list), 1, None)
    savepoint = db.session.begin_nested()
    try:
        db.session.execute(text(_TABLES))
        while chunk := list(islice(rows, BATCH)):
            counting.add(chunk)
            progress(counting.rows)
    finally:
        savepoint.rollback()
    return counting.result()


# What the earlier rows of the file contain and would do. These are database tables, because a
# million people would need a hundred megabytes of memory in this process.
#
# `told` has the numbers of rows that say "do not call". `seen` has hashes of texts: the number and
# name of each new person, the ids of people who would be updated, and the tags that they would get.
# `rekeyed` has the people whose number, name or ID would change. The view `people` has everybody as
# the rows so far would leave them.
_TABLES = """
CREATE TEMP TABLE told (phone text PRIMARY KEY);
CREATE TEMP TABLE seen (hashed bigint PRIMARY KEY);
CREATE TEMP TABLE rekeyed (
    id bigint PRIMARY KEY, phone varchar, name_key varchar, external_id varchar
);
CREATE INDEX ON rekeyed (phone, name_key);
CREATE INDEX ON rekeyed (external_id);
CREATE TEMP VIEW people AS
SELECT id, campaign_id, contact_list_id, phone, name_key, external_id FROM contact
WHERE NOT EXISTS (SELECT FROM rekeyed WHERE rekeyed.id = contact.id OFFSET 0)
UNION ALL
SELECT id, campaign_id, contact_list_id, rekeyed.phone, rekeyed.name_key, rekeyed.external_id
FROM rekeyed JOIN contact USING (id);
"""
_TELL = text("""
INSERT INTO told SELECT unnest(CAST(:phones AS text[])) ON CONFLICT DO NOTHING
""")
_DROP_TOLD = text("""
DELETE FROM incoming WHERE EXISTS (
    SELECT FROM told WHERE told.phone = ANY (incoming.other_phones || incoming.phone)
) RETURNING ordinal
""")
_HASH = "hashtextextended({}, 0)"
_BY_NUMBER = _HASH.format("{phone} || ' ' || {name_key}")
_BY_ROW_NUMBER = _BY_NUMBER.format(phone="i.phone", name_key="i.name_key")
_FIND = find_in(
    "people",
    """
JOIN contact ON contact.id = known.id
LEFT JOIN rekeyed ON rekeyed.id = known.id
CROSS JOIN LATERAL (
    SELECT contact.id, contact.contact_list_id, contact.other_phones,
        coalesce(rekeyed.phone, contact.phone) AS phone,
        coalesce(rekeyed.name_key, contact.name_key) AS name_key
) AS found
""",
    f"""(
    EXISTS (SELECT FROM people AS other WHERE other.campaign_id = :campaign_id
        AND other.phone = {{phone}} AND other.name_key = {{name_key}} AND other.id <> found.id)
    OR EXISTS (SELECT FROM seen WHERE hashed = {_BY_NUMBER})
)""",  # noqa: S608
)
# The rows that would bring back people of undone uploads: for each person, the first row.
_DROP_BACK = text(f"""
WITH back AS (
    DELETE FROM incoming WHERE ordinal IN (
        SELECT DISTINCT ON (phone, name_key) ordinal FROM incoming i
        WHERE EXISTS (
            SELECT FROM contact WHERE contact.campaign_id = :campaign_id
                AND contact.phone = i.phone AND contact.name_key = i.name_key
                AND contact_list_id = ANY (CAST(:undone AS integer[]))
        ) AND NOT EXISTS (SELECT FROM seen WHERE hashed = {_BY_ROW_NUMBER})
        ORDER BY phone, name_key, ordinal
    ) RETURNING *
), noted AS (
    INSERT INTO seen SELECT {_BY_ROW_NUMBER} FROM back i ON CONFLICT DO NOTHING
)
SELECT ordinal FROM back
""")  # noqa: S608
# The rows whose person is already in the campaign, or in an earlier row of the file.
_DUPLICATES = text(
    f"""
SELECT ordinal, known, again FROM (
    SELECT i.ordinal, EXISTS (
        SELECT FROM people WHERE people.campaign_id = :campaign_id AND people.phone = i.phone
            AND people.name_key = i.name_key
            AND people.contact_list_id <> ALL (CAST(:undone AS integer[]))
    ) AS known, row_number() OVER (PARTITION BY phone, name_key ORDER BY ordinal) > 1
        OR EXISTS (SELECT FROM seen WHERE hashed = {_BY_ROW_NUMBER}) AS again
    FROM incoming i
) AS row WHERE known OR again
"""  # noqa: S608
)
_SEE_NEW = text(
    f"INSERT INTO seen SELECT {_BY_ROW_NUMBER} FROM incoming i ON CONFLICT DO NOTHING"  # noqa: S608
)
_BY_ID = _HASH.format(":mark || ' ' || id")
_SEE_PEOPLE = text(
    f"INSERT INTO seen SELECT {_BY_ID}"  # noqa: S608
    " FROM unnest(CAST(:ids AS bigint[])) AS id ON CONFLICT DO NOTHING"
)
_SEEN_PEOPLE = text(
    "SELECT id FROM unnest(CAST(:ids AS bigint[])) AS id"  # noqa: S608
    f" JOIN seen ON hashed = {_BY_ID}"
)
_REKEY = text("""
INSERT INTO rekeyed
SELECT id, coalesce(new.phone, contact.phone), coalesce(new.name_key, contact.name_key),
    coalesce(new.external_id, contact.external_id)
FROM unnest(CAST(:ids AS bigint[]), CAST(:phones AS text[]), CAST(:name_keys AS text[]),
            CAST(:external_ids AS text[])) AS new(id, phone, name_key, external_id)
JOIN contact USING (id)
""")
_BY_TAG = _HASH.format("'tag ' || contact_id || ' ' || tag")
_UNSEEN = f"AND NOT EXISTS (SELECT FROM seen WHERE hashed = {_BY_TAG})"
_NEW_TAGS = text(f"""
WITH {SENT_TAGS.format(lock="", also=_UNSEEN)}, noted AS (
    INSERT INTO seen SELECT {_BY_TAG} FROM new ON CONFLICT DO NOTHING
), old AS (
    SELECT contact_id, string_agg(DISTINCT tag, ', ' ORDER BY tag) AS tags FROM contact_tag
    WHERE contact_id IN (SELECT contact_id FROM new) GROUP BY contact_id
)
SELECT ordinal, coalesce(old.tags, '') AS before,
    concat_ws(', ', old.tags, string_agg(DISTINCT new.tag, ', ' ORDER BY new.tag)) AS after
FROM new LEFT JOIN old USING (contact_id) GROUP BY ordinal, old.tags
""")  # noqa: S608


class _Counting:
    """Finds out, one batch at a time, what an import would do with the rows of a file, and why.
    Groups and counts the rows by result and reason."""

    def __init__(
        self, campaign: Campaign, list_id: int, mapping: Mapping, plan: UpdatePlan
    ) -> None:
        self.rows = 0
        self._campaign, self._list_id = campaign, list_id
        self._mapping, self._plan = mapping, plan
        self._undone = undone_lists(campaign.id)
        self._groups: dict[tuple[Fate, str], Group] = {}
        self._columns: dict[str, ColumnChange] = {}
        self._first: ContactRow | None = None

    def add(self, chunk: Sequence[Row]) -> None:
        self.rows += len(chunk)
        country, allow_drama = self._campaign.country, self._campaign.allow_drama_numbers
        stored: dict[int, ContactRow] = {}
        told: set[str] = set()
        for row in chunk:
            read = normalise(row, self._mapping, country, allow_drama)
            if isinstance(read, RefusedRow):
                # Messages may have numbers in them, so rows are grouped by the code of the reason.
                group = self._groups.setdefault(
                    (Fate.REFUSED, read.reason), Group(Fate.REFUSED, read.message)
                )
                _count(group, row.number, _words_of(read, self._mapping))
            elif read.do_not_call:
                told.update((read.phone, *read.other_phones))
                _put(self._groups, Fate.DO_NOT_CALL, "The row itself says not to call.", read)
            else:
                stored[row.number] = read
        if told:
            db.session.execute(_TELL, {"phones": sorted(told)})
        fates = self._fates(stored)
        for number, read in stored.items():
            fate, why = fates.get(number, _NEW)
            if fate is Fate.NEW:
                self._first = self._first or read
            _put(self._groups, fate, why, read)

    def result(self) -> ImportCheck:
        order = list(Fate)
        groups = sorted(
            self._groups.values(), key=lambda group: (order.index(group.fate), -group.count)
        )
        return ImportCheck(self.rows, groups, self._first, list(self._columns.values()))

    def _fates(self, stored: dict[int, ContactRow]) -> dict[int, tuple[Fate, str]]:
        """For each of these rows, return what an import would do with the row, and why. The keys
        are row numbers. Rows that would add somebody who is on no list of the campaign, not even on
        an undone list, are not in the result."""
        fates: dict[int, tuple[Fate, str]] = {}
        if not stored:
            return fates
        batch = batch_of(stored.values(), 0, len(stored), self._campaign.country)
        persist.copy_incoming(batch.contacts)
        for number in db.session.scalars(_DROP_TOLD).all():
            fates[number] = _TOLD
        for number in persist.drop_suppressed():
            fates[number] = _LISTED
        persist.drop_dead_numbers()
        values = {"campaign_id": self._campaign.id, "undone": self._undone}
        if self._undone:
            for number in db.session.scalars(_DROP_BACK, values).all():
                fates[number] = _BACK
        if self._plan:
            self._update(fates)
        duplicates = db.session.execute(_DUPLICATES, values).all()
        for number, known, _ in duplicates:
            fates[number] = _KNOWN if known else _AGAIN
        drop_incoming([number for number, _, _ in duplicates])
        db.session.execute(_SEE_NEW)
        db.session.execute(text("DELETE FROM incoming"))
        return fates

    def _update(self, fates: dict[int, tuple[Fate, str]]) -> None:
        plan = self._plan
        known = known_rows(self._campaign.id, plan, self._list_id, _FIND)
        changing = without_clashes(known)
        fates.update((row.ordinal, _CLASHES) for row in known)
        fates.update((row.ordinal, _KNOWN) for row in changing)
        changes = self._new_changes(plan, changing, "updated")
        for row in changes:
            self._count_changes(row.ordinal, row.before, row.after, True, plan.empties)
            fates[row.ordinal] = _MOVED if "contact_list_id" in row.after else _UPDATED
        if not plan.empties:
            # An organiser learns what the empty cells would delete, and decides.
            counted = {row.ordinal: row.after for row in changes}
            for row in self._new_changes(replace(plan, empties=True), changing, "emptied"):
                if row.after == counted.get(row.ordinal):
                    continue  # none of its cells is empty
                differs = self._count_changes(row.ordinal, row.before, row.after, False, True)
                if not differs and fates[row.ordinal] is _KNOWN:
                    fates[row.ordinal] = _ONLY_EMPTY
        self._rekey(changes)
        if changing and TAGS in plan.parts:
            values = {
                "ordinals": [row.ordinal for row in changing],
                "contact_ids": [row.contact_id for row in changing],
            }
            for row in db.session.execute(_NEW_TAGS, values).all():
                self._count_changes(row.ordinal, {TAGS: row.before}, {TAGS: row.after}, True, False)
                if fates[row.ordinal] is not _MOVED:
                    fates[row.ordinal] = _UPDATED
        drop_incoming([row.ordinal for row in known])

    def _new_changes(
        self, plan: UpdatePlan, known: Sequence[SqlRow[Any]], mark: str
    ) -> Sequence[SqlRow[Any]]:
        """Return the changes that `read_changes` finds, except changes to people whom an earlier
        batch would change. `mark` distinguishes the entries of this plan in the table `seen` from
        the entries of other plans."""
        ids = [row.contact_id for row in known]
        seen = set(db.session.scalars(_SEEN_PEOPLE, {"mark": mark, "ids": ids}))
        unseen = [row for row in known if row.contact_id not in seen]
        changes = sorted(read_changes(plan, unseen, self._list_id), key=lambda row: row.ordinal)
        db.session.execute(_SEE_PEOPLE, {"mark": mark, "ids": [row.id for row in changes]})
        return changes

    def _rekey(self, changes: Sequence[SqlRow[Any]]) -> None:
        keys = {"phone", "name_key", "external_id"}
        rekeyed = [row for row in changes if keys.intersection(row.after)]
        if rekeyed:
            values = {f"{key}s": [row.after.get(key) for row in rekeyed] for key in keys}
            db.session.execute(_REKEY, values | {"ids": [row.id for row in rekeyed]})

    def _count_changes(
        self,
        number: int,
        before: dict[str, Any],
        after: dict[str, Any],
        values: bool,
        empties: bool,
    ) -> bool:
        """Count the changes that the row `number` would make. New values are counted if `values` is
        true, and deleted values if `empties` is true. Return whether the row has a new value."""
        old, new = self._named(before), self._named(after)
        differs = False
        for name in {**old, **new}:
            was, becomes = old.get(name, ""), new.get(name, "")
            if was == becomes:
                continue
            differs = differs or bool(becomes)
            if not (values if becomes else empties):
                continue
            column = self._columns.setdefault(name, ColumnChange(name))
            if becomes:
                column.changed += 1
            else:
                column.emptied += 1
            if len(column.samples) < SAMPLES:
                sample = (was[:LONGEST_SAMPLE], becomes[:LONGEST_SAMPLE])
                column.samples.append((number, *sample))
        return differs

    def _named(self, values: dict[str, Any]) -> dict[str, str]:
        """Return the values of a change as text, keyed by the column names that pages show."""
        named = {str(key): str(value) for key, value in (values.get("fields") or {}).items()}
        if NAME in self._plan.parts:
            parts = (values.get("first_name"), values.get("last_name"))
            named["Name"] = " ".join(filter(None, parts))
        if NUMBERS in self._plan.parts:
            numbers = (values.get("phone"), *(values.get("other_phones") or ()))
            named["Phone numbers"] = ", ".join(filter(None, numbers))
        for target in ("external_id", "postcode", "email", "language", TAGS):
            named[FIELDS[target]] = values.get(target) or ""
        if "time_zone" in self._plan.parts:
            named[FIELDS["time_zone"]] = values.get("zone_key") or ""
        return named


_NEW = (Fate.NEW, "They are not in this campaign yet.")
_BACK = (Fate.NEW, "They come back from a list that was undone, with their earlier calls.")
_UPDATED = (
    Fate.UPDATED,
    "They are in this campaign already. The details that you ticked will be updated.",
)
_MOVED = (
    Fate.UPDATED,
    "They are in this campaign already. They will get a new number, and move to this list.",
)
_KNOWN = (Fate.DUPLICATE, "They are in this campaign already.")
_ONLY_EMPTY = (
    Fate.DUPLICATE,
    "They are in this campaign already, and differ only where the file's cells are empty.",
)
_CLASHES = (Fate.DUPLICATE, "Somebody else in this campaign has this name and number.")
_AGAIN = (Fate.DUPLICATE, "An earlier row has the same number and name.")
_LISTED = (Fate.DO_NOT_CALL, "A number is on the do-not-call list.")
_TOLD = (Fate.DO_NOT_CALL, "Another row of this file says not to call this number.")


def _put(groups: dict[tuple[Fate, str], Group], fate: Fate, why: str, row: ContactRow) -> None:
    group = groups.setdefault((fate, why), Group(fate, why))
    name = f"{row.first_name} {row.last_name}".strip()
    _count(group, row.row_number, ", ".join(filter(None, (name, row.phone_original))))


def _count(group: Group, number: int, says: str) -> None:
    group.count += 1
    if len(group.samples) < SAMPLES:
        group.samples.append((number, says[:LONGEST_SAMPLE] or "(empty)"))


def _words_of(refused: RefusedRow, mapping: Mapping) -> str:
    """Return the name cells and the faulty cell of a refused row, as one text. If no single column
    is at fault, return all cells of the row."""
    return ", ".join(_cells_to_show(refused, mapping))


def _cells_to_show(refused: RefusedRow, mapping: Mapping) -> Iterator[str]:
    headers = [header.strip() for header in mapping.headers]
    fault = headers.index(refused.column) if refused.column in headers else None
    for column, cell in enumerate(refused.cells):
        shown = fault is None or column == fault or column in mapping.name_columns
        if shown and (words := " ".join(cell.split())):
            yield words
