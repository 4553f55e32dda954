"""The sentences never say more than the figures do."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonebank.experiments.interim_looks import Look, error_at
from phonebank.experiments.intervals import Interval, rate_difference
from phonebank.experiments.verdict import (
    CONVERSATIONS,
    SHIFT,
    YES,
    Comparison,
    conversations_needed,
    describe_comparison,
    round_forecast,
    short_names,
)

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def said(comparison: Comparison) -> str:
    return " ".join(describe_comparison(comparison))


def test_a_difference_is_named_with_its_direction_its_figures_and_its_range() -> None:
    interval = Interval(0.09, 0.021, 0.159)
    assert said(Comparison(YES, "Long", "Short", (0.22, 0.31), interval)) == (
        "The yes rate of Short is higher than that of Long: 31.0% against 22.0% of the people"
        " reached. With 95% certainty, the true difference is between 2.1 and 15.9 percentage"
        " points."
    )
    lower = said(Comparison(YES, "Long", "Short", (0.31, 0.22), Interval(-0.09, -0.159, -0.021)))
    assert "Short is lower than that of Long: 22.0% against 31.0%" in lower
    assert "between 2.1 and 15.9 percentage points" in lower


def test_shifts_are_told_in_points_of_the_scale_with_their_sign() -> None:
    told = said(Comparison(SHIFT, "Long", "Short", (-0.4, 1.25), Interval(1.65, 0.6, 2.7)))
    assert "+1.2 against −0.4 on average" in told
    assert "between 0.6 and 2.7 points on the scale" in told


def test_a_difference_in_a_second_measure_points_to_the_main_one() -> None:
    interval = Interval(1.65, 0.6, 2.7)
    told = said(Comparison(SHIFT, "Long", "Short", (-0.4, 1.25), interval, main=YES))
    assert told.endswith(
        "But decide by the yes rate. The shift between the ratings is a second measure, with a 5%"
        " chance of its own to show a difference that is not there."
    )


def test_no_difference_yet_says_what_is_ruled_out_and_what_it_would_take() -> None:
    told = said(Comparison(YES, "A", "B", (0.2, 0.25), Interval(0.05, -0.04, 0.14), more=873))
    assert told == (
        "No difference shown yet in the yes rate of A and B. If there is one, B is at most 4.0"
        " percentage points lower, and at most 14.0 higher. At this rate about 880 more"
        " conversations will show it, if the difference stays at the 5.0 percentage points seen so"
        " far."
    )


def test_where_waiting_is_no_use_it_says_so() -> None:
    told = said(Comparison(YES, "A", "B", (0.2, 0.2), Interval(0.0, -0.04, 0.04), more=None))
    assert "Consider stopping." in told
    assert "more conversations" not in told


def test_a_stopped_experiment_promises_nothing() -> None:
    told = said(Comparison(YES, "A", "B", (0.2, 0.25), Interval(0.05, -0.04, 0.14), stopped=True))
    assert told.startswith("No difference was shown in the yes rate of A and B.")
    assert "more conversations" not in told


@pytest.mark.parametrize("measure", [YES, SHIFT, CONVERSATIONS])
def test_too_few_people_are_called_too_few(measure: object) -> None:
    told = said(Comparison(measure, "A", "B"))  # type: ignore[arg-type]
    assert told.startswith("Too early to compare")
    assert "30 people" in told
    over = said(Comparison(measure, "A", "B", stopped=True))  # type: ignore[arg-type]
    assert over.startswith("Too few people to compare"), "it is not too early any more"
    assert "That takes 30 people" in over


def test_versions_of_one_script_are_named_by_their_number() -> None:
    assert short_names(["Long, version 2", "Long, version 1"]) == ["version 2", "version 1"]
    for labels in (["Long, version 2", "Short, version 1"], ["Long, version 2", "Long"]):
        assert short_names(labels) == labels


@settings(deadline=None)  # the first example waits for SciPy's import
@given(
    st.integers(0, 400), st.integers(0, 400), st.integers(0, 400), st.integers(0, 400),
    st.integers(1, 60),
)  # fmt: skip
def test_a_difference_is_only_claimed_where_the_interval_excludes_zero(
    yes_1: int, no_1: int, yes_2: int, no_2: int, day: int
) -> None:
    people = yes_1 + no_1, yes_2 + no_2
    interval = rate_difference((yes_1, people[0]), (yes_2, people[1]), error_at(day))
    if interval is None:
        return
    figures = yes_1 / people[0], yes_2 / people[1]
    told = said(Comparison(YES, "A", "B", figures, interval))
    claims = "is higher" in told or "is lower" in told
    assert claims == (interval.low > 0 or interval.high < 0)
    if claims:
        assert ("is higher" in told) == (figures[1] > figures[0])


def test_the_forecast_is_about_right_for_a_difference_that_stays() -> None:
    """At day 5 nothing shows; with the forecast's people, and the same rates, it does."""
    people, day = 200, 5
    look = Look(day, DAY)
    seen = rate_difference((40, people), (56, people), look.error)
    assert seen is not None
    assert seen.low < 0
    more = conversations_needed(seen, look.error, look, 2 * people)
    assert more is not None
    grown = 1 + more / (2 * people)
    then = round(day * grown)
    scaled = [(round(yes * grown), round(people * grown)) for yes in (40, 56)]
    later = rate_difference(scaled[0], scaled[1], error_at(then))
    earlier = [(round(yes * 0.85), round(n * 0.85)) for yes, n in scaled]
    just_before = rate_difference(earlier[0], earlier[1], error_at(round(then * 0.85)))
    assert later is not None
    assert just_before is not None
    assert later.low > 0 > just_before.low


def test_no_difference_at_all_has_no_forecast() -> None:
    assert conversations_needed(Interval(0.0, -0.1, 0.1), 0.001, Look(5, DAY), 400) is None


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0"), (7, "7"), (41, "50"), (873, "880"), (1234, "1,300")]
)
def test_a_forecast_is_told_in_round_numbers(number: int, words: str) -> None:
    assert round_forecast(number) == words
