"""Counts outcomes and answers day by day, so that no page reads millions of calls.

The table `tally` has totals, which change with each recorded call. The table does not distinguish
outcomes, lists or answers, because that would need more writes for every call. So a job counts
outcomes and answers later.

The version of a day's tallies is a counter that grows with each change. The job counts a day again
if this version has changed since the last count. A page that shows the counts makes the same
comparison. If the changed days have few calls, the page counts those days itself. Otherwise the
page shows the stored counts, and says how old they are. So as long as the job runs, only very busy
campaigns show figures that are some minutes old. These functions do not commit.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from phonebank.campaigns.countable_steps import countable_steps
from phonebank.core.db import db
from phonebank.models import Campaign, now
from phonebank.models.call import TAKEN_OVER
from phonebank.tallies.totals import Totals, hour_of

# A page counts the changed days itself if they have at most this many calls in all. That takes some
# hundredths of a second.
COUNTED_BY_READERS = 20_000
# After counting a day, the job waits this many times as long as the count took before it counts
# that day again. So counting one day takes at most a twelfth of a processor's time.
REST_TIMES = 11

_COUNTED = text("SELECT day, version, counted_at, took_ms FROM counted_day WHERE campaign_id = :id")
_OUTCOMES_OF_CALLS = """
SELECT date_trunc('hour', call.recorded_at, 'UTC') AS hour, contact.contact_list_id, call.outcome,
       count(*) AS calls, count(*) FILTER (WHERE call.reached) AS reached,
       count(*) FILTER (WHERE call.conversation) AS conversations
FROM call JOIN contact ON contact.id = call.contact_id
WHERE call.campaign_id = :id AND call.counted
  AND call.recorded_at >= :begins AND call.recorded_at < :ends
GROUP BY 1, 2, 3
"""
_ANSWERS_OF_CALLS = f"""
SELECT contact.contact_list_id, call.party_id, call.script_version_id, answer.step_id,
       given.key AS answer, count(*) AS number
FROM call
JOIN contact ON contact.id = call.contact_id
JOIN answer ON answer.call_id = call.id AND answer.seq IS DISTINCT FROM {TAKEN_OVER}
JOIN unnest(CAST(:version_ids AS integer[]), CAST(:step_ids AS text[])) AS step(version_id, id)
    ON step.version_id = call.script_version_id AND step.id = answer.step_id
CROSS JOIN LATERAL jsonb_array_elements_text(
    CASE WHEN jsonb_typeof(answer.value) = 'null' OR answer.value = '[]' THEN '[]'
         WHEN jsonb_typeof(answer.value) = 'array' THEN answer.value || '[""]'
         ELSE jsonb_build_array(answer.value) END) AS given(key)
WHERE call.campaign_id = :id AND call.counted
  AND call.recorded_at >= :begins AND call.recorded_at < :ends
GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608
# If people may give several answers to a question, an extra row with the answer "" has the number
# of people who answered.
_READ_OUTCOMES, _READ_ANSWERS = text(_OUTCOMES_OF_CALLS), text(_ANSWERS_OF_CALLS)
# This statement locks the day's row. So two processes that count the same day do it one after the
# other.
_LOCK_DAY = text("""
INSERT INTO counted_day (campaign_id, day, version, counted_at, took_ms)
VALUES (:id, :day, -1, :at, 0)
ON CONFLICT (campaign_id, day) DO UPDATE SET counted_at = excluded.counted_at
""")
_FORGET = tuple(
    text(f"DELETE FROM {table} WHERE campaign_id = :id AND day = :day")  # noqa: S608
    for table in ("outcome_count", "answer_count")
)
# This is a single statement, so that it sees the calls and the tallies as they were at the same
# moment.
_COUNT = text(f"""
WITH outcomes AS (
    INSERT INTO outcome_count
        (campaign_id, day, hour, contact_list_id, outcome, calls, reached, conversations)
    SELECT :id, :day, * FROM ({_OUTCOMES_OF_CALLS}) AS o
), answers AS (
    INSERT INTO answer_count (campaign_id, day, contact_list_id, party_id, script_version_id,
                              step_id, answer, number)
    SELECT :id, :day, * FROM ({_ANSWERS_OF_CALLS}) AS a
)
UPDATE counted_day SET version = (
    SELECT coalesce(sum(tally.version), 0) FROM tally
    WHERE tally.campaign_id = :id AND tally.hour >= :begins AND tally.hour < :ends)
WHERE campaign_id = :id AND day = :day
""")  # noqa: S608
_TOOK = text("UPDATE counted_day SET took_ms = :took WHERE campaign_id = :id AND day = :day")


@dataclass(frozen=True)
class Freshness:
    """The days that a page reads from the stored counts (`counted`), and the days that the page
    counts itself (`live`).

    `is_current` says whether all figures are up to date. If `is_current` is True, `as_of` is None.
    Otherwise `as_of` is the time of the oldest stored count that is out of date. If none of the
    changed days has been counted yet, `as_of` is None.
    """

    counted: Sequence[date]
    live: Sequence[date]
    is_current: bool
    as_of: datetime | None


def freshness(campaign_id: int, days: Mapping[date, Totals]) -> Freshness:
    """Return which of these days a page reads from the stored counts, and which days the page
    counts itself. `days` maps each day to the totals of its tallies."""
    counted = {row.day: row for row in db.session.execute(_COUNTED, {"id": campaign_id})}
    changed = [
        day
        for day, totals in days.items()
        if day not in counted or counted[day].version != totals.version
    ]
    if sum(days[day].calls for day in changed) <= COUNTED_BY_READERS:
        current = [day for day in days if day in counted and day not in changed]
        return Freshness(current, changed, True, None)
    as_of = min((counted[day].counted_at for day in changed if day in counted), default=None)
    return Freshness([day for day in days if day in counted], [], False, as_of)


def read_live_outcomes(campaign: Campaign, days: Iterable[date], zone: ZoneInfo) -> list[Any]:
    """Count the outcomes of these days directly from the calls. Each row has hour, contact_list_id,
    outcome, calls, reached and conversations."""
    return [
        row
        for day in days
        for row in db.session.execute(_READ_OUTCOMES, _values(campaign.id, day, zone))
    ]


def read_live_answers(campaign: Campaign, days: Iterable[date], zone: ZoneInfo) -> list[Any]:
    """Count the answers of these days directly from the calls. Each row has contact_list_id,
    party_id, script_version_id, step_id, answer and number. If people may give several answers to a
    question, an extra row with the answer "" has the number of people who answered."""
    steps = countable_steps(campaign)
    return [
        row
        for day in days
        for row in db.session.execute(_READ_ANSWERS, _values(campaign.id, day, zone) | steps)
    ]


def days_to_count(campaign_id: int, days: Mapping[date, Totals], at: datetime) -> list[date]:
    """Return the days that the job should count at `at` (aware), newest first. `days` maps each day
    to the totals of its tallies. A day is counted if it has never been counted, or if its tallies
    have changed and the last count was long enough ago (REST_TIMES)."""
    counted = {row.day: row for row in db.session.execute(_COUNTED, {"id": campaign_id})}

    def is_due(day: date) -> bool:
        row = counted.get(day)
        if row is None:
            return True
        rests_until = row.counted_at + timedelta(milliseconds=REST_TIMES * row.took_ms)
        return row.version != days[day].version and not row.counted_at <= at < rests_until

    return sorted((day for day in days if is_due(day)), reverse=True)


def count_day(campaign: Campaign, day: date, zone: ZoneInfo) -> None:
    """Count the outcomes and answers of one day of the campaign, and store the counts."""
    began = time.monotonic()
    values = _values(campaign.id, day, zone) | {"day": day}
    db.session.execute(_LOCK_DAY, values | {"at": now()})
    for statement in _FORGET:
        db.session.execute(statement, values)
    db.session.execute(_COUNT, values | countable_steps(campaign))
    took = round(1000 * (time.monotonic() - began))
    db.session.execute(_TOOK, {"id": campaign.id, "day": day, "took": took})


def _values(campaign_id: int, day: date, zone: ZoneInfo) -> dict[str, Any]:
    return {"id": campaign_id, "begins": _begin(day, zone), "ends": _begin(day + _A_DAY, zone)}


def _begin(day: date, zone: ZoneInfo) -> datetime:
    """Return the time at which the day's counts begin. This is midnight in the zone or, if no hour
    of UTC begins at that time, the start of the next hour of UTC."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    hour = hour_of(midnight)
    return hour if hour == midnight else hour + timedelta(hours=1)


_A_DAY = timedelta(days=1)
