"""Finds out whom a file names, before the file takes these people out of calling (stops calls to
them). This module changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from phonebank.csv_input.column_mapping import Mapping
from phonebank.lists.known_people import learn_sizes
from phonebank.lists.take_out import STILL_THERE, count_rows, named_people, people_left, read_row
from phonebank.lists.uploads import rows_of
from phonebank.models import Campaign, ContactList

BATCH = 10_000
SAMPLES = 5
LONGEST_SAMPLE = 80  # characters
# An organiser must agree if the file would take out a larger share than this of the people who are
# left.
SHARE_TO_ASK_ABOUT = 0.5


@dataclass
class TakeOutCheck:
    """The result of checking what a file would do.

    `left` is the number of people who can still be taken out of calling. `people` is the number of
    people whom the file would take out. `rows` is the number of the file's rows. `taken`,
    `already`, `unknown` and `refused` count the rows by their result, as in `take_out.RowCounts`.
    Each sample has a row's number. A sample in `taken_samples` also has the name of a person whom
    the row would take out. The other samples also have the row's text.
    """

    left: int
    rows: int = 0
    people: int = 0
    taken: int = 0
    already: int = 0
    unknown: int = 0
    refused: int = 0
    taken_samples: list[tuple[int, str]] = field(default_factory=list)
    unknown_samples: list[tuple[int, str]] = field(default_factory=list)
    refused_samples: list[tuple[int, str]] = field(default_factory=list)

    @property
    def needs_agreement(self) -> bool:
        """Whether an organiser must agree, because the file would take too many people out of
        calling. Too many means more than the share SHARE_TO_ASK_ABOUT of the people who can still
        be taken out."""
        return self.people > self.left * SHARE_TO_ASK_ABOUT

    def to_json(self) -> dict[str, Any]:
        """Return the check as a dictionary that can be stored as JSON. `TakeOutCheck(**…)` makes a
        check from it again."""
        return asdict(self)


def check_take_out(
    campaign: Campaign,
    contact_list: ContactList,
    mapping: Mapping,
    progress: Callable[[int], None] = lambda rows: None,
) -> TakeOutCheck:
    """Find out what a stored file would do. `mapping` says what its columns contain.

    `progress` is called with the number of rows read so far. Raises InvalidFileError at the first
    row that cannot be read.
    """
    learn_sizes()
    check = TakeOutCheck(people_left(campaign))
    rows = islice(rows_of(contact_list), 1, None)
    seen: set[int] = set()
    while chunk := [read_row(row, mapping, campaign.country) for row in islice(rows, BATCH)]:
        named = named_people(campaign, chunk)
        takes = {row.contact_id for row in named if row.state in STILL_THERE} - seen
        seen |= takes
        counts = count_rows(chunk, named, takes)
        check.rows += len(chunk)
        check.people += len(takes)
        check.taken += counts.taken
        check.already += counts.already
        check.unknown += counts.unknown
        check.refused += len(counts.refused)
        known = {row.ordinal for row in named}
        for person in named:
            if person.contact_id in takes:
                takes.discard(person.contact_id)  # a sample of each
                words = f"{person.first_name} {person.last_name}".strip() or "Name not known"
                _sample(check.taken_samples, person.ordinal, words)
        for row in chunk:
            words = ", ".join(cell.strip() for cell in row.cells if cell.strip())
            if not row.external_id and not row.phones:
                _sample(check.refused_samples, row.number, words)
            elif row.number not in known:
                _sample(check.unknown_samples, row.number, words)
        progress(check.rows)
    return check


def _sample(samples: list[tuple[int, str]], number: int, words: str) -> None:
    if len(samples) < SAMPLES:
        samples.append((number, words[:LONGEST_SAMPLE] or "(empty)"))
