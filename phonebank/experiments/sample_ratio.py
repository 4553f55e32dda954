"""Whether the people rung are divided among the scripts as the shares say.

They should be, as far as chance goes, because the lot decides before anybody is rung. Where they
are not, people went missing on one side, and comparing those who are left compares two crowds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from phonebank.experiments.interim_looks import ERROR, Look

# The stated rate of false alarms, over all looks of an experiment together. Smaller than that of
# the intervals: this alarm puts a whole experiment in doubt.
FALSE_ALARMS = 0.01


@dataclass(frozen=True)
class Imbalance:
    """The arm, by its place, that has too few or too many: `number` of `people` where its share is
    `share`, between 0 and 1."""

    place: int
    number: int
    people: int
    share: float


def find_imbalance(people: Sequence[int], shares: Sequence[int], look: Look) -> Imbalance | None:
    """The arm that is furthest from its share, if it is further than chance would have it.

    `people` are those rung in each arm up to the look.
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
    """For each arm (the last axis; NumPy arrays in simulations), how likely it is to be so far
    from its share one way or the other: twice the smaller tail of the binomial distribution, which
    is exact for few people as well as many."""
    import numpy
    from scipy.stats import binom

    counts = numpy.asarray(people)
    drawn = binom(counts.sum(axis=-1, keepdims=True), numpy.asarray(shares) / sum(shares))
    return 2 * numpy.minimum(drawn.cdf(counts), drawn.sf(counts - 1))


def alarm_threshold(look: Look, arms: int) -> float:
    """The chance below which a look raises the alarm.

    Each look spends its part of `FALSE_ALARMS`, as it does of the intervals' error, divided among
    the arms. So in at most that share of experiments does any look of any day raise an alarm where
    there is nothing (Bonferroni's inequality).
    """
    # Of two arms the second says nothing that the first does not.
    tests = 1 if arms == 2 else arms
    return look.error * FALSE_ALARMS / ERROR / tests
