"""Check that the people called are divided among the arms as the shares say.

They should be, apart from chance, because the arm is assigned before anyone is called. If they are
not, calls went missing in one arm, and a comparison of the rest would compare different groups of
people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from phonebank.experiments.interim_looks import ERROR, Look

# The chance of a false alarm, over all looks of an experiment. It is smaller than the error of the
# intervals because this alarm puts the whole experiment in doubt.
FALSE_ALARMS = 0.01


@dataclass(frozen=True)
class Imbalance:
    """The arm at index `place` has too few or too many people.

    It has `number` of all `people`, and its share is `share`, between 0 and 1.
    """

    place: int
    number: int
    people: int
    share: float


def find_imbalance(people: Sequence[int], shares: Sequence[int], look: Look) -> Imbalance | None:
    """Return the arm furthest from its share; None if chance alone explains it.

    `people` are the numbers of people called in each arm up to the look.
    """
    total = sum(people)
    if total == 0:
        return None
    chances = tail_probabilities(people, shares)
    if chances.min() >= alarm_threshold(look, len(shares)):
        return None
    place = int(chances.argmin())
    return Imbalance(place, people[place], total, shares[place] / sum(shares))


def tail_probabilities(people: Any, shares: Sequence[int]) -> Any:
    """Return, for each arm, the probability of being this far from its share by chance.

    It is twice the smaller tail of the binomial distribution, which is exact for few people as
    well as many. Arms are the last axis; `people` is a NumPy array in simulations.
    """
    import numpy
    from scipy.stats import binom

    counts = numpy.asarray(people)
    expected = binom(counts.sum(axis=-1, keepdims=True), numpy.asarray(shares) / sum(shares))
    return 2 * numpy.minimum(expected.cdf(counts), expected.sf(counts - 1))


def alarm_threshold(look: Look, arms: int) -> float:
    """Return the probability below which a look raises the alarm.

    Each look uses its part of `FALSE_ALARMS`, as for the intervals' error, divided among the arms.
    By Bonferroni's inequality at most that share of experiments ever raises a false alarm.
    """
    # With two arms, the second test repeats the first.
    tests = 1 if arms == 2 else arms
    return look.error * FALSE_ALARMS / ERROR / tests
