"""When an experiment may be looked at, and how much of its error each look may use. Pure.

An interval that is wrong in 5% of cases when it is looked at once is wrong far more often when it
is looked at every day until it says something. So each day's look gets a part of the 5%, and all
parts together, however long the experiment runs, make up no more than the 5%: by Bonferroni's
inequality the chance that any of the intervals misses is then at most 5%.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# The stated rate: intervals that miss, over all looks together.
ERROR = 0.05
# Half of the error is for the looks of the first so many days, which is as long as most run.
HALF_BY_LOOK = 14


@dataclass(frozen=True)
class Look:
    """The `number`-th look, counted from 1, at the calls recorded before `until` (aware UTC)."""

    number: int
    until: datetime

    @property
    def error(self) -> float:
        return error_at(self.number)


def error_at(look: int) -> float:
    """The part of `ERROR` that look number `look`, from 1 on, may use.

    The parts are E·h / ((k+h-1)(k+h)) for k = 1, 2, …; their sum telescopes to E, and that of the
    first h to E/2.
    """
    return ERROR * HALF_BY_LOOK / ((look + HALF_BY_LOOK - 1) * (look + HALF_BY_LOOK))


def latest_look(started_at: datetime, stopped_at: datetime | None, at: datetime) -> Look | None:
    """The newest look there is at the moment `at`; None before the first midnight (UTC).

    A running experiment is looked at once a day, at its calls up to the last midnight, so that
    reloading the page is not another look. The moment it is stopped is one more look, and the last.
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
