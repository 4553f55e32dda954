"""Evidence for the method: a thousand experiments with a look every day for four weeks.

Each run counts as a miss when any of its 28 daily intervals misses, as it would for an organiser
who looks every morning and stops when it suits them.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from phonebank.experiments import intervals
from phonebank.experiments.interim_looks import ERROR, error_at
from phonebank.experiments.intervals import Interval

RUNS, DAYS, PEOPLE_A_DAY = 1000, 28, 40
# Three standard errors of a count of misses among the runs.
MOST_MISSES = RUNS * ERROR + 3 * math.sqrt(RUNS * ERROR * (1 - ERROR))

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def coin(chance: float) -> Draw:
    return lambda random, size: (random.random(size) < chance).astype(float)


def shifts(mean: float) -> Draw:
    """Return changes of ratings in whole points. Most are 0, as in real canvasses."""

    def draw(random: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
        moved = random.random(size) < 0.4
        return moved * np.clip(np.rint(random.normal(mean / 0.4, 2.5, size)), -10, 10)

    return draw


def looks(
    first: Draw,
    second: Draw,
    seed: int,
    error: Callable[[int], float] = error_at,
    people_a_day: tuple[int, int] = (PEOPLE_A_DAY, PEOPLE_A_DAY),
) -> Iterator[Interval]:
    """Yield each day's intervals for the difference, of all runs, once there are enough people."""
    random = np.random.default_rng(seed)
    one, two = (
        draw(random, (DAYS * people, RUNS))
        for draw, people in zip((first, second), people_a_day, strict=True)
    )
    for day in range(1, DAYS + 1):
        interval = intervals.difference(
            one[: day * people_a_day[0]], two[: day * people_a_day[1]], error(day)
        )
        if interval is not None:
            yield interval


def runs_that_ever(happen: Callable[[Interval], np.ndarray], seen: Iterator[Interval]) -> int:
    return int(functools.reduce(np.logical_or, (happen(interval) for interval in seen)).sum())


def misses(truth: float) -> Callable[[Interval], np.ndarray]:
    return lambda interval: (interval.low > truth) | (truth > interval.high)


def says_so(interval: Interval) -> np.ndarray:
    return np.asarray(interval.excludes_zero)


@pytest.mark.parametrize("chance", [0.05, 0.2, 0.5])
def test_without_an_effect_few_experiments_raise_a_false_alarm(chance: float) -> None:
    alarms = runs_that_ever(says_so, looks(coin(chance), coin(chance), 1))
    assert alarms <= MOST_MISSES


@pytest.mark.parametrize(("first", "second"), [(0.2, 0.3), (0.05, 0.1), (0.5, 0.45)])
def test_a_known_effect_lies_within_the_intervals(first: float, second: float) -> None:
    missed = runs_that_ever(misses(second - first), looks(coin(first), coin(second), 2))
    assert missed <= MOST_MISSES


@pytest.mark.parametrize("chance", [0.2, 0.5])
def test_a_small_share_raises_no_more_false_alarms(chance: float) -> None:
    seen = looks(coin(chance), coin(chance), 7, people_a_day=(72, 8))
    assert runs_that_ever(says_so, seen) <= MOST_MISSES


def test_an_effect_that_is_there_is_found() -> None:
    found = runs_that_ever(says_so, looks(coin(0.2), coin(0.3), 3))
    assert found >= 0.95 * RUNS


def test_shifts_of_ratings_are_covered_as_well() -> None:
    first, second = shifts(0.0), shifts(0.5)
    truth = float(
        second(np.random.default_rng(9), (10**6, 1)).mean()
        - first(np.random.default_rng(8), (10**6, 1)).mean()
    )
    assert runs_that_ever(misses(truth), looks(first, second, 4)) <= MOST_MISSES
    assert runs_that_ever(says_so, looks(first, first, 5)) <= MOST_MISSES


def test_intervals_with_the_full_error_every_day_miss_too_often() -> None:
    """Intervals with the full error every day miss too often, so the tests above can fail."""
    alarms = runs_that_ever(says_so, looks(coin(0.2), coin(0.2), 1, lambda day: ERROR))
    assert alarms > 0.2 * RUNS


@pytest.mark.parametrize("chance", [0.02, 0.3])
def test_the_rate_of_an_arm_is_covered(chance: float) -> None:
    def covered(count: int, day: int) -> bool:
        interval = intervals.rate(count, day * PEOPLE_A_DAY, error_at(day))
        assert interval is not None
        return interval.low <= chance <= interval.high

    random = np.random.default_rng(6)
    counts = random.binomial(PEOPLE_A_DAY, chance, (DAYS, RUNS)).cumsum(axis=0)
    missed = np.zeros(RUNS, dtype=bool)
    for day, yes in enumerate(counts, 1):
        # Both bounds rise with the yeses, so a count between two covered counts is covered.
        seen = [int(count) for count in np.unique(yes)]
        lowest = next(count for count in seen if covered(count, day))
        highest = next(count for count in reversed(seen) if covered(count, day))
        missed |= (yes < lowest) | (yes > highest)
    assert missed.sum() <= MOST_MISSES


@pytest.mark.parametrize("people", [40, 1120])
def test_the_more_say_yes_the_higher_both_ends_of_the_rate(people: int) -> None:
    found = [intervals.rate(yes, people, 0.01) for yes in range(0, people + 1, people // 40)]
    ends = [(interval.low, interval.high) for interval in found if interval is not None]
    assert len(ends) == 41
    assert all(low <= higher for (low, _), (higher, _) in itertools.pairwise(ends))
    assert all(high <= higher for (_, high), (_, higher) in itertools.pairwise(ends))
