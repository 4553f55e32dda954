"""Estimates how many calls a campaign still needs, and how many days they take at its pace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil

from phonebank.tallies.bars import Bar

# If fewer people than this are finished, the share of calls that finish a person depends too much
# on chance.
FINISHED_AT_LEAST = 20
# The pace is the mean of at most this many days before today. The first day that has calls is the
# first of these days.
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
    """An estimate: `left` conversations are missing from the goal. With `a_day` conversations a day
    the campaign reaches its goal on `reached_on`, which is None if there were no conversations in
    the last days."""

    left: int
    a_day: int
    reached_on: date | None


def goal_forecast(
    conversations: int, goal: int, days: Sequence[Bar], today: date
) -> GoalForecast | None:
    """Return when the campaign reaches its goal of conversations, or None if it has reached the
    goal. `days` has the figures of each day up to today."""
    left = goal - conversations
    if left <= 0:
        return None
    pace = _mean([bar.conversations for bar in days[:-1][-PACE_DAYS:]])
    if not pace:
        return GoalForecast(left, 0, None)
    in_days = min(ceil(left / pace), 36_500)
    return GoalForecast(left, max(1, round(pace)), today + timedelta(days=in_days))


def more_callers(estimate: Forecast, last_day: date, today: date, calls_each: int) -> int:
    """Return how many more callers the campaign needs to finish by the end of the last day, if each
    of them makes `calls_each` calls a day. They begin tomorrow, or today if today is the last
    day."""
    days = max(1, (last_day - today).days)
    return max(0, ceil((estimate.calls_left / days - estimate.calls_a_day) / calls_each))


def _pace(days: Sequence[Bar]) -> float:
    """Return the mean number of calls on the days before today, or 0 if there were no calls."""
    return _mean([bar.calls for bar in days[:-1][-PACE_DAYS:]])


def _mean(numbers: Sequence[int]) -> float:
    """Return the mean of the numbers from the first one that is not 0, or 0 if there is none."""
    counted = list(numbers)
    while counted and not counted[0]:
        counted.pop(0)
    return sum(counted) / len(counted) if counted else 0.0


def _calls_needed(left: int, finished: int, calls: int, attempts_at_most: int) -> int:
    """Return the estimate of the calls that are left.

    The calls so far show the probability that a call finishes a person, and the last attempt always
    finishes a person. From this follows the expected number of calls to all people. The calls so
    far are subtracted from that number.
    """
    share = min(1.0, finished / max(calls, finished))
    expected = (1 - (1 - share) ** attempts_at_most) / share
    return max(left, round((left + finished) * expected) - calls)
