"""An experiment's scripts are compared at certain moments, which are called looks. This module says
when the looks are, and how large a chance of error each look may have. The functions are pure.

A confidence interval misses if it does not contain the true value. An interval that misses in 5% of
cases at a single look misses far more often if an organiser looks every day until a difference
shows. So each look uses a part of the 5%, and all parts add up to no more than 5%, however long the
experiment runs. Each look makes a new interval for the same value. By Bonferroni's inequality, the
chance that at least one of these intervals misses is then at most 5%.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# This is the chance that at least one look's interval for the same value misses.
ERROR = 0.05
# The first 14 daily looks use half of the error, because most experiments run no longer.
HALF_BY_LOOK = 14


@dataclass(frozen=True)
class Look:
    """One look at the calls recorded before `until` (aware). `number` is the number of the look,
    counted from 1."""

    number: int
    until: datetime

    @property
    def error(self) -> float:
        """How much of `ERROR` this look may use. `ERROR` is the chance that at least one look's
        interval for the same value misses."""
        return error_at(self.number)


def error_at(look: int) -> float:
    """Return how much of `ERROR` the look with the number `look` (counted from 1) may use. `ERROR`
    is the chance that at least one look's interval for the same value misses.

    With E = ERROR and h = HALF_BY_LOOK, the part of look number k is E·h / ((k+h-1)(k+h)). The sum
    of all parts telescopes to E, and the sum of the first h parts telescopes to E/2.
    """
    return ERROR * HALF_BY_LOOK / ((look + HALF_BY_LOOK - 1) * (look + HALF_BY_LOOK))


def latest_look(started_at: datetime, stopped_at: datetime | None, at: datetime) -> Look | None:
    """Return the newest look at an experiment's calls, as of the time `at`. Return None for a
    running experiment before the first midnight (UTC) after its start. If the experiment was
    stopped, return its last look, whatever `at` is.

    A running experiment has one look a day, at the calls up to the last midnight, so that reloading
    the page is not another look. Stopping the experiment adds one last look.
    """
    midnights = (_day(stopped_at or at) - _day(started_at)).days
    if stopped_at is not None:
        return Look(midnights + 1, stopped_at)
    return Look(midnights, _day(at)) if midnights > 0 else None


def _day(moment: datetime) -> datetime:
    in_utc = moment.astimezone(UTC)
    return in_utc - timedelta(
        hours=in_utc.hour,
        minutes=in_utc.minute,
        seconds=in_utc.second,
        microseconds=in_utc.microsecond,
    )
