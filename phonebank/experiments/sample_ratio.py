"""Check whether each of an experiment's arms (the compared scripts) has about as many people as
expected from its share. For example, with the shares 1 and 2, the second arm should have about
twice as many people as the first. Only people who were called are counted.

Each contact's arm is fixed before the call, so the numbers of people should match the shares, apart
from chance. If they do not match, some calls with one of the scripts were probably never recorded.
The arms may then have different kinds of people, and a comparison of the arms would mislead.
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

    `place` is the arm's index. `people` is the number of people in all arms, and `number` is the
    number in this arm. `share` is the part of all people that this arm should have, between 0 and
    1.
    """

    place: int
    number: int
    people: int
    share: float


def find_imbalance(people: Sequence[int], shares: Sequence[int], look: Look) -> Imbalance | None:
    """Return the arm whose number of people is least likely, given the arm's share.

    Return None if chance alone can explain the numbers of people in all arms, or if nobody was
    called. For each arm, `people` has the number of people whose calls were recorded before
    `look.until`.
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
    """For each arm, return the probability that chance alone gives a number of people at least as
    unusual as the arm's number in `people`.

    The calculation assumes that each person's arm is drawn at random in proportion to the shares.
    Each probability is twice the smaller tail of the binomial distribution, but at most 1. No
    normal approximation is used, so the result is right for any number of people. The last axis of
    `people` and of the result has one entry for each arm. Simulations pass `people` as a NumPy
    array.
    """
    import numpy
    from scipy.stats import binom

    counts = numpy.asarray(people)
    expected = binom(counts.sum(axis=-1, keepdims=True), numpy.asarray(shares) / sum(shares))
    return numpy.minimum(1.0, 2 * numpy.minimum(expected.cdf(counts), expected.sf(counts - 1)))


def alarm_threshold(look: Look, arms: int) -> float:
    """Return the probability below which an arm counts as having too few or too many people at this
    look.

    A look may use a part of the intervals' error (`ERROR`), for example a tenth. The look may use
    the same part of `FALSE_ALARMS`. If there are more than two arms, this part is divided equally
    among the arms. By Bonferroni's inequality, the chance that an experiment ever raises a false
    alarm is at most `FALSE_ALARMS`.
    """
    # With two arms, the test of the second arm repeats the test of the first.
    tests = 1 if arms == 2 else arms
    return look.error * FALSE_ALARMS / ERROR / tests
