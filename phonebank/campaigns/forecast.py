"""Estimates how many calls a campaign still needs, and how many days they take at its pace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

from phonebank.tallies.bars import Bar

# If fewer people than this are finished, the share of calls that finish a person depends too much
# on chance.
FINISHED_AT_LEAST = 20
# The pace is the mean of at most this many days before today. It starts with the first of them that
# has calls.
PACE_DAYS = 7


@dataclass(frozen=True)
class Forecast:
    """An estimate: `calls_left` calls, which take `days` days at `calls_a_day` and end on
    `finished_on`."""

    calls_left: int
    calls_a_day: int
    days: int
    finished_on: date


def forecast(
    left: int, finished: int, calls: int, days: Sequence[Bar], attempts_at_most: int, today: date
) -> Forecast | None:
    """Return the forecast, or None if it is too early to tell or if nobody is left.

    `left` is the number of people who can still be called, now or later. `finished` is the number
    of people who need no more calls, after `calls` calls altogether. `days` has the number of calls
    of each day up to today.
    """
    pace = _pace(days)
    if not left or not pace or finished < FINISHED_AT_LEAST:
        return None
    needed = _calls_needed(left, finished, calls, attempts_at_most)
    in_days = ceil(needed / pace)
    return Forecast(needed, round(pace), in_days, today + timedelta(days=min(in_days, 36_500)))


@dataclass(frozen=True)
class GoalForecast:
    """An estimate: `left` conversations are missing, and at `a_day` a day the campaign has them on
    `reached_on`; None if there were none lately."""

    left: int
    a_day: int
    reached_on: date | None


def goal_forecast(
    conversations: int, goal: int, days: Sequence[Bar], today: date
) -> GoalForecast | None:
    """Return when the campaign reaches its goal of conversations, or None if it has. `days` has the
    numbers of each day up to today."""
    left = goal - conversations
    if left <= 0:
        return None
    pace = _mean([bar.conversations for bar in days[:-1][-PACE_DAYS:]])
    if not pace:
        return GoalForecast(left, 0, None)
    in_days = min(ceil(left / pace), 36_500)
    return GoalForecast(left, max(1, round(pace)), today + timedelta(days=in_days))


def more_callers(estimate: Forecast, last_day: date, today: date, calls_each: int) -> int:
    """Return how many more callers would finish by the end of the last day, if each makes
    `calls_each` calls a day. The days begin tomorrow, or today if that is the last day."""
    days = max(1, (last_day - today).days)
    return max(0, ceil((estimate.calls_left / days - estimate.calls_a_day) / calls_each))


def _pace(days: Sequence[Bar]) -> float:
    """Return the mean calls a day before today; 0 if there were none."""
    return _mean([bar.calls for bar in days[:-1][-PACE_DAYS:]])


def _mean(numbers: Sequence[int]) -> float:
    """Return the mean from the first number on that is not 0."""
    counted = list(numbers)
    while counted and not counted[0]:
        counted.pop(0)
    return sum(counted) / len(counted) if counted else 0.0


def _calls_needed(left: int, finished: int, calls: int, attempts_at_most: int) -> int:
    """Return the estimate of the calls that are left.

    The calls so far show the probability that a call finishes a person, and the last attempt always
    does. From these follows the expected number of calls to all people together. The calls so far
    are subtracted from it.
    """
    share = min(1.0, finished / max(calls, finished))
    expected = (1 - (1 - share) ** attempts_at_most) / share
    return max(left, round((left + finished) * expected) - calls)
