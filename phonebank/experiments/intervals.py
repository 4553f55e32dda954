"""Intervals for rates and means, all of them SciPy's. `error` is how often one may miss.

SciPy takes a second to import and 60 MB to hold, so it is imported by the first who asks for an
experiment's results, and a web process in which nobody does stays as it is.
"""

import warnings
from dataclasses import dataclass
from typing import Any

# Below these the distribution of a mean is not near enough to Student's for an interval.
MIN_PEOPLE = 30
MIN_OF_EACH_KIND = 10


@dataclass(frozen=True)
class Interval:
    """What was seen, and between which values the truth lies. NumPy arrays in simulations."""

    seen: Any
    low: Any
    high: Any

    @property
    def is_one_sided(self) -> Any:
        """Whether it lies wholly above 0, or wholly below."""
        return (self.low > 0) | (self.high < 0)


def rate(yes: int, people: int, error: float) -> Interval | None:
    """The share of `people` that `yes` are, with its exact interval (Clopper and Pearson, 1934).

    It misses in no more than `error` of cases whatever the numbers; None for nobody.
    """
    from scipy.stats import binomtest

    if people == 0:
        return None
    interval = binomtest(yes, people).proportion_ci(1 - error, method="exact")
    return Interval(yes / people, float(interval.low), float(interval.high))


def mean(values: Any, error: float) -> Interval | None:
    """The mean of a sample (along its first axis) with Student's interval; None for too few, and
    where all are alike, which says nothing about how far others would be."""
    from scipy.stats import ttest_1samp

    if len(values) < MIN_PEOPLE or _are_alike(values):
        return None
    interval = ttest_1samp(values, 0, axis=0).confidence_interval(1 - error)
    return Interval(values.mean(axis=0), interval.low, interval.high)


def difference(first: Any, second: Any, error: float) -> Interval | None:
    """How much the mean of `second` is above that of `first`, with Welch's interval (1947), which
    lets the two vary differently. Samples along the first axis; None as for `mean`."""
    from scipy.stats import ttest_ind

    if min(len(first), len(second)) < MIN_PEOPLE:
        return None
    if _are_alike(first) and _are_alike(second):
        return None
    with warnings.catch_warnings():
        # SciPy doubts a sample whose values are all the same. One of the two may be.
        warnings.simplefilter("ignore", RuntimeWarning)
        result = ttest_ind(second, first, axis=0, equal_var=False)
    interval = result.confidence_interval(1 - error)
    return Interval(second.mean(axis=0) - first.mean(axis=0), interval.low, interval.high)


def _are_alike(values: Any) -> bool:
    return bool((values == values[0]).all())


def rate_difference(
    first: tuple[int, int], second: tuple[int, int], error: float
) -> Interval | None:
    """How much the second rate is above the first; each is (yes, people). None for too few."""
    yes = first[0] + second[0]
    if min(yes, first[1] + second[1] - yes) < MIN_OF_EACH_KIND:
        return None
    return difference(_ones(*first), _ones(*second), error)


def _ones(yes: int, people: int) -> Any:
    import numpy

    return numpy.repeat([1.0, 0.0], [yes, people - yes])


def spread(counts: dict[int, int]) -> Any:
    """A sample from how often each value came."""
    import numpy

    return numpy.repeat(list(map(float, counts)), list(counts.values()))
