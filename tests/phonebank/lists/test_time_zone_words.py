"""Words for time zones in lists: the result is always a zone that people live by."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonebank.csv_input.column_mapping import Mapping
from phonebank.csv_input.rows import Row
from phonebank.lists.batching import prepare_batches
from phonebank.lists.time_zone_words import read_time_zones
from phonebank.rules.time_zones import time_zone, time_zone_names, zones_key


@pytest.mark.parametrize(
    ("text", "country", "zones"),
    [
        ("Europe/London", "GB", "Europe/London"),
        ("america/new york", "US", "America/New_York"),
        ("US/Eastern", "US", "US/Eastern"),
        ("(GMT-06:00) Central Time (America/Chicago)", "US", "America/Chicago"),
        ("EST", "US", "America/New_York"),
        ("edt", "US", "America/New_York"),
        ("ET", "US", "America/New_York"),
        ("EST5EDT", "US", "America/New_York"),
        ("Eastern Standard Time", "US", "America/New_York"),
        ("Eastern Time (US & Canada)", "US", "America/New_York"),
        ("(UTC-05:00) Eastern Time (US & Canada)", "US", "America/New_York"),
        ("Central", "US", "America/Chicago"),
        ("CST/CDT", "US", "America/Chicago"),
        ("MST", "US", "America/Denver America/Phoenix"),
        ("MDT", "US", "America/Denver"),
        ("HST", "US", "America/Adak Pacific/Honolulu"),
        ("PST", "US", "America/Los_Angeles"),
        ("UTC", "US", ""),
        ("GMT", "US", ""),
        ("Etc/GMT+5", "US", ""),
        ("-5", "US", ""),
        ("EST", "CA", "America/Atikokan America/Toronto"),
        ("CST", "CA", "America/Regina America/Winnipeg"),
        ("NST", "CA", "America/St_Johns"),
        ("GMT", "GB", "Europe/London"),
        ("UTC", "GB", "Europe/London"),
        ("BST", "GB", "Europe/London"),
        ("GMT/BST", "GB", "Europe/London"),
        ("Greenwich", "GB", "Europe/London"),
        ("GMT Standard Time", "GB", "Europe/London"),
        ("EST", "GB", ""),
        ("GMT", "IE", "Europe/Dublin"),
        ("MEZ", "DE", "Europe/Berlin"),
        ("CEST", "DE", "Europe/Berlin"),
        ("W. Europe Standard Time", "DE", "Europe/Berlin"),
        ("Eastern or Central", "US", ""),
        ("../../etc/passwd", "US", ""),
        ("", "US", ""),
    ],
)
def test_time_zones_said(text: str, country: str, zones: str) -> None:
    assert read_time_zones(text, country) == tuple(zones.split())


NAMES_WITHOUT_A_PLACE = sorted(
    name for name in time_zone_names() if "/" not in name or name.startswith("Etc/")
)


@given(st.sampled_from(NAMES_WITHOUT_A_PLACE), st.sampled_from(["US", "CA", "GB", "IE", "DE"]))
def test_a_name_without_a_place_is_a_clock_of_the_country_or_none(name: str, country: str) -> None:
    """The database's EST, MST, HST and GMT never go forward in summer; people's clocks do."""
    for zone in read_time_zones(name, country):
        assert "/" in zone
        assert zone.startswith(("America/", "Pacific/") if country in ("US", "CA") else "Europe/")
    if name in ("EST", "GMT", "UTC", "WET", "CET"):
        for zone in read_time_zones(name, country):
            winter, summer = (
                datetime(2026, month, 1, tzinfo=UTC).astimezone(time_zone(zone)).utcoffset()
                for month in (1, 7)
            )
            assert winter != summer or zone == "America/Atikokan"


@given(st.text(max_size=60), st.sampled_from(["US", "CA", "GB", "IE", "DE", "FR"]))
def test_any_text_names_zones_of_the_database_or_none(text: str, country: str) -> None:
    assert set(read_time_zones(text, country)) <= time_zone_names()


@pytest.mark.parametrize(
    ("said", "number", "country", "key"),
    [
        ("MST", "602 555 0123", "US", "America/Phoenix"),
        ("MST", "202 555 0123", "US", "America/Denver|America/Phoenix"),  # took their phone along
        ("HST", "808 555 0123", "US", "Pacific/Honolulu"),
        ("EST", "416 555 0123", "CA", "America/Toronto"),
        ("CST", "204 555 0123", "CA", "America/Winnipeg"),
        ("UTC", "202 555 0123", "US", "America/New_York"),
        ("GMT", "020 7946 0123", "GB", "Europe/London"),
        # Zones of other countries: where the number is has to be open as well.
        ("America/New_York", "020 7946 0123", "GB", "America/New_York|Europe/London"),
        ("Asia/Kolkata", "202 555 0123", "US", "America/New_York|Asia/Kolkata"),
        ("America/Detroit", "202 555 0123", "US", "America/Detroit"),
    ],
)
def test_a_word_for_two_clocks_is_settled_by_where_they_live(
    said: str, number: str, country: str, key: str
) -> None:
    mapping = Mapping.of(["Phone", "Zone"], ["phone", "time_zone"])
    [batch] = prepare_batches(
        iter([Row(2, [number, said])]), 0, mapping, country, allow_drama=False
    )
    assert batch.zone_keys == {zones_key(key.split("|"))}
