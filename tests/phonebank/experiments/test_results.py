"""The figures of the results page, counted from the calls."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from phonebank.core.db import db
from phonebank.experiments import services
from phonebank.experiments.results import _measures, results_of
from phonebank.experiments.verdict import CONVERSATIONS, SHIFT, YES
from phonebank.models import Experiment, Script, ScriptVersion
from phonebank.scripts.versions import publish
from tests.phonebank.experiments.conftest import (
    FIRST_EVENING,
    NEXT_MORNING,
    Comparison,
)

RATED = {"opening": "speaking", "introduction": "yes", "rating_before": 4, "rating_after": 6}


def test_before_the_first_midnight_there_are_counts_and_no_intervals(
    comparison: Comparison,
) -> None:
    comparison.call(comparison.canvass, {"opening": "speaking"})
    results = results_of(comparison.experiment, FIRST_EVENING + timedelta(minutes=1))
    assert results.look is None
    assert results.comparisons == []
    arm = results.arms[0]
    assert (arm.counts.calls, arm.reached.number, arm.reached.interval) == (1, 1, None)


def test_a_look_takes_in_the_calls_up_to_midnight_and_says_how_many_wait(
    comparison: Comparison,
) -> None:
    comparison.call(comparison.canvass, RATED)
    comparison.call(comparison.persuasive, reached=False, at=NEXT_MORNING - timedelta(hours=1))
    results = results_of(comparison.experiment, NEXT_MORNING)
    assert [arm.counts.calls for arm in results.arms] == [1, 0]
    assert results.calls_since == 1
    # Calls during the day do not change the page.
    for _ in range(40):
        comparison.call(comparison.canvass, RATED, yes=True, at=NEXT_MORNING)
    later = results_of(comparison.experiment, NEXT_MORNING + timedelta(hours=10))
    assert [arm.yes for arm in later.arms] == [arm.yes for arm in results.arms]


def test_people_count_once_however_often_they_were_called(comparison: Comparison) -> None:
    contact = comparison.call(comparison.canvass, reached=False)
    comparison.call(comparison.canvass, reached=False, contact=contact)
    comparison.call(comparison.canvass, RATED, yes=True, contact=contact)
    comparison.call(comparison.canvass, RATED, yes=True, contact=contact)
    comparison.call(comparison.canvass, reached=False)
    comparison.call(comparison.canvass, RATED, counted=False)
    arm = results_of(comparison.experiment, NEXT_MORNING).arms[0]
    assert arm.counts.calls == 5
    assert (arm.reached.number, arm.reached.of) == (1, 2)
    assert (arm.conversations.number, arm.conversations.of) == (1, 1)
    assert arm.yes is not None
    assert (arm.yes.number, arm.yes.of) == (1, 1)
    assert arm.rated == 1


def test_the_shift_is_the_mean_of_second_less_first_rating(comparison: Comparison) -> None:
    for number in range(40):
        comparison.call(comparison.canvass, {"rating_before": 5, "rating_after": 5 + number % 3})
    comparison.call(comparison.canvass, {"rating_before": 5})
    comparison.call(comparison.canvass, {"rating_before": 5, "rating_after": None})
    arm = results_of(comparison.experiment, NEXT_MORNING).arms[0]
    assert arm.rated == 40
    assert arm.shift is not None
    assert arm.shift.seen == pytest.approx(39 / 40)
    assert arm.shift.low < 39 / 40 < arm.shift.high


def test_a_person_rated_in_two_versions_of_a_script_counts_with_the_last_call(
    comparison: Comparison,
) -> None:
    contact = comparison.call(comparison.canvass, {"rating_before": 2, "rating_after": 9})
    script = db.session.get_one(Script, comparison.canvass.script_id)
    first = db.session.get_one(ScriptVersion, script.published_version_id)
    second = ScriptVersion(script_id=script.id, number=2, source=first.source)
    db.session.add(second)
    db.session.flush()
    publish(script, second)
    later = FIRST_EVENING + timedelta(hours=1)
    answers: dict[str, object] = {"rating_before": 5, "rating_after": 6}
    comparison.call(comparison.canvass, answers, contact=contact, at=later)
    arm = results_of(comparison.experiment, NEXT_MORNING).arms[0]
    assert len(arm.counts.versions) == 2
    assert arm.counts.shifts == {1: 1}


def test_steps_say_how_many_got_past_and_where_they_ended(comparison: Comparison) -> None:
    arm = comparison.canvass
    comparison.call(arm, {"opening": "not_here"})
    comparison.call(arm, {"opening": "not_here"})
    comparison.call(arm, {"opening": "speaking", "introduction": "yes"})
    comparison.call(arm, reached=True)
    comparison.call(arm, {"opening": "not_here"}, reached=False)
    results = results_of(comparison.experiment, NEXT_MORNING).arms[0]
    assert results.script is not None
    titles = {step.id: step.title for step in results.script.steps}
    steps = {step.title: step for step in results.steps}
    opening, introduction = steps[titles["opening"]], steps[titles["introduction"]]
    assert (opening.passed.number, opening.passed.of, opening.no_further) == (3, 4, 2)
    assert (introduction.passed.number, introduction.no_further) == (1, 1)
    assert all(step.is_end for step in results.script.steps if step.title not in steps)


def test_every_rate_has_its_interval_and_more_people_make_it_narrower(
    comparison: Comparison,
) -> None:
    def widths() -> list[float]:
        arm = results_of(comparison.experiment, NEXT_MORNING).arms[0]
        shares = [arm.reached, arm.conversations, arm.yes, *(step.passed for step in arm.steps)]
        found = []
        for share in shares:
            assert share is not None
            assert share.interval is not None
            assert share.interval.low <= share.number / share.of <= share.interval.high
            found.append(share.interval.high - share.interval.low)
        return found

    def ring(people: int) -> None:
        for number in range(people):
            comparison.call(comparison.canvass, RATED, yes=number % 2 == 0)
            comparison.call(comparison.canvass, reached=False)
            comparison.call(comparison.canvass)

    ring(10)
    few = widths()
    ring(90)
    assert all(many < width for many, width in zip(widths(), few, strict=True))


def test_a_clear_difference_is_named_and_small_ones_are_not(comparison: Comparison) -> None:
    for number in range(120):
        comparison.call(comparison.canvass, RATED, yes=number % 4 > 0)
        comparison.call(comparison.persuasive, RATED, yes=number % 4 == 0)
    results = results_of(comparison.experiment, NEXT_MORNING)
    yes_rate = results.comparisons[0]
    assert yes_rate[0] == (
        "The yes rate of Persuasive is lower than that of Deep canvass:"
        " 25.0% against 75.0% of the people reached."
    )
    # Every person's rating moved by the same amount.
    assert results.comparisons[1][0].startswith("Too early to compare the shift")


def test_the_yes_rate_is_the_main_measure_and_the_shift_the_second(
    comparison: Comparison,
) -> None:
    for number in range(120):
        calm, moved = (RATED | {"rating_after": rating + number % 2} for rating in (5, 9))
        comparison.call(comparison.canvass, calm, yes=number % 4 > 0)
        comparison.call(comparison.persuasive, moved, yes=number % 4 == 0)
    yes_rate, shift = results_of(comparison.experiment, NEXT_MORNING).comparisons
    assert "is lower than" in yes_rate[0]
    assert not any("second measure" in line for line in yes_rate)
    assert "is higher than" in shift[0]
    assert shift[-1].startswith("But decide by the yes rate.")


def test_the_main_measure_is_the_first_that_both_scripts_have(comparison: Comparison) -> None:
    first, second = results_of(comparison.experiment, NEXT_MORNING).arms
    assert _measures(first, second) == [YES, SHIFT]
    asks_nothing = replace(second, yes=None)
    assert _measures(first, asks_nothing) == [SHIFT]
    assert _measures(first, replace(asks_nothing, rated=None)) == [CONVERSATIONS]


def test_stopping_is_a_last_look_and_later_calls_do_not_count(comparison: Comparison) -> None:
    comparison.call(comparison.canvass, RATED)
    services.stop(comparison.experiment)
    comparison.experiment.stopped_at = FIRST_EVENING + timedelta(minutes=30)
    comparison.call(comparison.canvass, RATED, at=NEXT_MORNING)
    results = results_of(comparison.experiment, NEXT_MORNING)
    assert results.look is not None
    assert results.look.number == 1
    assert results.arms[0].counts.calls == 1
    assert results.calls_since == 0
    assert results.arms[0].reached.interval is not None


def test_with_more_than_two_arms_each_is_compared_with_the_first(comparison: Comparison) -> None:
    services.stop(comparison.experiment)
    first, second = services.available_arm_scripts(comparison.campaign)
    held = db.session.scalar(
        select(ScriptVersion.id).where(ScriptVersion.script_id == first.script_id)
    )
    third = services.ArmScript(first.script_id, held, "Held")
    wanted = [services.NewArm(words, 1) for words in (first, second, third)]
    experiment: Experiment = services.create_experiment(comparison.campaign, "Three", wanted)
    services.start(comparison.campaign, experiment)
    experiment.started_at = comparison.experiment.started_at
    results = results_of(experiment, NEXT_MORNING)
    told = [lines[0] for lines in results.comparisons]
    assert sum("Deep canvass and Persuasive" in line for line in told) == 2
    assert sum("Deep canvass and Held" in line for line in told) == 2
    assert len(told) == 4


def test_a_draft_has_no_results(comparison: Comparison) -> None:
    words = services.available_arm_scripts(comparison.campaign)
    draft = services.create_experiment(
        comparison.campaign, "Later", [services.NewArm(one, 50) for one in words]
    )
    assert results_of(draft).arms == []
