"""A party's results: its bars, and the people it thanks."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phonebank.core.db import db
from phonebank.models import CallerState
from phonebank.parties.summary import BARS_AT_MOST, WIDTHS, summary_of
from tests.phonebank.live.party_room import Room, open_room

EVENING = datetime(2026, 1, 13, 19, 0, tzinfo=UTC)


def minute(number: int) -> datetime:
    return EVENING + timedelta(minutes=number)


@pytest.fixture
def room(app_context: Flask) -> Room:
    return open_room(title="Tuesday <b>night</b>", goal=2, starts_at=EVENING)


def test_the_evening_is_bars_of_ten_minutes_with_its_breaks(room: Room) -> None:
    sam = room.join("Sam")
    room.record(sam, at=minute(2))
    room.record(sam, at=minute(9), conversation=True)
    room.record(sam, at=minute(35))
    evening = summary_of(room.party)
    assert evening.minutes == 10
    assert [(bar.began, bar.calls, bar.conversations) for bar in evening.bars] == [
        ("19:00", 2, 1),
        ("19:10", 0, 0),
        ("19:20", 0, 0),
        ("19:30", 1, 0),
    ]
    assert evening.busiest.began == "19:00"


def test_a_chart_of_several_days_names_the_days_of_the_partys_zone(room: Room) -> None:
    room.party.time_zone = "America/Los_Angeles"
    sam = room.join("Sam")
    room.record(sam, at=datetime(2026, 1, 14, 3, 5, tzinfo=UTC))
    room.record(sam, at=datetime(2026, 1, 17, 3, 5, tzinfo=UTC))
    bars = summary_of(room.party).bars
    assert (bars[0].began, bars[-1].began) == ("13 Jan", "16 Jan")


def test_a_party_without_calls_has_no_bars_and_nobody_to_thank(room: Room) -> None:
    evening = summary_of(room.party)
    assert (evening.bars, evening.callers, evening.busiest) == ([], 0, None)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 60 * 24 * 30), min_size=1, max_size=12))
def test_every_call_is_in_one_bar_however_long_the_party(
    app_context: Flask, minutes: list[int]
) -> None:
    room = open_room()
    sam = room.join("Sam")
    for number in minutes:
        room.record(sam, at=minute(number))
    evening = summary_of(room.party)
    assert sum(bar.calls for bar in evening.bars) == len(minutes)
    assert len(evening.bars) <= BARS_AT_MOST
    assert evening.minutes in WIDTHS
    db.session.rollback()


def test_thanks_leave_out_the_hidden_and_the_removed_and_rank_nobody(room: Room) -> None:
    for name, calls, values in (
        ("zoe", 5, {}),
        ("Ada", 1, {}),
        ("Shy", 3, {"hidden": True}),
        ("Rude", 3, {"state": CallerState.REMOVED}),
    ):
        caller = room.join(name, **values)
        for _ in range(calls):
            room.record(caller)
    room.join("Idle")
    evening = summary_of(room.party)
    assert (evening.thanks, evening.others, evening.callers) == (["Ada", "zoe"], 2, 4)
