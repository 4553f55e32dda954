"""Finds out before an import what would happen to the rows of a stored file. It stores nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from itertools import islice

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.csv_input.column_mapping import Mapping
from phonebank.lists import persist
from phonebank.lists.batching import Batch, batch_of
from phonebank.lists.normalise import ContactRow, RefusedRow, normalise
from phonebank.lists.uploads import rows_of
from phonebank.models import Campaign, ContactList, ListState
from phonebank.models.state_column import state_sql

# The check reads this many rows, which takes about half a second. A page must not wait for more.
ROWS_CHECKED = 10_000
SAMPLES = 5
LONGEST_SAMPLE = 80  # characters
# An organiser must agree if a larger share of the rows would be refused.
SHARE_TO_ASK_ABOUT = 0.3


class Fate(StrEnum):
    """The possible results for a row, in the order of the page."""

    NEW = "new"
    DUPLICATE = "duplicate"
    DO_NOT_CALL = "do_not_call"
    REFUSED = "refused"


@dataclass
class Group:
    """Rows with the same fate for the same reason. `samples` are the first few: each row's number
    in the spreadsheet, and what it says."""

    fate: Fate
    why: str
    count: int = 0
    samples: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class ImportCheck:
    """What would happen to the first `rows` rows of a file. `first` is the person whom callers
    would get first; None if nobody is new."""

    rows: int
    groups: list[Group]
    first: ContactRow | None

    def count(self, fate: Fate) -> int:
        """Return how many of the rows have this fate."""
        return sum(group.count for group in self.groups if group.fate == fate)

    @property
    def needs_agreement(self) -> bool:
        """Whether an organiser must agree before this many of the rows are refused."""
        return self.count(Fate.REFUSED) > self.rows * SHARE_TO_ASK_ABOUT


def token_of(mapping: Mapping) -> str:
    """Return a short text that is the same for the same columns and decisions about values."""
    decided = sorted((column, sorted(of.items())) for column, of in mapping.actions.items())
    return sha256(repr((mapping.targets, decided)).encode()).hexdigest()[:16]


def check_import(
    campaign: Campaign, contact_list: ContactList, mapping: Mapping, at_most: int = ROWS_CHECKED
) -> ImportCheck:
    """Return what would happen to a stored file's first rows.

    `mapping` belongs to the file, and `faults_of` finds no fault with it. Another import at the
    same time may change what happens. Raises InvalidFileError at a row that cannot be read.
    """
    groups: dict[tuple[Fate, str], Group] = {}
    stored: dict[int, ContactRow] = {}
    told: set[str] = set()  # numbers of rows that say "do not call"
    rows = 0
    for row in islice(rows_of(contact_list), 1, 1 + at_most):
        rows += 1
        read = normalise(row, mapping, campaign.country, campaign.allow_drama_numbers)
        if isinstance(read, RefusedRow):
            # Messages may have numbers in them, so rows are grouped by the code of the reason.
            kept = groups.setdefault((Fate.REFUSED, read.reason), Group(Fate.REFUSED, read.message))
            _count(kept, row.number, _words_of(read, mapping))
        elif read.do_not_call:
            told.update((read.phone, *read.other_phones))
            _put(groups, Fate.DO_NOT_CALL, "The row itself says not to call.", read)
        else:
            stored[row.number] = read
    first = None
    fates = _fates(campaign, batch_of(stored.values(), 0, len(stored), campaign.country))
    for number, read in stored.items():
        fate, why = fates.get(number, _NEW)
        if told.intersection((read.phone, *read.other_phones)):
            fate, why = Fate.DO_NOT_CALL, "Another row of this file says not to call this number."
        if fate is Fate.NEW:
            first = first or read
        _put(groups, fate, why, read)
    order = list(Fate)
    return ImportCheck(
        rows, sorted(groups.values(), key=lambda of: (order.index(of.fate), -of.count)), first
    )


_NEW = (Fate.NEW, "People that callers will get.")

# The rows that are in the campaign already, or further up in the file. People of undone uploads
# come back, so they are not duplicates.
_DUPLICATES = """
SELECT i.ordinal, EXISTS (
    SELECT FROM contact JOIN contact_list AS list ON list.id = contact.contact_list_id
    WHERE contact.campaign_id = :campaign_id AND contact.phone = i.phone
        AND contact.name_key = i.name_key AND list.state <> :undone
) AS known, row_number() OVER (PARTITION BY phone, name_key ORDER BY ordinal) > 1 AS again
FROM incoming i
"""


def _fates(campaign: Campaign, batch: Batch) -> dict[int, tuple[Fate, str]]:
    """Return the fate of each row that would not be stored, by its number in the spreadsheet.

    The rows go through the import's own statements, in a savepoint that is rolled back.
    """
    fates: dict[int, tuple[Fate, str]] = {}
    if not batch.contacts:
        return fates
    savepoint = db.session.begin_nested()
    try:
        persist.copy_incoming(batch.contacts)
        for number in persist.drop_suppressed():
            fates[number] = (Fate.DO_NOT_CALL, "A number is on the do-not-call list.")
        persist.drop_dead_numbers()
        query = state_sql(_DUPLICATES, undone=ListState.UNDONE)
        for number, known, again in db.session.execute(text(query), {"campaign_id": campaign.id}):
            if known:
                fates[number] = (Fate.DUPLICATE, "They are in this campaign already.")
            elif again:
                fates[number] = (Fate.DUPLICATE, "The same number and name are further up.")
    finally:
        savepoint.rollback()
    return fates


def _put(groups: dict[tuple[Fate, str], Group], fate: Fate, why: str, row: ContactRow) -> None:
    group = groups.setdefault((fate, why), Group(fate, why))
    name = f"{row.first_name} {row.last_name}".strip()
    _count(group, row.row_number, ", ".join(filter(None, (name, row.phone_original))))


def _count(group: Group, number: int, says: str) -> None:
    group.count += 1
    if len(group.samples) < SAMPLES:
        group.samples.append((number, says[:LONGEST_SAMPLE] or "(empty)"))


def _words_of(refused: RefusedRow, mapping: Mapping) -> str:
    """Return the names and the faulty cell of a refused row. If no column is at fault, return all
    its cells."""
    return ", ".join(_cells_to_show(refused, mapping))


def _cells_to_show(refused: RefusedRow, mapping: Mapping) -> Iterator[str]:
    headers = [header.strip() for header in mapping.headers]
    fault = headers.index(refused.column) if refused.column in headers else None
    for column, cell in enumerate(refused.cells):
        shown = fault is None or column == fault or column in mapping.name_columns
        if shown and (words := " ".join(cell.split())):
            yield words
