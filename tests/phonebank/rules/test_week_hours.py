"""Hours of a week, as an organiser types them and a row stores them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonebank.rules.countries import countries, rules_for
from phonebank.rules.week_hours import DAYS, WeekHours, WeekHoursError, clock

OPENINGS = st.none() | st.lists(st.integers(0, 24 * 60), min_size=2, max_size=2, unique=True).map(
    lambda ends: (min(ends), max(ends))
)
WEEKS = st.lists(OPENINGS, min_size=7, max_size=7).filter(any).map(lambda d: WeekHours(tuple(d)))


@given(WEEKS)
def test_hours_survive_the_way_to_json_and_back(hours: WeekHours) -> None:
    assert WeekHours.parse(hours.to_json()) == hours


def test_the_json_form() -> None:
    hours = WeekHours.parse({"mon": ["9:00", "21:00"], "sun": []})
    assert hours.to_json() == {day: ["09:00", "21:00"] if day == "mon" else [] for day in DAYS}


@pytest.mark.parametrize("country", countries())
def test_a_new_campaign_starts_with_its_countrys_usual_hours(country: str) -> None:
    rules = rules_for(country)
    assert rules.read_stored_hours({}) == rules.usual_hours.value
    assert rules.parse_hours(rules.usual_hours.value.to_json()) == rules.usual_hours.value


@pytest.mark.parametrize(
    ("day", "value", "sentence"),
    [
        ("mon", ["21:00", "09:00"], "Monday: the end, 09:00, must be later than the start, 21:00."),
        ("mon", ["09:00", "09:00"], "Monday: the end, 09:00, must be later than the start, 09:00."),
        ("tue", ["9 am", "21:00"], "Tuesday: “9 am” is not a time: write it as 09:00."),
        ("tue", ["09:60", "21:00"], "Tuesday: “09:60” is not a time: a day runs from"),
        ("wed", ["09:00", "24:01"], "Wednesday: “24:01” is not a time: a day runs from"),
        ("thu", ["09:00"], "Thursday: give a start and an end, or neither."),
        ("thu", "09:00-21:00", "Thursday: give a start and an end, or neither."),
        ("fri", [9, 21], "Friday: “9” is not a time: write it as 09:00."),
        (
            "sat",
            ["08:30", "21:00"],
            "Saturday: 08:30 to 21:00 goes outside 09:00 to 21:00, the hours permitted on a "
            "Saturday (United Kingdom).",
        ),
        ("monday", ["09:00", "21:00"], "“monday” is not a day: the days are mon, tue"),
    ],
)
def test_a_fault_is_told_for_its_day(day: str, value: object, sentence: str) -> None:
    with pytest.raises(WeekHoursError) as caught:
        rules_for("GB").parse_hours({"sun": ["10:00", "20:00"], day: value})
    assert caught.value.faults[day].startswith(sentence)


def test_every_faulty_day_is_told_at_once() -> None:
    with pytest.raises(WeekHoursError) as caught:
        rules_for("GB").parse_hours({"mon": ["x", "y"], "tue": ["06:00", "21:00"]})
    assert set(caught.value.faults) == {"mon", "tue"}


def test_a_day_on_which_a_country_permits_no_calls_must_stay_closed() -> None:
    with pytest.raises(WeekHoursError, match=r"no calls are permitted on a Sunday \(Germany\)"):
        rules_for("DE").parse_hours({"sun": ["10:00", "12:00"]})


@pytest.mark.parametrize("data", [{}, {"mon": []}, dict.fromkeys(DAYS)])
def test_a_week_without_any_hours_is_refused(data: object) -> None:
    with pytest.raises(WeekHoursError, match="Set hours for at least one day"):
        WeekHours.parse(data)


@pytest.mark.parametrize("data", [None, [], "09:00-21:00", 7])
def test_something_else_than_a_week_is_refused(data: object) -> None:
    with pytest.raises(WeekHoursError, match="must give a start and an end"):
        WeekHours.parse(data)


def test_a_clock_reads_minutes() -> None:
    assert (clock(0), clock(545), clock(1440)) == ("00:00", "09:05", "24:00")
