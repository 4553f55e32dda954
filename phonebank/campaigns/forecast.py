"""Estimates how many calls a campaign still needs, and how many days these calls will take at the
campaign's current pace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

from phonebank.tallies.bars import Bar

# If fewer people than this are finished, the share of calls that finish a person depends too much
# on chance.
FINISHED_AT_LEAST = 20
# The pace is the mean of at most this many days before today. Days before the first of them that
# has calls are not counted.
PACE_DAYS = 7


@dataclass(frozen=True)
class Forecast:
    """An estimate of the work that is left. The campaign needs `calls_left` more calls. At the
    current pace (`calls_a_day` calls a day, rounded), these calls take `days` days. So the campaign
    is finished on `finished_on`, which is at most 36,500 days from today.
    """

    calls_left: int
    calls_a_day: int
    days: int
    finished_on: date


def forecast(
    left: int, finished: int, calls: int, days: Sequence[Bar], attempts_at_most: int, today: date
) -> Forecast | None:
    """Return the forecast, or None if no forecast is possible. A forecast is possible only if
    somebody is left to call, and at least FINISHED_AT_LEAST people need no more calls. There must
    also be calls in the PACE_DAYS days before today.

    `left` is the number of people who can still be called, now or later. `finished` is the number
    of people who need no more calls, and `calls` is the number of calls so far. `days` has the
    number of calls on each day up to and including today.
    """
    pace = _pace(days)
    if not left or not pace or finished < FINISHED_AT_LEAST:
        return None
    needed = _calls_needed(left, finished, calls, attempts_at_most)
    in_days = ceil(needed / pace)
    return Forecast(needed, round(pace), in_days, today + timedelta(days=min(in_days, 36_500)))


@dataclass(frozen=True)
class GoalForecast:
    """An estimate of the day on which the campaign reaches its goal. It needs `left` more
    conversations. `a_day` is the mean number of conversations a day in the PACE_DAYS days before
    today, rounded. Days before the first of these conversations are not counted. At this pace, the
    campaign reaches its goal on `reached_on`, which is at most 36,500 days from today. `reached_on`
    is None if there were no conversations on those days."""

    left: int
    a_day: int
    reached_on: date | None


def goal_forecast(
    conversations: int, goal: int, days: Sequence[Bar], today: date
) -> GoalForecast | None:
    """Estimate on which day the campaign will reach its goal, which is a number of conversations
    (`goal`). Return None if the campaign has already reached its goal. `days` has the figures of
    each day up to and including today."""
    left = goal - conversations
    if left <= 0:
        return None
    pace = _mean([bar.conversations for bar in days[:-1][-PACE_DAYS:]])
    if not pace:
        return GoalForecast(left, 0, None)
    in_days = min(ceil(left / pace), 36_500)
    return GoalForecast(left, round(pace), today + timedelta(days=in_days))


def pace_in_words(a_day: int) -> str:
    """Describe a pace in words. `a_day` is the rounded number of calls or conversations a day. If
    `a_day` is 0, return "less than 1 a day"."""
    return f"{a_day:,} a day" if a_day else "less than 1 a day"


def more_callers(estimate: Forecast, last_day: date, today: date, calls_each: int) -> int:
    """Return how many more callers the campaign needs in order to finish by the end of `last_day`.
    Each new caller is expected to make `calls_each` calls a day. The new callers start tomorrow. If
    `last_day` is today or has passed, calculate as if one day were left."""
    days = max(1, (last_day - today).days)
    return max(0, ceil((estimate.calls_left / days - estimate.calls_a_day) / calls_each))


def _pace(days: Sequence[Bar]) -> float:
    """Return the mean number of calls a day in the last PACE_DAYS days before today, or 0 if there
    were no calls. Days before the first of these calls are not counted."""
    return _mean([bar.calls for bar in days[:-1][-PACE_DAYS:]])


def _mean(numbers: Sequence[int]) -> float:
    """Return the mean of the numbers. Zeros at the beginning are not counted. Return 0 if all
    numbers are 0."""
    counted = list(numbers)
    while counted and not counted[0]:
        counted.pop(0)
    return sum(counted) / len(counted) if counted else 0.0


def _calls_needed(left: int, finished: int, calls: int, attempts_at_most: int) -> int:
    """Return an estimate of how many calls must still be made.

    From the calls so far, the function estimates the chance that a call is the last one that a
    person needs. Nobody is called more than `attempts_at_most` times. From these two figures, the
    function computes the expected number of calls to all people, and subtracts the calls so far.
    The result is at least `left`.
    """
    share = min(1.0, finished / max(calls, finished))
    expected = (1 - (1 - share) ** attempts_at_most) / share
    return max(left, round((left + finished) * expected) - calls)
