"""How many lines the rule dials, moment by moment."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from phonebank.pacing.day_bound import limit, room
from phonebank.pacing.learned import LONGEST_RING, Learned, Lengths, RingTimes
from phonebank.pacing.rule import lines_to_dial
from phonebank.pacing.snapshot import OFCOM, DayAccount, Law, PacingMode, Snapshot, Stop

LONG_DAY = DayAccount(people=900, machines=1060, abandoned=40)
LEARNED = Learned(
    tried=300,
    answered=100,
    last_minute=10,
    expected=10,
    ring=RingTimes.from_counts([float(4 <= second < 16) for second in range(LONGEST_RING)]),
    talk=Lengths.from_counts([1.0] * 60, [250.0] * 60, width=5, guess=60),
    wrap_up=Lengths.from_counts([2.0] * 30, [10.0] * 30, width=2, guess=10),
)


def moment(ready: int, talking: int, ringing: int = 0, **other: Any) -> Snapshot:
    now = Snapshot(
        ready=ready,
        talking=[30.0] * talking,
        wrapping_up=[],
        ringing=[1.0] * ringing,
        waiting=0,
        account=LONG_DAY,
        learned=LEARNED,
    )
    return replace(now, **other)


def test_four_callers_have_a_line_each_however_long_the_day():
    decision = lines_to_dial(moment(ready=3, talking=1, ringing=1))
    assert (decision.lines, decision.mode) == (2, PacingMode.PROGRESSIVE)
    assert decision.stop == Stop.FEW_CALLERS


def test_a_day_of_49_answers_is_progressive_and_of_50_predictive():
    young = DayAccount(people=20, machines=29, abandoned=0)
    decision = lines_to_dial(moment(ready=10, talking=30, account=young))
    assert (decision.lines, decision.stop) == (10, Stop.FEW_ANSWERS)
    fifty = replace(young, people=21)
    assert lines_to_dial(moment(10, 30, account=fifty)).mode == PacingMode.PREDICTIVE


def test_callers_who_are_about_to_finish_have_lines_dialled_for_them():
    nobody_soon = moment(ready=2, talking=0, account=LONG_DAY)
    many_soon = moment(ready=2, talking=0, wrapping_up=[9.0] * 20)
    ready_only = lines_to_dial(replace(nobody_soon, talking=[0.0] * 20)).lines
    assert lines_to_dial(many_soon).lines > ready_only + 10


def test_lines_that_ring_already_count():
    first = lines_to_dial(moment(ready=8, talking=12))
    assert first.lines > 8
    assert lines_to_dial(moment(ready=8, talking=12, ringing=first.lines)).lines == 0


def test_a_ready_caller_has_a_line_even_on_a_day_above_its_bound():
    bad_day = DayAccount(people=900, machines=1100, abandoned=90)
    decision = lines_to_dial(moment(ready=8, talking=12, ringing=3, account=bad_day))
    assert (decision.lines, decision.stop) == (5, Stop.BOUND)


def test_the_answer_rate_jumps_when_the_last_minute_does():
    jumped = replace(LEARNED, last_minute=30)
    assert LEARNED.answer_bound() == pytest.approx(0.368, abs=0.002)
    assert jumped.answer_bound() == pytest.approx(0.94, abs=0.01)
    usual = lines_to_dial(moment(ready=8, talking=12))
    wary = lines_to_dial(moment(ready=8, talking=12, learned=jumped))
    assert wary.lines < usual.lines


def test_the_bound_is_that_a_tripled_rate_leaves_the_day_within_275_in_ten_thousand():
    """At this answer rate, tripled, every line is answered. So each line beyond the ready callers
    is a call abandoned."""
    day = DayAccount(people=200, machines=0, abandoned=2)
    soon = moment(ready=1, talking=0, wrapping_up=[9.0] * 11, account=day)
    decision = lines_to_dial(soon)
    assert decision.stop == Stop.BOUND
    abandoned = day.abandoned + (decision.lines - soon.ready)
    assert abandoned / (abandoned + day.people) <= 0.0275
    assert (abandoned + 1) / (abandoned + 1 + day.people) > 0.0275


def test_fourteen_callers_count_no_machines_and_fifteen_do():
    day = DayAccount(people=100, machines=300, abandoned=1)
    strict, estimated = (room(day, OFCOM, callers) for callers in (14, 15))
    assert (strict, estimated) == (1, 10)
    # Someone lost in the middle of a call was a person, so she counts for more than one answer.
    assert room(replace(day, lost=1), OFCOM, 15) == 6
    assert room(replace(day, lost=1), OFCOM, 14) == 0


def test_the_limit_follows_the_account_smoothly():
    shares = [limit(DayAccount(430, 570, abandoned), OFCOM) for abandoned in range(60)]
    assert shares == sorted(shares, reverse=True)
    assert all(before / after < 1.1 for before, after in pairwise(shares))
    assert limit(DayAccount(430, 548, 22), OFCOM) == pytest.approx(0.08)  # at the aim of 2.2%
    # A lower ceiling, of a campaign that wants to be kinder, lowers the limit too.
    assert limit(DayAccount(430, 548, 22), Law(ceiling=0.01)) < 0.04
