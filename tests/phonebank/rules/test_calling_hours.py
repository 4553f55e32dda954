"""No one is called outside their hours: a simulated year, the days the clocks change, and the
properties of "when next".

The check is a plain one that shares nothing with the code under test: turn the instant into local
time with zoneinfo, and look at the clock.
"""

import zoneinfo
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from phonebank.rules.calling_hours import (
    HORIZON,
    TIMES_OF_DAY,
    contact_date,
    is_callable,
    next_callable,
    next_contact_date,
    time_of_day,
    zones_in_key,
)
from phonebank.rules.countries import CountryRules, Fact, rules_for
from phonebank.rules.time_zones import UnknownTimeZoneError, zones_key
from phonebank.rules.week_hours import DAYS, WeekHours

# Every whole-hour band, both hemispheres, half and quarter hours, no daylight saving, half an hour
# of it (Lord Howe), two hours of it (Troll), negative winter time (Dublin), a change at midnight
# (Cairo, Beirut, Santiago, Asuncion), changes around Ramadan or their end (Casablanca), the date
# line on either side (Kiritimati, Pago_Pago, Chatham).
FORTY_ZONES = (
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "America/Adak",
    "America/Anchorage",
    "America/Asuncion",
    "America/Caracas",
    "America/Chicago",
    "America/Denver",
    "America/Edmonton",
    "America/Halifax",
    "America/Havana",
    "America/Los_Angeles",
    "America/New_York",
    "America/Nuuk",
    "America/Phoenix",
    "America/Regina",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Vancouver",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "Pacific/Chatham",
    "Pacific/Honolulu",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
)

GB = rules_for("GB")
US = rules_for("US")

# gov.uk/bank-holidays for England, Wales, Scotland and Northern Ireland in 2026, and the Saturday
# and Sunday that two of the days stand in for. Written by hand: the check must not share a source.
BANK_HOLIDAYS_2026 = {
    date(2026, month, day)
    for month, days in {
        1: (1, 2),
        3: (17,),
        4: (3, 6),
        5: (4, 25),
        6: (15,),
        7: (12, 13),
        8: (3, 31),
        11: (30,),
        12: (25, 26, 28),
    }.items()
    for day in days
}


@pytest.fixture(scope="module", autouse=True)
def _pinned_zones_for_the_plain_check() -> Iterator[None]:
    """The check's zoneinfo must read the same database. Without this it would prefer the machine's
    own."""
    zoneinfo.reset_tzpath(to=())
    ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()
    ZoneInfo.clear_cache()


def week(**days: str) -> WeekHours:
    """week(mon="09:00-21:00") is a week open on Mondays only."""
    return WeekHours.parse({day: span.split("-") for day, span in days.items()})


def every_day(span: str) -> WeekHours:
    return week(**dict.fromkeys(DAYS, span))


def without_limits(rules: CountryRules, treated: str = "as_any_day") -> CountryRules:
    """Rules that permit any hour, so that the campaign's hours alone decide."""
    return replace(
        rules,
        permitted_hours=Fact(every_day("00:00-24:00"), "test", "practice"),
        holidays=replace(rules.holidays, treated=Fact[Any](treated, "test", "practice")),
    )


ANY_HOUR = without_limits(GB)
ONE_TO_HALF_PAST = every_day("01:00-01:30")


def minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def plainly_open(zone: str, at: datetime, hours: dict[str, list[str]]) -> bool:
    """The independent check: the local time."""
    local = at.astimezone(ZoneInfo(zone))
    opening = hours[DAYS[local.weekday()]]
    now = local.hour * 60 + local.minute
    return bool(opening) and minutes(opening[0]) <= now < minutes(opening[1])


def hourly(start: datetime, days: int) -> list[datetime]:
    return [start + timedelta(hours=n) for n in range(days * 24)]


# --- a simulated year -----------------------------------------------------------------------------


def test_every_hour_of_a_year_in_forty_zones() -> None:
    """2026 and a week on either side: both changes of the clocks in every zone that has them."""
    assert len(set(FORTY_ZONES)) == 40
    hours = week(
        mon="09:00-21:00",
        tue="09:00-21:00",
        wed="01:30-04:15",  # over the hours that the clocks skip and repeat
        thu="00:00-24:00",
        fri="08:00-20:30",
        sat="00:30-03:00",
        sun="01:00-03:30",
    )
    openings = [tuple(map(minutes, ends)) for ends in hours.to_json().values()]
    moments = hourly(datetime(2025, 12, 25, tzinfo=UTC), 379)
    wrong = []
    for zone in FORTY_ZONES:
        zone_info, zones = ZoneInfo(zone), (zone,)
        for at in moments:
            local = at.astimezone(zone_info)
            opens, closes = openings[local.weekday()]
            expected = opens <= local.hour * 60 + local.minute < closes
            if is_callable(zones, at, hours, ANY_HOUR) != expected:
                wrong.append((zone, at))
    assert wrong == []
    assert len(moments) * len(FORTY_ZONES) > 350_000


def test_every_hour_of_a_british_year_with_its_bank_holidays() -> None:
    hours = GB.usual_hours.value
    wrong = []
    for at in hourly(datetime(2026, 1, 1, tzinfo=UTC), 365):
        local = at.astimezone(ZoneInfo("Europe/London"))
        opens, closes = (9, 21) if local.weekday() < 5 else (10, 20)  # the usual hours
        if local.weekday() < 5 and local.date() in BANK_HOLIDAYS_2026:
            opens = max(opens, 9)  # Sunday's permitted hours, 9 to 21
        if is_callable(("Europe/London",), at, hours, GB) != (opens <= local.hour < closes):
            wrong.append(at)
    assert wrong == []


@pytest.mark.parametrize(
    ("zone", "edge", "what"),
    [
        ("Europe/London", "2026-03-29T01:00", "one hour forward"),
        ("Europe/London", "2026-10-25T01:00", "one hour back"),
        ("America/New_York", "2026-03-08T07:00", "one hour forward"),
        ("America/New_York", "2026-11-01T06:00", "one hour back"),
        ("Europe/Dublin", "2026-03-29T01:00", "one hour forward, winter being the exception"),
        ("Europe/Dublin", "2026-10-25T01:00", "one hour back, winter being the exception"),
        ("Australia/Lord_Howe", "2026-04-04T15:00", "half an hour back"),
        ("Australia/Lord_Howe", "2026-10-03T15:30", "half an hour forward"),
        ("Antarctica/Troll", "2026-03-29T01:00", "two hours forward"),
        ("Antarctica/Troll", "2026-10-25T01:00", "two hours back"),
        ("Pacific/Chatham", "2026-04-04T14:00", "one hour back at a quarter to"),
        ("Pacific/Chatham", "2026-09-26T14:00", "one hour forward at a quarter to"),
        ("Africa/Cairo", "2026-04-23T22:00", "forward at midnight: the day has no midnight"),
        ("Africa/Cairo", "2026-10-29T21:00", "back at midnight: the day before returns"),
        ("America/St_Johns", "2026-03-08T05:30", "one hour forward on a half-hour offset"),
        ("America/St_Johns", "2026-11-01T04:30", "one hour back on a half-hour offset"),
    ],
)
def test_every_minute_around_a_change_of_the_clocks(zone: str, edge: str, what: str) -> None:
    change = datetime.fromisoformat(edge).replace(tzinfo=UTC)
    before, after = (
        (change + timedelta(seconds=s)).astimezone(ZoneInfo(zone)).utcoffset() for s in (-1, 0)
    )
    assert before != after, "the clocks do not change here: the test has lost its edge"
    for span in ("00:00-24:00", "01:30-02:30", "00:15-01:10", "02:00-03:00", "09:00-21:00"):
        hours = every_day(span)
        for n in range(-180, 240):
            at = change + timedelta(minutes=n)
            expected = plainly_open(zone, at, hours.to_json())
            assert is_callable((zone,), at, hours, ANY_HOUR) == expected, (span, at)


def test_an_hour_that_the_clocks_repeat_is_open_twice() -> None:
    zones, hours = ("Europe/London",), ONE_TO_HALF_PAST
    opens = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # 01:00, summer time
    assert next_callable(zones, opens, hours, ANY_HOUR) == opens
    again = opens + timedelta(hours=1)  # 01:00 once more
    assert next_callable(zones, opens + timedelta(minutes=30), hours, ANY_HOUR) == again
    assert not is_callable(zones, again + timedelta(minutes=30), hours, ANY_HOUR)


def test_an_hour_that_the_clocks_skip_is_not_open_that_day() -> None:
    zones, hours = ("Europe/London",), every_day("01:00-02:00")
    day_before = datetime(2026, 3, 28, 2, 0, tzinfo=UTC)
    assert next_callable(zones, day_before, hours, ANY_HOUR) == datetime(2026, 3, 30, 0, tzinfo=UTC)


def test_an_opening_that_the_clocks_shorten_begins_when_they_have_changed() -> None:
    zones, hours = ("America/New_York",), every_day("02:30-04:00")
    night = datetime(2026, 3, 8, 6, 0, tzinfo=UTC)  # 01:00 in New York
    assert next_callable(zones, night, hours, ANY_HOUR) == datetime(2026, 3, 8, 7, tzinfo=UTC)


# --- the law on top of the campaign's hours -------------------------------------------------------


def test_hours_wider_than_the_law_do_not_widen_the_law() -> None:
    hours = every_day("00:00-24:00")
    eleven_at_night = datetime(2026, 11, 24, 23, tzinfo=UTC)
    assert not is_callable(("Europe/London",), eleven_at_night, hours, GB)
    assert next_callable(("Europe/London",), eleven_at_night, hours, GB) == datetime(
        2026, 11, 25, 8, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("treated", "at_eight", "at_ten"),
    [("no_calls", False, False), ("as_sunday", False, True), ("as_any_day", True, True)],
)
def test_what_a_holiday_does_to_the_hours(treated: str, at_eight: bool, at_ten: bool) -> None:
    rules = replace(
        GB, holidays=replace(GB.holidays, treated=Fact[Any](treated, "test", "practice"))
    )
    hours = every_day("08:00-21:00")
    christmas = datetime(2026, 12, 25, tzinfo=UTC)
    for hour, expected in ((8, at_eight), (10, at_ten)):
        at = christmas.replace(hour=hour)
        assert is_callable(("Europe/London",), at, hours, rules) == expected


def test_the_holiday_is_the_one_on_the_contacts_own_calendar_day() -> None:
    rules = replace(GB, holidays=replace(GB.holidays, treated=Fact("no_calls", "test", "practice")))
    hours = every_day("09:00-21:00")
    # 23:30 on Christmas Eve in London is half past ten in the morning of Christmas Day in Sydney.
    at = datetime(2026, 12, 24, 23, 30, tzinfo=UTC)
    assert not is_callable(("Australia/Sydney",), at, hours, rules)
    assert is_callable(("Pacific/Honolulu",), at, hours, rules)


# --- several zones, none, and their key -----------------------------------------------------------


def test_an_ambiguous_number_must_be_inside_hours_in_every_zone() -> None:
    both = ("America/Chicago", "America/New_York")
    hours = every_day("09:00-21:00")
    nine_in_new_york = datetime(2026, 11, 24, 14, tzinfo=UTC)
    assert is_callable(("America/New_York",), nine_in_new_york, hours, US)
    assert not is_callable(both, nine_in_new_york, hours, US)
    nine_in_chicago = nine_in_new_york + timedelta(hours=1)
    assert next_callable(both, nine_in_new_york, hours, US) == nine_in_chicago
    assert not is_callable(both, datetime(2026, 11, 25, 2, tzinfo=UTC), hours, US)


def test_a_number_without_a_zone_must_be_inside_hours_in_all_of_its_country() -> None:
    hours = every_day("09:00-21:00")
    ten_in_new_york = datetime(2026, 11, 24, 15, tzinfo=UTC)
    nine_in_honolulu = datetime(2026, 11, 24, 19, tzinfo=UTC)
    assert not is_callable((), ten_in_new_york, hours, US)
    assert next_callable((), ten_in_new_york, hours, US) == nine_in_honolulu
    assert not is_callable((), datetime(2026, 11, 25, 2, tzinfo=UTC), hours, US)


def test_zones_that_are_never_open_together_are_never_callable() -> None:
    opposite = ("Pacific/Auckland", "Europe/London")
    hours = every_day("09:00-12:00")
    at = datetime(2026, 11, 24, tzinfo=UTC)
    assert next_callable(opposite, at, hours, ANY_HOUR) is None


def test_a_zone_key_is_sorted_and_without_aliases() -> None:
    assert zones_key(["America/New_York", "America/Chicago"]) == "America/Chicago|America/New_York"
    assert zones_in_key("America/Chicago|America/New_York") == (
        "America/Chicago",
        "America/New_York",
    )
    assert zones_key(["Europe/Jersey", "Europe/London", "Europe/Isle_of_Man"]) == "Europe/London"
    assert zones_key(["Etc/Unknown"]) == zones_key([]) == ""
    assert zones_in_key("") == ()


def test_a_number_that_could_be_anywhere_has_no_zones() -> None:
    assert zones_key(FORTY_ZONES) == ""


def test_a_zone_that_does_not_exist_has_no_key() -> None:
    with pytest.raises(UnknownTimeZoneError, match="“Europe/Lundon” is not a time zone"):
        zones_key(["Europe/Lundon"])


@given(st.lists(st.sampled_from(FORTY_ZONES), max_size=8))
def test_a_zone_key_says_the_same_whatever_the_order(zones: list[str]) -> None:
    key = zones_key(zones)
    assert zones_key(reversed(zones)) == zones_key(zones_in_key(key)) == key


def test_a_moment_without_a_time_zone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="aware datetime"):
        is_callable(("Europe/London",), datetime(2026, 11, 24), every_day("09:00-21:00"), GB)  # noqa: DTZ001


def test_a_moment_may_be_given_in_any_time_zone() -> None:
    hours = every_day("09:00-21:00")
    in_tokyo = datetime(2026, 11, 24, 18, tzinfo=ZoneInfo("Asia/Tokyo"))  # 09:00 in London
    assert is_callable(("Europe/London",), in_tokyo, hours, GB)
    assert not is_callable(("Europe/London",), in_tokyo - timedelta(minutes=1), hours, GB)


# --- the ends of openings -------------------------------------------------------------------------


def test_the_last_minute_is_open_and_the_closing_minute_is_not() -> None:
    zones, hours = ("Europe/London",), every_day("09:00-21:00")
    last = datetime(2026, 11, 24, 20, 59, 59, 999_999, tzinfo=UTC)
    closing = datetime(2026, 11, 24, 21, tzinfo=UTC)
    assert is_callable(zones, last, hours, GB)
    assert not is_callable(zones, closing, hours, GB)


def test_an_opening_over_midnight_utc_is_one() -> None:
    zones, hours = ("America/Los_Angeles",), every_day("09:00-21:00")
    closing = datetime(2026, 11, 25, 5, tzinfo=UTC)
    assert is_callable(zones, datetime(2026, 11, 25, 0, tzinfo=UTC), hours, US)
    assert is_callable(zones, closing - timedelta(minutes=1), hours, US)
    assert not is_callable(zones, closing, hours, US)


def test_days_open_from_midnight_to_midnight_are_one_opening() -> None:
    zones, hours = ("Europe/London",), week(tue="00:00-24:00", wed="00:00-24:00", thu="00:00-09:00")
    midnight, closing = datetime(2026, 11, 25, tzinfo=UTC), datetime(2026, 11, 26, 9, tzinfo=UTC)
    assert is_callable(zones, midnight - timedelta(minutes=1), hours, ANY_HOUR)
    assert is_callable(zones, midnight, hours, ANY_HOUR)
    assert is_callable(zones, closing - timedelta(minutes=1), hours, ANY_HOUR)
    assert not is_callable(zones, closing, hours, ANY_HOUR)


# --- when next ------------------------------------------------------------------------------------

MOMENTS = st.datetimes(datetime(2025, 6, 1), datetime(2027, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.lists(st.sampled_from(FORTY_ZONES), max_size=3, unique=True).map(tuple)
QUARTER_HOURS = st.integers(0, 96).map(lambda n: n * 15)
OPENINGS = st.none() | st.lists(QUARTER_HOURS, min_size=2, max_size=2, unique=True).map(
    lambda ends: (min(ends), max(ends))
)
WEEKS = st.lists(OPENINGS, min_size=7, max_size=7).filter(any).map(lambda d: WeekHours(tuple(d)))
RULES = st.sampled_from([ANY_HOUR, without_limits(GB, "no_calls"), GB, US, rules_for("DE")])


@settings(deadline=None, max_examples=150)
@given(ZONES, MOMENTS, WEEKS, RULES)
@example(
    ("Europe/London",), datetime(2026, 10, 25, 0, 40, tzinfo=UTC), every_day("01:00-01:30"), GB
)
def test_the_next_moment_is_callable_and_nothing_before_it_is(
    zones: tuple[str, ...], at: datetime, hours: WeekHours, rules: CountryRules
) -> None:
    found = next_callable(zones, at, hours, rules)
    if found is not None:
        assert at <= found <= at + HORIZON
        assert is_callable(zones, found, hours, rules)
    # Openings here begin and end on quarters of an hour, so one look a quarter misses none.
    look, until = at, min(found or at + HORIZON, at + timedelta(days=12))
    while look < until:
        assert not is_callable(zones, look, hours, rules)
        look = look.replace(minute=look.minute // 15 * 15, second=0, microsecond=0)
        look += timedelta(minutes=15)


@settings(deadline=None, max_examples=150)
@given(ZONES, MOMENTS, MOMENTS, WEEKS, RULES)
def test_another_time_of_day_is_another_one_in_every_zone(
    zones: tuple[str, ...], last: datetime, at: datetime, hours: WeekHours, rules: CountryRules
) -> None:
    found = next_callable(zones, at, hours, rules, other_time_of_day_than=last)
    if found is not None:
        assert found >= at
        assert is_callable(zones, found, hours, rules)
        for zone in zones or rules.time_zones.value:
            assert time_of_day(zone, found) != time_of_day(zone, last)


def test_a_search_ends_where_it_is_told_to() -> None:
    zones, hours = ("Europe/London",), week(mon="09:00-21:00")
    tuesday = datetime(2026, 11, 24, 9, tzinfo=UTC)
    monday = datetime(2026, 11, 30, 9, tzinfo=UTC)  # St Andrew's Day: Sunday's hours, from 9
    assert next_callable(zones, tuesday, hours, GB, within=timedelta(days=6)) == monday
    short = timedelta(days=6) - timedelta(minutes=1)
    assert next_callable(zones, tuesday, hours, GB, within=short) is None


# --- times of day and dates -----------------------------------------------------------------------


def test_the_times_of_day_fill_the_day() -> None:
    ends = [end for span in TIMES_OF_DAY.values() for end in span]
    assert ends == [0, 720, 720, 1020, 1020, 1440]
    assert time_of_day("Europe/London", datetime(2026, 7, 1, 11, 0, tzinfo=UTC)) == "afternoon"
    assert time_of_day("Europe/London", datetime(2026, 7, 1, 10, 59, tzinfo=UTC)) == "morning"


@settings(deadline=None)
@given(ZONES, MOMENTS)
@example(("Africa/Cairo",), datetime(2026, 4, 23, 20, tzinfo=UTC))  # the next day has no midnight
@example(("Africa/Cairo",), datetime(2026, 10, 29, 20, tzinfo=UTC))  # the last hour comes twice
def test_a_new_date_begins_when_it_has_begun_in_every_zone(
    zones: tuple[str, ...], at: datetime
) -> None:
    today, tomorrow = contact_date(zones, at, US), next_contact_date(zones, at, US)
    assert at < tomorrow <= at + timedelta(days=2, hours=3)
    assert contact_date(zones, tomorrow, US) > today
    assert contact_date(zones, tomorrow - timedelta(seconds=1), US) == today
