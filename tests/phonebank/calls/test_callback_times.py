"""Tests the time to call back, from what a caller tapped or typed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonebank.calls.callback_times import AHEAD_AT_MOST, CHOSEN, NEXT_WEEK, PRESETS, callback_time
from phonebank.core.errors import InvalidInputError

LONDON = ZoneInfo("Europe/London")
CHICAGO = ZoneInfo("America/Chicago")
NOW = datetime(2026, 5, 6, 17, 30, tzinfo=UTC)  # 18:30 in London, 12:30 in Chicago


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("preset", "day", "clock", "zone", "expected"),
    [
        ("", "", "", LONDON, None),
        ("later_today", "", "", LONDON, at("2026-05-06 20:30")),
        ("tomorrow", "", "", LONDON, at("2026-05-07 17:30")),
        ("next_week", "", "", LONDON, at("2026-05-13 17:30")),
        (CHOSEN, "2026-05-08", "09:15", LONDON, at("2026-05-08 08:15")),
        (CHOSEN, "2026-05-08", "09:15", CHICAGO, at("2026-05-08 14:15")),
        # A day alone means this time of day. A time alone means today.
        (CHOSEN, "2026-05-08", "", CHICAGO, at("2026-05-08 17:30")),
        (CHOSEN, "", "19:45", LONDON, at("2026-05-06 18:45")),
        ("", "2026-05-08", "09:15", LONDON, at("2026-05-08 08:15")),
    ],
)
def test_a_tap_or_typed_words_mean_this_time(preset, day, clock, zone, expected) -> None:
    assert callback_time(preset, day, clock, zone, NOW) == expected


def test_the_time_of_day_stays_the_same_when_the_clocks_change() -> None:
    saturday = datetime(2026, 10, 24, 17, 0, tzinfo=UTC)  # 18:00; the clocks go back that night
    moment = callback_time("tomorrow", "", "", LONDON, saturday)
    assert moment.astimezone(LONDON).hour == 18
    assert moment == datetime(2026, 10, 25, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("preset", "day", "clock", "words"),
    [
        ("someday", "", "", "isn't one of the times"),
        (CHOSEN, "", "", "Say when"),
        (CHOSEN, "2026-05-06", "18:00", "has passed"),
        (CHOSEN, "2026-05-06", "18:30", "has passed"),
        (CHOSEN, "1999-01-01", "", "has passed"),
        (CHOSEN, "2027-05-06", "10:00", "three months"),
        (CHOSEN, "6 May", "10:00", "isn't a date"),
        (CHOSEN, "2026-02-30", "10:00", "isn't a date"),
        (CHOSEN, "2026-05-08", "half six", "isn't a time"),
        (CHOSEN, "2026-05-08", "25:00", "isn't a time"),
    ],
)
def test_an_impossible_time_is_refused_with_the_reason(preset, day, clock, words) -> None:
    with pytest.raises(InvalidInputError, match=words):
        callback_time(preset, day, clock, LONDON, NOW)


@given(
    preset=st.sampled_from(["", CHOSEN, *PRESETS]) | st.text(max_size=12),
    day=st.text(max_size=12) | st.dates().map(str),
    clock=st.text(max_size=8) | st.times().map(str),
)
def test_any_input_means_a_time_within_reach_or_is_refused(
    preset: str, day: str, clock: str
) -> None:
    try:
        moment = callback_time(preset, day, clock, CHICAGO, NOW)
    except InvalidInputError:
        return
    if moment is not None:
        assert NOW < moment <= NOW + max(AHEAD_AT_MOST, timedelta(days=7))
    else:
        assert preset != NEXT_WEEK
