"""Adds calls to tallies (stored totals), and sums tallies. These functions do not commit.

A tally changes in the same transaction as the calls that it counts. Each tally counts the calls of
only one caller, and a party's totals are the sums of many tallies. So callers who record outcomes
at the same time change different tallies, and do not wait for each other's tallies.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import InstrumentedAttribute

from phonebank.core.db import db
from phonebank.live.change_marks import mark_after_commit
from phonebank.models import Call, Caller, Tally

# The values that one recorded row of `call` adds, in the order of the columns in `sql_to_add`.
COUNTED_CALL = """
campaign_id, party_id, caller_id, date_trunc('hour', recorded_at, 'UTC'), 1, CAST(reached AS int),
CAST(conversation AS int), CAST(yes AS int), CAST(conversation AND NOT too_fast AS int), 1
"""


def sql_to_add(rows: str) -> str:
    """Return the SQL statement that adds the numbers in some rows to the tallies. `rows` is the SQL
    that yields these rows."""
    return f"""
INSERT INTO tally AS t (campaign_id, party_id, caller_id, hour,
                        calls, reached, conversations, yeses, ranked, version)
{rows}
ON CONFLICT (campaign_id, party_id, caller_id, hour) DO UPDATE
SET calls = t.calls + excluded.calls,
    reached = t.reached + excluded.reached,
    conversations = t.conversations + excluded.conversations,
    yeses = t.yeses + excluded.yeses,
    ranked = t.ranked + excluded.ranked,
    version = t.version + 1
"""


_ADD = text(
    sql_to_add(
        "VALUES (:campaign_id, :party_id, :caller_id, :hour,"
        " :calls, :reached, :conversations, :yeses, :ranked, 1)"
    )
)


@dataclass(frozen=True)
class Totals:
    """The sums of several tallies. `version` grows with every change of these tallies, so it shows
    which of two sums of the same tallies is newer."""

    version: int = 0
    calls: int = 0
    reached: int = 0
    conversations: int = 0
    yeses: int = 0


@dataclass(frozen=True)
class CallerTotals:
    """One caller's totals in a party."""

    caller_id: int
    first_name: str
    hidden: bool
    calls: int
    reached: int
    conversations: int
    yeses: int


def hour_of(moment: datetime) -> datetime:
    """Return the start of the hour in UTC that contains `moment`. The tally of this hour counts a
    call that is recorded at `moment`."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def add(
    campaign_id: int,
    party_id: int | None,
    caller_id: int,
    at: datetime,
    calls: int = 0,
    reached: int = 0,
    conversations: int = 0,
    yeses: int = 0,
    ranked: int = 0,
) -> None:
    """Add these numbers to the tally of this caller, party and hour. Negative numbers make the
    tally smaller.

    `ranked` counts the conversations that were not recorded too fast (see `models.Tally`). `at` is
    the call's `recorded_at`, even for a subtraction, so that addition and subtraction change the
    same row. After the transaction commits, the party (if there is one) is marked as changed, so
    that pages with the party's figures are updated.
    """
    db.session.execute(
        _ADD,
        {
            "campaign_id": campaign_id,
            "party_id": party_id,
            "caller_id": caller_id,
            "hour": hour_of(at),
            "calls": calls,
            "reached": reached,
            "conversations": conversations,
            "yeses": yeses,
            "ranked": ranked,
        },
    )
    mark_after_commit(party_id)


def add_call(call: Call, sign: int) -> None:
    """Add a call to the tally that counts it (`sign` 1), or subtract it (`sign` -1). Do nothing if
    the call does not count, is not recorded, or belongs to no caller."""
    if not call.counted or call.recorded_at is None or call.caller_id is None:
        return
    add(
        call.campaign_id,
        call.party_id,
        call.caller_id,
        call.recorded_at,
        calls=sign,
        reached=sign * call.reached,
        conversations=sign * call.conversation,
        yeses=sign * call.yes,
        ranked=sign * (call.conversation and not call.too_fast),
    )


def party_totals(party_ids: Iterable[int]) -> dict[int, Totals]:
    """Return the totals of these parties, by party id. A single statement reads all of them. A
    party without calls has zeros."""
    return _totals_by(Tally.party_id, party_ids)


def campaign_totals(campaign_id: int) -> Totals:
    """Return the totals of a campaign, over all its parties and callers."""
    row = db.session.execute(
        _summed(func.min(Tally.campaign_id)).where(Tally.campaign_id == campaign_id)
    ).one()
    return _totals(row[1:])


def totals_by_hour(campaign_id: int, since: datetime | None = None) -> dict[datetime, Totals]:
    """Return a campaign's totals for each hour that has a tally. The keys are the starts of the
    hours, in UTC. With `since` (aware), leave out the hours that ended before `since`."""
    query = _summed(Tally.hour).where(Tally.campaign_id == campaign_id)
    if since is not None:
        query = query.where(Tally.hour >= hour_of(since))
    rows = db.session.execute(query.group_by(Tally.hour))
    # The keys are in UTC, because two hours of a year have the same local time.
    return {row[0].astimezone(UTC): _totals(row[1:]) for row in rows}


def caller_totals(party_id: int) -> list[CallerTotals]:
    """Return the totals of each caller who has counted calls in the party. The callers are sorted
    by conversations and then by calls, highest first."""
    conversations = func.sum(Tally.conversations)
    calls = func.sum(Tally.calls)
    rows = db.session.execute(
        select(
            Caller.id,
            Caller.first_name,
            Caller.hidden,
            calls,
            func.sum(Tally.reached),
            conversations,
            func.sum(Tally.yeses),
        )
        .join(Caller, Caller.id == Tally.caller_id)
        .where(Tally.party_id == party_id)
        .group_by(Caller.id)
        .having(calls > 0)
        .order_by(conversations.desc(), calls.desc(), Caller.id)
    )
    return [CallerTotals(row[0], row[1], row[2], *map(int, row[3:])) for row in rows]


def totals_of_callers(caller_ids: Iterable[int]) -> dict[int, Totals]:
    """Return the totals of these callers, by caller id. A single statement reads all of them. A
    caller without calls has zeros."""
    return _totals_by(Tally.caller_id, caller_ids)


def totals_of_caller(caller_id: int, since: datetime | None = None) -> Totals:
    """Return one caller's totals. With `since`, count from the start of the hour that contains
    `since`."""
    query = _summed(func.min(Tally.caller_id)).where(Tally.caller_id == caller_id)
    if since is not None:
        query = query.where(Tally.hour >= hour_of(since))
    return _totals(db.session.execute(query).one()[1:])


def _totals_by(key: InstrumentedAttribute[Any], ids: Iterable[int]) -> dict[int, Totals]:
    wanted = list(ids)
    rows = db.session.execute(_summed(key).where(key.in_(wanted)).group_by(key))
    found = {row[0]: _totals(row[1:]) for row in rows}
    return {one: found.get(one, Totals()) for one in wanted}


def _summed(key: object) -> Select[*tuple[Any, ...]]:
    summed: Select[*tuple[Any, ...]] = select(
        key,  # type: ignore[call-overload]
        func.sum(Tally.version),
        func.sum(Tally.calls),
        func.sum(Tally.reached),
        func.sum(Tally.conversations),
        func.sum(Tally.yeses),
    )
    return summed


def _totals(sums: Iterable[int | None]) -> Totals:
    # PostgreSQL sums bigints to Decimal, and to None over no rows.
    return Totals(*(int(value or 0) for value in sums))
