"""Counts a campaign's calls over time from the campaign's tallies (stored totals): for the hours of
today, and for the days of the last few weeks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from phonebank.rules.local_moments import midnight_of
from phonebank.tallies.totals import Totals, hour_of, totals_by_hour

# The chart of today always shows these hours. It shows earlier and later hours only if they have
# calls.
FIRST_HOUR, LAST_HOUR = 9, 20
# The chart of days ends today. It begins with the first day that has calls, but not earlier than
# DAYS_AT_MOST days ago, and it shows at least DAYS_AT_LEAST days.
DAYS_AT_MOST, DAYS_AT_LEAST = 28, 7


@dataclass(frozen=True)
class Bar:
    """One bar of a chart: the start of its hour or day as a label, its calls, and the conversations
    among these calls."""

    began: str
    calls: int
    conversations: int


@dataclass(frozen=True)
class OverTime:
    """A campaign's calls up to a given day. `today` has the totals for that day. `hours` has the
    bars for the hours of that day, and `days` has the bars for the last days, including that
    day."""

    today: Totals
    hours: Sequence[Bar]
    days: Sequence[Bar]


def calls_over_time(campaign_id: int, zone: ZoneInfo, at: datetime) -> OverTime:
    """Return the campaign's calls for the day of `at` (aware) in this time zone, and for the days
    before it. There are at most DAYS_AT_MOST days in all.

    Each tally counts the calls of one whole hour in UTC. In some time zones, midnight is in the
    middle of an hour of UTC. Such an hour belongs to the local day in which the hour begins.
    """
    first_day = at.astimezone(zone).date() - timedelta(days=DAYS_AT_MOST - 1)
    return over_time(totals_by_hour(campaign_id, midnight_of(first_day, zone)), zone, at)


def over_time(by_hour: Mapping[datetime, Totals], zone: ZoneInfo, at: datetime) -> OverTime:
    """Return what `calls_over_time` returns, computed from the given hourly totals. `by_hour` maps
    the start of each hour (aware) to the hour's totals."""
    today = at.astimezone(zone).date()
    hours = {hour: of for hour, of in by_hour.items() if hour.astimezone(zone).date() == today}
    return OverTime(
        sum_of(hours.values()), _hours_of_day(today, zone, hours), _days_to(today, zone, by_hour)
    )


def _hours_of_day(day: date, zone: ZoneInfo, by_hour: Mapping[datetime, Totals]) -> list[Bar]:
    called = [hour.astimezone(zone).hour for hour, totals in by_hour.items() if totals.calls]
    first, last = min([FIRST_HOUR, *called]), max([LAST_HOUR, *called])
    bars = []
    hour, end = hour_of(midnight_of(day, zone)), midnight_of(day + timedelta(days=1), zone)
    while hour < end:  # in UTC, because a local day may have 23 or 25 hours
        local = hour.astimezone(zone)
        if local.date() == day and first <= local.hour <= last:
            bars.append(_bar(f"{local:%H:%M}", by_hour.get(hour, Totals())))
        hour += timedelta(hours=1)
    return bars


def _days_to(today: date, zone: ZoneInfo, by_hour: Mapping[datetime, Totals]) -> list[Bar]:
    of_day = days_of(by_hour, zone)
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS_AT_MOST))]
    called = [index for index, day in enumerate(days) if day in of_day and of_day[day].calls]
    first = min([DAYS_AT_MOST - DAYS_AT_LEAST, *called])
    return [_bar(day_label(day), of_day.get(day, Totals())) for day in days[first:]]


def day_label(day: date) -> str:
    """Return the label of a day's bar, such as “30 Nov”."""
    return f"{day.day} {day:%b}"


def days_of(by_hour: Mapping[datetime, Totals], zone: ZoneInfo) -> dict[date, Totals]:
    """Add up the totals of the hours in each day, and return the sums by day.

    An hour belongs to the day, in this time zone, in which the hour begins.
    """
    days: dict[date, list[Totals]] = {}
    for hour, totals in by_hour.items():
        days.setdefault(hour.astimezone(zone).date(), []).append(totals)
    return {day: sum_of(parts) for day, parts in days.items()}


def sum_of(parts: Iterable[Totals]) -> Totals:
    """Return the sum of the given totals."""
    sums = zip(*(astuple(part) for part in parts), strict=True)
    return Totals(*map(sum, sums))


def _bar(began: str, totals: Totals) -> Bar:
    return Bar(began, totals.calls, totals.conversations)
