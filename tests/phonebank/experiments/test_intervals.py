"""Single intervals: what they contain, and when there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonebank.experiments.intervals import difference, expand, mean, rate, rate_difference


@settings(deadline=None)  # the first example waits for SciPy's import
@given(st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_rate_lies_within_its_interval_and_that_between_none_and_all(
    counts: tuple[int, int],
) -> None:
    yes, people = counts
    interval = rate(yes, people, 0.01)
    if people == 0:
        assert interval is None
        return
    assert interval is not None
    assert 0 <= interval.low <= interval.seen <= interval.high <= 1
    wider = rate(yes, people, 0.001)
    assert wider is not None
    assert wider.low <= interval.low
    assert wider.high >= interval.high


def test_zero_of_thirty_does_not_mean_never() -> None:
    interval = rate(0, 30, 0.05)
    assert interval is not None
    # Clopper and Pearson: 1 - 0.025 ** (1 / 30).
    assert (interval.low, interval.high) == (0, pytest.approx(0.1157, abs=1e-4))


def test_a_difference_is_the_second_less_the_first_whichever_way_round() -> None:
    one = rate_difference((20, 100), (35, 100), 0.05)
    other = rate_difference((35, 100), (20, 100), 0.05)
    assert one is not None
    assert other is not None
    assert (one.seen, one.low, one.high) == pytest.approx((-other.seen, -other.high, -other.low))
    # Newcombe's and Wald's intervals for these figures are within a point of this one.
    assert (one.low, one.high) == pytest.approx((0.03, 0.27), abs=0.01)


@pytest.mark.parametrize(
    ("first", "second"),
    [((10, 29), (10, 100)), ((4, 100), (5, 100)), ((96, 100), (95, 100)), ((0, 0), (0, 0))],
)
def test_too_few_people_have_no_interval(first: tuple[int, int], second: tuple[int, int]) -> None:
    assert rate_difference(first, second, 0.05) is None


def test_an_arm_without_a_yes_can_still_differ() -> None:
    interval = rate_difference((0, 200), (40, 200), 0.001)
    assert interval is not None
    assert interval.low > 0.1


def test_ratings_that_are_all_alike_say_nothing_about_their_spread() -> None:
    assert mean(expand({0: 50}), 0.05) is None
    assert difference(expand({0: 50}), expand({1: 50}), 0.05) is None
    assert difference(expand({0: 50}), expand({1: 25, 2: 25}), 0.05) is not None


def test_counts_are_spread_into_a_sample() -> None:
    assert sorted(expand({-2: 3, 0: 1, 4: 2})) == [-2, -2, -2, 0, 4, 4]
    assert isinstance(expand({}), np.ndarray)
    assert mean(expand({}), 0.05) is None
