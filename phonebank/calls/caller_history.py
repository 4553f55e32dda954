"""Counts the contacts that one caller had on screen and the outcomes that the caller recorded. An
organiser reads the counts before deciding what to do about the caller."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text

from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.models import Caller, Campaign

_SIGHTS = text("""
SELECT count(*) AS people,
       count(*) FILTER (WHERE started_at > :hour_ago) AS last_hour,
       count(*) FILTER (WHERE recorded_at IS NOT NULL) AS recorded,
       count(*) FILTER (WHERE too_fast) AS too_fast,
       coalesce(max(in_a_minute), 0) AS most_in_a_minute,
       percentile_cont(0.5) WITHIN GROUP (
           ORDER BY extract(epoch FROM ended_at - started_at)::float8
       ) AS usual_seconds
FROM (
    SELECT started_at, ended_at, recorded_at, too_fast,
           count(*) OVER (ORDER BY started_at
                          RANGE BETWEEN interval '1 minute' PRECEDING AND CURRENT ROW)
               AS in_a_minute
    FROM call WHERE caller_id = :caller_id
) sight
""")
_OUTCOMES = text("""
SELECT outcome, count(*) AS number FROM call
WHERE caller_id = :caller_id GROUP BY outcome ORDER BY number DESC, outcome
""")


@dataclass(frozen=True)
class Sights:
    """How many contacts a caller has had on screen, and how fast the caller has worked.

    `people` counts all contacts, `last_hour` counts those that the caller got in the last hour, and
    `recorded` counts those with an outcome. A contact counts once for each call. `too_fast` counts
    the outcomes that were recorded too fast. `most_in_a_minute` is the largest number of contacts
    that the caller got within a minute. For each contact, the time is measured from when the caller
    got the contact until the hold ended. `usual_seconds` is the median of these times in seconds,
    or None if no hold has ended. Each row of `outcomes` has an `outcome` (None for calls without an
    outcome) and the `number` of calls with that outcome. The most frequent outcome comes first.
    """

    people: int
    last_hour: int
    recorded: int
    too_fast: int
    most_in_a_minute: int
    usual_seconds: float | None
    outcomes: Sequence[Row[*tuple[Any, ...]]]


def caller_in(campaign: Campaign, caller_id: int) -> Caller:
    """Return a caller of this campaign, even one who has been removed. Raises NotFoundError if
    there is no such caller."""
    caller = db.session.get(Caller, caller_id)
    if caller is None or caller.campaign_id != campaign.id:
        raise NotFoundError("There is no such caller in this campaign.", "Go back to its callers.")
    return caller


def sights_of(caller: Caller, at: datetime) -> Sights:
    """Return how many contacts this caller has had on screen, and how fast the caller has worked.
    `at` (aware) is the current time."""
    values = {"caller_id": caller.id, "hour_ago": at - timedelta(hours=1)}
    counts = db.session.execute(_SIGHTS, values).one()._mapping
    return Sights(**counts, outcomes=db.session.execute(_OUTCOMES, values).all())
