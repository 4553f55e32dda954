"""Simulated evenings: against closed forms, and against the law."""

from dataclasses import replace
from random import Random

import pytest

from phonebank.pacing.rule import lines_to_dial, progressive
from phonebank.pacing.snapshot import OFCOM, Decision, PacingMode, Snapshot
from phonebank.pacing_simulation.evening import Evening
from phonebank.pacing_simulation.figures import figures
from phonebank.pacing_simulation.setting import Setting

# Nothing but answers and talks, for which there are formulas.
PLAIN = Setting(
    callers=20, hours=5, machine_share=0, drift=0, stay=None, grace=0, wrong_share=0, plain=True
)


@pytest.mark.parametrize(
    ("answer_share", "talk", "busy"),
    [(0.15, 90, 0.3724), (0.30, 240, 0.7784)],  # `make bench ARGS=pacing` has all four
)
def test_progressive_evenings_take_the_exact_time(answer_share, talk, busy):
    """A cycle has (1-p)/p lines of 25 seconds without an answer, ten seconds of ringing, a talk."""
    setting = replace(PLAIN, answer_share=answer_share, talk=talk)
    result = Evening(setting, 3, progressive).run()
    assert result.busy_seconds / result.caller_seconds == pytest.approx(busy, rel=0.03)
    assert result.true_share == 0


def blind(lines_a_second: float):
    """A dialler that looks at nothing. Its answers are a Poisson stream."""
    dice = Random(5)

    def dial(moment: Snapshot) -> Decision:
        lines, left = 0, dice.expovariate(lines_a_second)
        while left < 1:
            lines += 1
            left += dice.expovariate(lines_a_second)
        return Decision(lines, PacingMode.PREDICTIVE, None)

    return dial


def test_a_blind_dialler_loses_what_erlang_says():
    """Ten callers, eight of them busy if nobody were lost: Erlang B is 0.1217 for those who do not
    wait, and Erlang C is 0.4092 for those who wait as long as it takes."""
    answered, talk = 0.5, 60
    setting = replace(PLAIN, callers=10, answer_share=answered, talk=talk, hours=16)
    rate = 8 / talk / answered
    lost = Evening(setting, 1, blind(rate)).run()
    assert lost.true_share == pytest.approx(0.1217, abs=0.015)
    patient = Evening(replace(setting, grace=1e9), 2, blind(rate), keep_lines=True)
    patient.run()
    joined = [line for line in patient.lines if line.joined is not None]
    waited = [line for line in joined if line.joined > line.answered]
    assert len(waited) / len(joined) == pytest.approx(0.4092, abs=0.06)


def test_the_same_seed_is_the_same_evening():
    setting = Setting(callers=8, hours=0.5)
    first, again, other = (Evening(setting, seed, lines_to_dial).run() for seed in (1, 1, 2))
    assert first == again != other


def test_no_ringing_line_is_ended_early_and_nobody_waits_longer_than_two_seconds():
    evening = Evening(Setting(callers=12, hours=1), 4, lines_to_dial, keep_lines=True)
    evening.run()
    unanswered = [line for line in evening.lines if line.answered is None and line.ended]
    # A line ends before 25 seconds only because the number is wrong.
    assert {round(line.ended - line.dialled) for line in unanswered} == {2, 25}
    waits = [
        (line.joined or line.abandoned or line.ended) - line.answered
        for line in evening.lines
        if line.answered is not None and (line.joined or line.abandoned)
    ]
    assert max(waits) <= OFCOM.seconds_to_message + 1e-6


# 40 evenings. `make bench ARGS=pacing` plays 1,000 of each kind and size.
TRIPLING = {"tripling": True, "hours": 1.5}
HALF_VANISH = {"half_vanish": True, "hours": 3}
EVENINGS = {5: range(1, 18), 20: range(1, 3), 50: range(1, 2)}


@pytest.mark.parametrize("what", [TRIPLING, HALF_VANISH], ids=["tripling", "half vanish"])
def test_no_day_is_above_the_ceiling(what):
    """The answer rate triples within a minute, or half of the callers vanish."""
    for callers, seeds in EVENINGS.items():
        setting = replace(Setting(callers=callers), **what)
        results = [Evening(setting, seed, lines_to_dial).run() for seed in seeds]
        found = figures(results, OFCOM.ceiling)
        assert found.days_over == 0, (callers, found)
        assert any(result.account.abandoned for result in results)  # so it was put to the test
