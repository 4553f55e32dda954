"""Finds out, before an import, what would happen to each row of a stored file. Stores nothing.

The check runs the import's SQL statements on the rows, in a savepoint that is rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from hashlib import sha256
from itertools import islice
from typing import Any

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.csv_input.column_mapping import FIELDS, Mapping
from phonebank.csv_input.rows import Row
from phonebank.lists import persist
from phonebank.lists.batching import BATCH, batch_of
from phonebank.lists.known_people import (
    NAME,
    NUMBERS,
    TAGS,
    UpdatePlan,
    drop_incoming,
    first_of_each,
    known_rows,
    learn_sizes,
    read_changes,
    read_new_tags,
)
from phonebank.lists.normalise import ContactRow, RefusedRow, normalise
from phonebank.lists.uploads import rows_of
from phonebank.models import Campaign, ContactList, ListState
from phonebank.models.state_column import state_sql

SAMPLES = 5
LONGEST_SAMPLE = 80  # characters
# An organiser must agree if a larger share of the rows would be refused.
SHARE_TO_ASK_ABOUT = 0.3


class Fate(StrEnum):
    """What an import may do with a row, in the order in which the page shows these results."""

    NEW = "new"
    UPDATED = "updated"
    DUPLICATE = "duplicate"
    DO_NOT_CALL = "do_not_call"
    REFUSED = "refused"


@dataclass
class Group:
    """Rows with which an import would do the same thing for the same reason. `samples` are the
    first few rows: each has its number in the spreadsheet and its text."""

    fate: Fate
    why: str
    count: int = 0
    samples: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class ColumnChange:
    """What would change in one column for people who are already in the campaign. `changed` counts
    the people who would get a different value. `emptied` counts the people who have a value, but an
    empty cell in the file. `samples` are the first few changes: each has the row's number, the old
    value and the new value."""

    name: str
    changed: int = 0
    emptied: int = 0
    samples: list[tuple[int, str, str]] = field(default_factory=list)


@dataclass
class ImportCheck:
    """What an import would do with the `rows` rows of a file. `first` is the first new person whom
    callers would get, or None if nobody in the file is new."""

    rows: int
    groups: list[Group]
    first: ContactRow | None
    columns: list[ColumnChange] = field(default_factory=list)

    @property
    def emptied(self) -> int:
        """The number of stored values that empty cells of the file would delete."""
        return sum(column.emptied for column in self.columns)

    def to_json(self) -> dict[str, Any]:
        """Return the check as JSON, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> ImportCheck:
        """Return the check from the JSON that `to_json` returned."""
        return cls(
            stored["rows"],
            [Group(**group | {"fate": Fate(group["fate"])}) for group in stored["groups"]],
            ContactRow(**stored["first"]) if stored["first"] else None,
            [ColumnChange(**column) for column in stored["columns"]],
        )

    def count(self, fate: Fate) -> int:
        """Return how many of the rows would have this fate in an import."""
        return sum(group.count for group in self.groups if group.fate == fate)

    @property
    def needs_agreement(self) -> bool:
        """Whether an organiser must agree to the import, because more than SHARE_TO_ASK_ABOUT of
        the rows would be refused."""
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
    """Return what would happen to the rows of a stored file.

    `mapping` says what each column of the file contains. `faults_of` must have found no fault in
    it. `plan` says which values are updated for people who are already in the campaign. `progress`
    is called with the number of rows read so far. The result may be wrong if another import runs at
    the same time. Raises InvalidFileError at the first row that cannot be read.
    """
    counting = _Counting(campaign, mapping, plan or UpdatePlan())
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


# What the earlier rows of the file contain: the numbers of rows that say "do not call", and hashes
# of the people. These are database tables, because a million people would need a hundred megabytes
# of memory in this process.
_TABLES = """
CREATE TEMP TABLE told (phone text PRIMARY KEY);
CREATE TEMP TABLE seen (person bigint PRIMARY KEY);
"""
_TELL = text("""
INSERT INTO told SELECT unnest(CAST(:phones AS text[])) ON CONFLICT DO NOTHING
""")
_DROP_TOLD = text("""
DELETE FROM incoming WHERE EXISTS (
    SELECT FROM told WHERE told.phone = ANY (incoming.other_phones || incoming.phone)
) RETURNING ordinal
""")
_PERSON = "hashtextextended({}, 0)"
_BY_NUMBER = _PERSON.format("i.phone || ' ' || i.name_key")
# The rows whose person is already in the campaign, or in an earlier row of the file. People of
# undone uploads come back, so they are not duplicates.
_DUPLICATES = text(
    state_sql(
        f"""
SELECT i.ordinal, EXISTS (
    SELECT FROM contact JOIN contact_list AS list ON list.id = contact.contact_list_id
    WHERE contact.campaign_id = :campaign_id AND contact.phone = i.phone
        AND contact.name_key = i.name_key AND list.state <> :undone
) AS known, row_number() OVER (PARTITION BY phone, name_key ORDER BY ordinal) > 1
    OR EXISTS (SELECT FROM seen WHERE person = {_BY_NUMBER}) AS again
FROM incoming i
""",  # noqa: S608
        undone=ListState.UNDONE,
    )
)
_SEE_NUMBERS = text(
    f"INSERT INTO seen SELECT {_BY_NUMBER} FROM incoming i ON CONFLICT DO NOTHING"  # noqa: S608
)
_SEE_PEOPLE = text(
    f"INSERT INTO seen SELECT {_PERSON.format('id::text')}"  # noqa: S608
    " FROM unnest(CAST(:ids AS bigint[])) AS id ON CONFLICT DO NOTHING"
)
_SEEN_PEOPLE = text(
    "SELECT id FROM unnest(CAST(:ids AS bigint[])) AS id"  # noqa: S608
    f" JOIN seen ON person = {_PERSON.format('id::text')}"
)


class _Counting:
    """Counts the rows of a file by what an import would do with them, and why, one batch at a
    time."""

    def __init__(self, campaign: Campaign, mapping: Mapping, plan: UpdatePlan) -> None:
        self.rows = 0
        self._campaign, self._mapping, self._plan = campaign, mapping, plan
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
        """Return what would happen to each row that would not add a new person, by row number."""
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
        if self._plan:
            self._update(fates)
        values = {"campaign_id": self._campaign.id}
        for number, known, again in db.session.execute(_DUPLICATES, values).all():
            if known or again:
                fates.setdefault(number, _KNOWN if known else _AGAIN)
        db.session.execute(_SEE_NUMBERS)
        db.session.execute(text("DELETE FROM incoming"))
        return fates

    def _update(self, fates: dict[int, tuple[Fate, str]]) -> None:
        known = known_rows(self._campaign.id)
        ids = {"ids": [row.contact_id for row in known]}
        seen = set(db.session.scalars(_SEEN_PEOPLE, ids))
        for row in known:
            fates[row.ordinal] = _CLASHES if row.clashes else _KNOWN
        changing = [row for row in first_of_each(known) if row.contact_id not in seen]
        # The plan is read with emptied values, so that an organiser learns of them and decides.
        reading = UpdatePlan(self._plan.parts, self._plan.fields, empties=True)
        for row in read_changes(reading, changing):
            changes = self._count_changes(row.ordinal, row.before, row.after)
            fates[row.ordinal] = _UPDATED if changes else _ONLY_EMPTY
        for row in read_new_tags(reading, changing):
            self._count_changes(row.ordinal, {TAGS: row.before}, {TAGS: row.after})
            fates[row.ordinal] = _UPDATED
        db.session.execute(_SEE_PEOPLE, ids)
        drop_incoming([row.ordinal for row in known])

    def _count_changes(self, number: int, before: dict[str, Any], after: dict[str, Any]) -> bool:
        """Count the changes that one row makes, and return whether the person would change."""
        old, new = self._named(before), self._named(after)
        changes = False
        for name in {**old, **new}:
            was, becomes = old.get(name, ""), new.get(name, "")
            if was == becomes:
                continue
            column = self._columns.setdefault(name, ColumnChange(name))
            if becomes:
                column.changed += 1
            else:
                column.emptied += 1
            changes = changes or bool(becomes) or self._plan.empties
            if len(column.samples) < SAMPLES:
                sample = (was[:LONGEST_SAMPLE], becomes[:LONGEST_SAMPLE])
                column.samples.append((number, *sample))
        return changes

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


_NEW = (Fate.NEW, "People that callers will get.")
_UPDATED = (Fate.UPDATED, "They are in this campaign already, and will get the values you named.")
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
    """Return the name cells and the faulty cell of a refused row. If no single column is at fault,
    return all cells of the row."""
    return ", ".join(_cells_to_show(refused, mapping))


def _cells_to_show(refused: RefusedRow, mapping: Mapping) -> Iterator[str]:
    headers = [header.strip() for header in mapping.headers]
    fault = headers.index(refused.column) if refused.column in headers else None
    for column, cell in enumerate(refused.cells):
        shown = fault is None or column == fault or column in mapping.name_columns
        if shown and (words := " ".join(cell.split())):
            yield words
