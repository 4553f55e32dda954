"""Check whether people are divided among an experiment's arms (the compared scripts) in the
proportions that the arms' shares set. Only people who were called are counted.

Each contact's arm is fixed before the call, so apart from chance the division should match the
shares. If the division does not match, calls are probably missing in one arm. The arms may then
have different kinds of people, and comparing the arms would mislead.
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
    """The arm that has too few or too many people.

    `place` is the arm's index. `number` is how many of all the `people` belong to this arm. `share`
    is the arm's share, between 0 and 1.
    """

    place: int
    number: int
    people: int
    share: float


def find_imbalance(people: Sequence[int], shares: Sequence[int], look: Look) -> Imbalance | None:
    """Return the arm whose number of people is least likely, given the arm's share.

    Return None if chance can explain how far every arm is from its share, or if nobody was called.
    `people` has the number of people called in each arm up to the look.
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
    """For each arm, return the probability that chance alone moves the arm's number of people at
    least as far from its share as in `people`.

    The calculation assumes that each person's arm is drawn at random in proportion to the shares.
    The result is twice the smaller tail of the binomial distribution, and 1 at most. No normal
    approximation is used, so the result is right for any number of people. The last axis of
    `people` and of the result has one entry for each arm. Simulations pass `people` as a NumPy
    array.
    """
    import numpy
    from scipy.stats import binom

    counts = numpy.asarray(people)
    expected = binom(counts.sum(axis=-1, keepdims=True), numpy.asarray(shares) / sum(shares))
    return numpy.minimum(1.0, 2 * numpy.minimum(expected.cdf(counts), expected.sf(counts - 1)))


def alarm_threshold(look: Look, arms: int) -> float:
    """Return the probability below which a look reports that an arm has too few or too many people.

    A look uses the same part of `FALSE_ALARMS` as of the intervals' error, for example a tenth.
    This part is divided among the arms if there are more than two. By Bonferroni's inequality, the
    chance that an experiment ever raises a false alarm is at most `FALSE_ALARMS`.
    """
    # With two arms, the test of the second arm repeats the test of the first.
    tests = 1 if arms == 2 else arms
    return look.error * FALSE_ALARMS / ERROR / tests
