"""The records of the calls that a machine dialled for a campaign. They are rows of a file, so that
anybody can check them.

The file has a row for each line: each telephone connection to a person. It also has a row for each
decision of the predictive rule to dial lines. The file contains no names and no telephone numbers.
`number_key` shows which lines went to the same number, and nothing else.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TextIO

from phonebank.pacing.snapshot import Decision, Snapshot


class LineResult(StrEnum):
    """The result of a line (telephone connection) to a person."""

    UNANSWERED = "unanswered"
    PERSON = "person"  # a person was joined with a caller
    MACHINE = "machine"  # a machine or a wrong line was joined with a caller
    LOST = "lost"  # a person was joined, and the caller vanished
    ABANDONED = "abandoned"  # somebody or a machine answered, and was joined with nobody
    OPEN = "open"  # it has not ended yet, or nobody has recorded how the call ended


@dataclass(frozen=True, slots=True)
class LineRecord:
    """The record of a line (telephone connection) to a person. All moments are aware datetimes. The
    moment of an event that has not happened is None."""

    line: int
    day: date  # the campaign's own day
    number_key: str  # "" if the person was erased
    shown: bool  # whether the campaign's number was shown
    decision: int | None  # None: a caller was kept free for this line
    result: LineResult
    cause: str  # why it ended; "" while it is open
    dialled_at: datetime | None
    answered_at: datetime | None
    joined_at: datetime | None
    message_at: datetime | None  # when the information message began
    ended_at: datetime | None
    # When any campaign last abandoned a call to this number, before this line.
    last_abandoned_at: datetime | None


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """The record of a decision of the pacing rule. It has the figures on which the rule based the
    decision (see `pacing.snapshot`)."""

    decision: int
    day: date
    at: datetime
    lines: int
    stop: str
    ready: int
    talking: int
    wrapping_up: int
    ringing: int
    waiting: int
    people: int
    machines: int
    abandoned: int
    lost: int
    ceiling: float
    answer_bound: float | None
    limit: float | None
    chance: float | None
    allowed: int | None
    exposure: int | None


def values_of(moment: Snapshot, decision: Decision) -> dict[str, Any]:
    """Return the values for a record of this decision: all fields of DecisionRecord except the
    first three."""
    account = moment.account
    return {
        "lines": decision.lines,
        "stop": decision.stop or "",
        "ready": moment.ready,
        "talking": len(moment.talking),
        "wrapping_up": len(moment.wrapping_up),
        "ringing": len(moment.ringing),
        "waiting": moment.waiting,
        "people": account.people,
        "machines": account.machines,
        "abandoned": account.abandoned,
        "lost": account.lost,
        "ceiling": moment.law.ceiling,
        "answer_bound": decision.answer_bound,
        "limit": decision.limit,
        "chance": decision.chance,
        "allowed": decision.allowed,
        "exposure": decision.exposure,
    }


Record = LineRecord | DecisionRecord
KINDS: dict[str, type[Record]] = {"line": LineRecord, "decision": DecisionRecord}
COLUMNS = (
    "record",
    *dict.fromkeys(field.name for kind in KINDS.values() for field in fields(kind)),
)


class RecordError(ValueError):
    """The error for a file of records that cannot be read. The error's text names the row and the
    column."""


def cells_of(record: Record) -> list[str]:
    """Return the cells of a record's row, in the order of COLUMNS."""
    kind = next(name for name, cls in KINDS.items() if isinstance(record, cls))
    row = {"record": kind} | {
        field.name: _cell(getattr(record, field.name)) for field in fields(record)
    }
    return [row.get(column, "") for column in COLUMNS]


def read_records(file: TextIO) -> Iterator[Record]:
    """Read the records in a file. Raises RecordError for a row that cannot be read."""
    for number, row in enumerate(csv.DictReader(file), start=2):
        kind = KINDS.get(row.get("record") or "")
        if kind is None:
            raise RecordError(f"Row {number}: record: must be one of {', '.join(KINDS)}.")
        values = {}
        for field in fields(kind):
            try:
                values[field.name] = _READ[field.type](row[field.name] or "")
            except (KeyError, TypeError, ValueError) as fault:
                raise RecordError(f"Row {number}: {field.name}: {fault}") from fault
        yield kind(**values)


def write_records(file: TextIO, records: Iterable[Record], header: bool = True) -> None:
    """Write records as rows of a file. If `header` is true, write the column names first."""
    rows = csv.writer(file)
    if header:
        rows.writerow(COLUMNS)
    rows.writerows(cells_of(record) for record in records)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else str(value)


def _yes(text: str) -> bool:
    return {"yes": True, "no": False}[text]


_READ: dict[Any, Callable[[str], Any]] = {
    int: int,
    float: float,
    str: str,
    bool: _yes,
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    LineResult: LineResult,
    int | None: lambda text: int(text) if text else None,
    float | None: lambda text: float(text) if text else None,
    datetime | None: lambda text: datetime.fromisoformat(text) if text else None,
}
