"""The people called are divided as the shares say, or the page says that they are not."""

import math
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from phonebank.core.db import db
from phonebank.experiments.assignment import arm_of
from phonebank.experiments.interim_looks import Look
from phonebank.experiments.results import results_of
from phonebank.experiments.sample_ratio import (
    FALSE_ALARMS,
    alarm_threshold,
    find_imbalance,
    tail_probabilities,
)
from tests.phonebank.experiments.conftest import NEXT_MORNING, Comparison

RUNS, DAYS, PEOPLE_A_DAY = 1000, 28, 80
# Three standard errors of a count of alarms among the runs.
MOST_ALARMS = RUNS * FALSE_ALARMS + 3 * math.sqrt(RUNS * FALSE_ALARMS * (1 - FALSE_ALARMS))


def look(number: int) -> Look:
    return Look(number, datetime(2026, 3, 3, tzinfo=UTC))


def runs_that_alarm(
    shares: tuple[int, ...],
    really: tuple[float, ...],
    seed: int,
    limit: Callable[[Look, int], float] = alarm_threshold,
) -> int:
    """Return how many of a thousand experiments ever alarm, with a daily look for four weeks.

    `shares` are the shares that the organiser set. `really` are the shares of the people called.
    """
    random = np.random.default_rng(seed)
    fall = np.array(really) / sum(really)
    people = random.multinomial(PEOPLE_A_DAY, fall, (DAYS, RUNS)).cumsum(axis=0)
    chances = tail_probabilities(people, shares).min(axis=-1)
    limits = np.array([limit(look(day), len(shares)) for day in range(1, DAYS + 1)])
    return int((chances < limits[:, np.newaxis]).any(axis=0).sum())


@pytest.mark.parametrize("shares", [(50, 50), (90, 10), (1, 1, 2)])
def test_fair_assignment_hardly_ever_raises_the_alarm(shares: tuple[int, ...]) -> None:
    assert runs_that_alarm(shares, shares, 11) <= MOST_ALARMS


def test_a_quarter_of_an_arm_gone_missing_is_noticed() -> None:
    assert runs_that_alarm((50, 50), (50, 37.5), 12) >= 0.95 * RUNS


def test_a_daily_test_at_the_full_rate_alarms_too_often() -> None:
    """A daily test at the full 1% alarms too often, which the module prevents."""
    alarms = runs_that_alarm((50, 50), (50, 50), 11, lambda _look, _arms: FALSE_ALARMS)
    assert alarms > 2 * MOST_ALARMS


def test_the_assignment_passes_its_own_check() -> None:
    """A thousand experiments with their own salts divide the same 400 people."""
    shares = (30, 70)
    people = []
    for salt in range(RUNS):
        drawn = [arm_of(contact_id, str(salt), shares) for contact_id in range(400)]
        people.append([drawn.count(0), drawn.count(1)])
    alarms = (tail_probabilities(people, shares).min(axis=-1) < alarm_threshold(look(1), 2)).sum()
    assert alarms <= MOST_ALARMS


def test_too_few_people_are_no_reason_for_alarm() -> None:
    assert find_imbalance([0, 0], (50, 50), look(1)) is None
    assert find_imbalance([6, 0], (50, 50), look(1)) is None
    found = find_imbalance([40, 0], (50, 50), look(1))
    assert found is not None
    assert (found.place, found.number, found.people, found.share) == (0, 40, 40, 0.5)


def test_a_missing_side_is_told_in_a_plain_sentence(comparison: Comparison) -> None:
    for number in range(140):
        arm = comparison.persuasive if number < 30 else comparison.canvass
        comparison.call(arm, reached=False)
    db.session.commit()
    warning = results_of(comparison.experiment, NEXT_MORNING).warning
    assert warning[0] == (
        "Too many people had Deep canvass: 110 of the 140 people called, but its share of 50%"
        " should give about 70."
    )
    assert "fewer than 1 in 100 experiments. Don't trust the comparison" in warning[1]


def test_people_count_once_and_an_even_division_is_nothing_to_tell(comparison: Comparison) -> None:
    """A person who is called fifty times still counts once."""
    for arm in (comparison.canvass, comparison.persuasive):
        for _ in range(10):
            comparison.call(arm, reached=False)
    often = comparison.call(comparison.canvass, reached=False)
    for _ in range(50):
        comparison.call(comparison.canvass, reached=False, contact=often)
    assert results_of(comparison.experiment, NEXT_MORNING).warning == []
