"""The two limits on how many lines a machine dials. A line is one telephone connection.

The first limit says how many of the day's calls may be abandoned (answered while no caller is
free). No setting can change the first limit. The second limit is about dialling one more line. It
says how high the chance may be that no caller is free when this line is answered. The second limit
depends on the day's calls so far.
"""

from collections.abc import Iterable
from math import ceil, exp, floor, sqrt

from phonebank.pacing.snapshot import DayAccount, Law

# With this many callers or more, Ofcom's estimate takes machines out of the abandoned calls. With
# fewer callers the estimate swings too much.
CALLERS_FOR_ESTIMATE = 15

# The bound allows for an answer rate that triples, and for luck that is this many standard
# deviations bad, which happens once in a thousand times.
RISE = 3
ONCE_IN_A_THOUSAND = 3.1
ROUNDING = 1e-9  # rounding errors can put a sum that should be whole a little above that number

USUAL_LIMIT, LOWEST_LIMIT, HIGHEST_LIMIT = 0.08, 0.005, 0.35


def limit(account: DayAccount, law: Law) -> float:
    """Return the limit for the chance that no caller is free if one more line is dialled and
    answered.

    The limit is higher if fewer of the day's calls have been abandoned than `law.aim` allows. It is
    lower if more have been abandoned. The limit changes smoothly. If it jumped, many calls would be
    abandoned one after another.
    """
    allowed = law.aim * account.answers
    off = (allowed - account.abandoned_of_answers) / (sqrt(allowed) + 1)
    return min(HIGHEST_LIMIT, max(LOWEST_LIMIT, USUAL_LIMIT * exp(0.35 * off)))


def room(account: DayAccount, law: Law, callers: int) -> int:
    """Return how many more calls can be abandoned now without raising the day's share of abandoned
    calls above `law.bound`. Return 0 if the share is above `law.bound` already."""
    if callers >= CALLERS_FOR_ESTIMATE:
        joined, abandoned = account.people + account.machines, account.abandoned_of_answers
    else:
        joined, abandoned = account.people, account.abandoned + account.lost
    most = law.bound * (joined + abandoned)
    return max(0, floor((most - abandoned) / (1 - law.bound)))


class Exposure:
    """Computes how many answered lines would have no free caller in a bad case. In the bad case,
    the answer rate triples at this moment, and no caller becomes free. More lines than expected are
    answered, as many as in the worst of a thousand cases."""

    def __init__(
        self, ready: int, waiting: int, answer_bound: float, chances: Iterable[float]
    ) -> None:
        """`ready` is the number of callers who wait for a person. `waiting` is the number of people
        who have answered and wait for a caller. `chances` contains, for each ringing line, the
        chance that the line is answered if the answer rate is `answer_bound`."""
        self._over = waiting - ready
        self._new = min(1.0, RISE * answer_bound)
        risen = [min(1.0, RISE * chance) for chance in chances]
        self._lines = len(risen)
        self._answers = sum(risen)
        self._spread = sum([chance * (1 - chance) for chance in risen])

    def with_one_more(self) -> int:
        """Return how many answered lines would have no free caller in the bad case (see `Exposure`)
        if one more line were dialled now."""
        answers = self._answers + self._new
        spread = self._spread + self._new * (1 - self._new)
        bad_luck = answers + ONCE_IN_A_THOUSAND * sqrt(spread)
        return min(self._lines + 1, ceil(bad_luck - ROUNDING)) + self._over

    def add_line(self) -> None:
        """Count one more line as dialled at this moment."""
        self._lines += 1
        self._answers += self._new
        self._spread += self._new * (1 - self._new)
