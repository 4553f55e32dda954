"""Postcodes → time zones: known codes, codes on a boundary, and codes without a zone."""

import re

import pytest
import zipcodes
from hypothesis import given
from hypothesis import strategies as st

from phonebank.phones import postcodes
from phonebank.phones.postcodes import time_zones_of_postcode
from phonebank.rules.time_zones import canonical_name, time_zone_names


@pytest.mark.parametrize(
    ("code", "zone"),
    [
        ("10001", "America/New_York"),  # New York
        ("10001-1234", "America/New_York"),
        ("90210", "America/Los_Angeles"),  # Beverly Hills
        ("85001", "America/Phoenix"),  # no daylight saving in Arizona
        ("86515", "America/Denver"),  # but in the Navajo Nation: Window Rock
        ("46601", "America/Indiana/Indianapolis"),  # South Bend
        ("47601", "America/Chicago"),  # Boonville, Indiana
        ("60601", "America/Chicago"),  # Chicago
        ("79835", "America/Denver"),  # Canutillo, Texas
        ("97914", "America/Boise"),  # Ontario, Oregon
        ("99501", "America/Anchorage"),
        ("96813", "Pacific/Honolulu"),
        ("00601", "America/Puerto_Rico"),
        ("96910", "Pacific/Guam"),
    ],
)
def test_a_zip_code_gives_the_time_zone_of_its_place(code: str, zone: str) -> None:
    assert time_zones_of_postcode(code, "US") == (zone,)
    assert time_zones_of_postcode(code, "CA") == (zone,)


@pytest.mark.parametrize(
    ("code", "zones"),
    [
        ("37405", {"America/Chicago", "America/New_York"}),  # Chattanooga
        ("86045", {"America/Denver", "America/Phoenix"}),  # Tuba City
        ("89883-0001", {"America/Denver", "America/Los_Angeles"}),  # West Wendover
    ],
)
def test_where_sources_differ_both_zones_count(code: str, zones: set[str]) -> None:
    assert set(time_zones_of_postcode(code, "US")) == zones


@pytest.mark.parametrize(
    "code",
    ["", "1000", "100011", "ABCDE", "00000", "09001", "99634", "1000１", "10001 ", "SW1A 1AA"],
)
def test_a_code_that_tells_nothing_gives_nothing(code: str) -> None:
    assert time_zones_of_postcode(code, "US") == ()


def test_no_zip_code_gives_a_zone_that_does_not_exist() -> None:
    codes = [row["zip_code"] for row in zipcodes.list_all()]
    assert len(codes) > 40_000
    told = {code: time_zones_of_postcode(code, "US") for code in codes}
    assert {zone for zones in told.values() for zone in zones} <= time_zone_names()
    # The rest: the post offices of forces abroad, and Napakiak.
    untold = {code[:2] for code, zones in told.items() if not zones}
    assert untold == {"09", "34", "96", "99"}


def test_every_code_that_lies_astride_is_one_of_the_packages() -> None:
    codes = [code for some in postcodes._ASTRIDE.values() for code in some.split()]
    assert len(codes) == len(set(codes))
    assert [code for code in codes if not zipcodes.is_real(code)] == []


@pytest.mark.parametrize(
    ("code", "zones"),
    [
        ("A1B 2C3", {"America/St_Johns"}),
        ("A0P 1E0", {"America/St_Johns", "America/Goose_Bay"}),
        ("A2V 1A1", {"America/Goose_Bay"}),
        ("B3J 1A1", {"America/Halifax"}),
        ("G4T 1A1", {"America/Halifax"}),
        ("H2X1Y4", {"America/Toronto"}),
        ("K1A-0B6", {"America/Toronto"}),
        ("P7B 1A1", {"America/Toronto"}),
        ("P9N 4A1", {"America/Winnipeg"}),
        ("P0V 2V0", {"America/Toronto", "America/Winnipeg", "America/Atikokan"}),
        ("S4P 3Y2", {"America/Regina"}),
        ("S9V 0A1", {"America/Edmonton"}),
        ("V6B", {"America/Vancouver"}),
        ("V1C 4K3", {"America/Edmonton"}),
        ("X1A 1A1", {"America/Yellowknife"}),
        ("Y1A 1A1", {"America/Whitehorse"}),
    ],
)
def test_a_canadian_code_gives_the_zones_of_its_area(code: str, zones: set[str]) -> None:
    assert set(time_zones_of_postcode(code, "CA")) == zones
    assert set(time_zones_of_postcode(code, "US")) == zones


def test_every_canadian_letter_has_zones_that_exist() -> None:
    for letter in "ABCEGHJKLMNPRSTVXY":
        for code in (f"{letter}0A 1A0", f"{letter}1A 1A1", f"{letter}9Z 9Z9"):
            zones = time_zones_of_postcode(code, "CA")
            assert zones
            assert {canonical_name(zone) for zone in zones} <= time_zone_names()
    for letter in "DFIOQUWZ":
        assert time_zones_of_postcode(f"{letter}1A 1A1", "CA") == ()


@pytest.mark.parametrize("code", ["SW1A 1AA", "M1 1AE", "BT1 5GS", "JE2 3AB", "EC1A1BB"])
def test_a_british_code_is_in_london_time(code: str) -> None:
    assert time_zones_of_postcode(code, "GB") == ("Europe/London",)
    assert time_zones_of_postcode(code, "US") == ()


@pytest.mark.parametrize("code", ["BF1 3AA", "GX11 1AA", "FIQQ 1ZZ", "10001", "SW1A", ""])
def test_a_code_from_elsewhere_is_not(code: str) -> None:
    assert time_zones_of_postcode(code, "GB") == ()


@given(st.text(max_size=12), st.sampled_from(["GB", "US", "CA", "IE", "DE", ""]))
def test_any_text_is_answered(text: str, country: str) -> None:
    zones = time_zones_of_postcode(text, country)
    assert not zones or re.search("[0-9]", text)
