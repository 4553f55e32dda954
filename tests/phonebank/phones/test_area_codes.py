"""The zones of an area code are those of all its places: no one is called too early or late."""

from datetime import UTC, datetime, timedelta

import phonenumbers
import pytest
import zipcodes
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType
from phonenumbers.tzdata import TIMEZONE_DATA

from phonebank.phones.area_codes import region_of_area_code, time_zones_of_area_code
from phonebank.phones.number_places import time_zones_of
from phonebank.phones.postcodes import time_zones_of_postcode
from phonebank.rules.calling_hours import is_callable, zones_in_key
from phonebank.rules.countries import rules_for
from phonebank.rules.time_zones import time_zone, time_zone_names, zones_key

AREA_CODES = sorted({key[1:] for key in TIMEZONE_DATA if key[0] == "1" and len(key) == 4})
OF_COUNTRY = {
    country: [code for code in AREA_CODES if region_of_area_code(code) == country]
    for country in ("US", "CA")
}


def zones_by_zip_code() -> dict[str, set[str]]:
    zones: dict[str, set[str]] = {}
    for row in zipcodes.list_all():
        if row["timezone"] in time_zone_names():
            for code in row["area_codes"]:
                zones.setdefault(code, set()).add(row["timezone"])
    return zones


REACHED = {code: zones for code, zones in zones_by_zip_code().items() if code in OF_COUNTRY["US"]}


@pytest.mark.parametrize(
    ("code", "zones"),
    [
        ("689", ["New_York"]),  # Orlando
        ("423", ["Chicago", "New_York"]),
        ("219", ["Chicago", "Indiana/Indianapolis"]),
        ("270", ["Chicago", "New_York"]),
        ("364", ["Chicago", "New_York"]),
        ("812", ["Chicago", "Indiana/Indianapolis"]),
        ("850", ["Chicago", "New_York"]),
        ("930", ["Chicago", "Indiana/Indianapolis"]),
        ("308", ["Chicago", "Denver"]),
        ("645", ["New_York"]),  # Miami, laid over 305
        ("867", ["Iqaluit", "Rankin_Inlet", "Whitehorse", "Cambridge_Bay", "Yellowknife"]),
        ("807", ["Toronto", "Winnipeg", "Atikokan"]),
        ("250", ["Vancouver", "Edmonton", "Fort_Nelson", "Creston", "Dawson_Creek"]),
        ("709", ["St_Johns", "Goose_Bay"]),
    ],
)
def test_a_code_has_every_zone_it_reaches(code: str, zones: list[str]) -> None:
    assert {f"America/{zone}" for zone in zones} <= set(time_zones_of_area_code(code))
    # Whatever exchange the number is of.
    for exchange in ("222", "555", "987"):
        assert time_zones_of(f"+1{code}{exchange}0123") == time_zones_of_area_code(code)


def test_orlando_is_in_new_yorks_zone_alone() -> None:
    assert time_zones_of_area_code("689") == ("America/New_York",)


def test_every_code_at_a_place_in_the_united_states_and_canada_is_known() -> None:
    unknown = [
        code for codes in OF_COUNTRY.values() for code in codes if not time_zones_of_area_code(code)
    ]
    assert unknown == []
    assert len(OF_COUNTRY["CA"]) > 40
    assert len(OF_COUNTRY["US"]) > 300


def test_a_code_without_a_place_may_be_anywhere() -> None:
    for code in ("800", "888", "600", "999", "500"):
        assert region_of_area_code(code) is None
        assert time_zones_of_area_code(code) == ()


def test_canadian_codes_have_no_american_zones_from_across_the_border() -> None:
    assert "America/Denver" not in time_zones_of_area_code("306")
    assert time_zones_of_area_code("604") == ("America/Vancouver",)


def test_every_zone_is_in_the_database_and_fits_a_contact() -> None:
    for codes in OF_COUNTRY.values():
        for code in codes:
            assert set(time_zones_of_area_code(code)) <= time_zone_names()
            assert zones_key(time_zones_of_area_code(code))


def test_canadian_codes_have_the_clocks_of_their_provinces_postcodes() -> None:
    """Postcodes and area codes are two tables: they may not contradict each other."""
    province_of = {"403": "T", "204": "R", "506": "E", "902": "B", "416": "M", "514": "H"}
    for code, letter in province_of.items():
        assert time_zones_of_area_code(code) == time_zones_of_postcode(f"{letter}1A 1A1", "CA")


# Two years of quarters of an hour.
MOMENTS = st.integers(0, 2 * 365 * 96).map(
    lambda n: datetime(2026, 1, 1, tzinfo=UTC) + n * timedelta(minutes=15)
)


@given(st.sampled_from(sorted(REACHED)), MOMENTS)
def test_no_hour_is_permitted_that_is_illegal_anywhere_the_code_reaches(
    code: str, at: datetime
) -> None:
    rules = rules_for("US")
    zones = zones_in_key(zones_key(time_zones_of(f"+1{code}5550123")))
    assert zones
    if not is_callable(zones, at, rules.usual_hours.value, rules):
        return
    for zone in REACHED[code]:
        local = at.astimezone(time_zone(zone))
        opens, closes = rules.permitted_on(local.date()) or (0, 0)
        assert opens <= local.hour * 60 + local.minute < closes, zone


def test_libphonenumber_places_the_canadian_codes_where_the_table_does() -> None:
    for code in OF_COUNTRY["CA"]:
        number = phonenumbers.PhoneNumber(1, int(f"{code}2220123"))
        if phonenumbers.is_valid_number(number):
            assert phonenumbers.region_code_for_number(number) == "CA"
            assert phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE_OR_MOBILE
