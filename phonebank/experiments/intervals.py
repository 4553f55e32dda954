"""Confidence intervals for rates and means, from SciPy.

`error` is the probability, 0 to 1, that an interval misses the true value.

Importing SciPy takes a second and 60 MB of memory. So each function imports it only when the
function runs, that is, when somebody opens an experiment's results. A web process that shows no
results never loads SciPy.
"""

import warnings
from dataclasses import dataclass
from typing import Any

# With fewer people, the distribution of a mean is too far from Student's for an interval.
MIN_PEOPLE = 30
MIN_OF_EACH_KIND = 10


@dataclass(frozen=True)
class Interval:
    """An observed value, and an interval for the true value. In simulations, each attribute is a
    NumPy array."""

    seen: Any
    low: Any
    high: Any

    @property
    def excludes_zero(self) -> Any:
        """Whether the interval excludes 0: the whole interval is above 0, or the whole interval is
        below 0."""
        return (self.low > 0) | (self.high < 0)


def rate(yes: int, people: int, error: float) -> Interval | None:
    """Return yes / people with its exact interval (Clopper and Pearson, 1934).

    The probability that the interval misses the true rate is never more than `error`. Return None
    if `people` is 0.
    """
    from scipy.stats import binomtest

    if people == 0:
        return None
    interval = binomtest(yes, people).proportion_ci(1 - error, method="exact")
    return Interval(yes / people, float(interval.low), float(interval.high))


def mean(values: Any, error: float) -> Interval | None:
    """Return the mean of a sample with Student's interval. The first axis of the array `values`
    runs over the people in the sample.

    Return None if there are fewer than MIN_PEOPLE values, or if all values are the same, because
    the spread then cannot be estimated.
    """
    from scipy.stats import ttest_1samp

    if len(values) < MIN_PEOPLE or _is_constant(values):
        return None
    interval = ttest_1samp(values, 0, axis=0).confidence_interval(1 - error)
    return Interval(values.mean(axis=0), interval.low, interval.high)


def difference(first: Any, second: Any, error: float) -> Interval | None:
    """Return the mean of `second` minus the mean of `first`, with Welch's interval (1947).

    Welch's interval allows the samples to have different variances. The first axis of each array
    runs over the people in that sample. Return None if a sample has fewer than MIN_PEOPLE values,
    or if neither sample has two different values.
    """
    from scipy.stats import ttest_ind

    if min(len(first), len(second)) < MIN_PEOPLE:
        return None
    if _is_constant(first) and _is_constant(second):
        return None
    with warnings.catch_warnings():
        # SciPy warns about a sample whose values are all the same. One such sample is allowed here.
        warnings.simplefilter("ignore", RuntimeWarning)
        result = ttest_ind(second, first, axis=0, equal_var=False)
    interval = result.confidence_interval(1 - error)
    return Interval(second.mean(axis=0) - first.mean(axis=0), interval.low, interval.high)


def _is_constant(values: Any) -> bool:
    return bool((values == values[0]).all())


def rate_difference(
    first: tuple[int, int], second: tuple[int, int], error: float
) -> Interval | None:
    """Return the second rate minus the first, with its interval. Each rate is (yes, people).

    Return None if either rate has fewer than MIN_PEOPLE people. Also return None if the two rates
    together have fewer than MIN_OF_EACH_KIND people who count as a yes, or fewer than
    MIN_OF_EACH_KIND who do not. Also return None if one rate is 0 and the other is 1.
    """
    yes = first[0] + second[0]
    if min(yes, first[1] + second[1] - yes) < MIN_OF_EACH_KIND:
        return None
    return difference(_zeros_and_ones(*first), _zeros_and_ones(*second), error)


def _zeros_and_ones(yes: int, people: int) -> Any:
    import numpy

    return numpy.repeat([1.0, 0.0], [yes, people - yes])


def expand(counts: dict[int, int]) -> Any:
    """Return a NumPy array that contains each key of `counts` as many times as its count."""
    import numpy

    return numpy.repeat(list(map(float, counts)), list(counts.values()))
