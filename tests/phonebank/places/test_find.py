"""What people type, and the place that they mean."""

import csv
import gzip
import hashlib
import itertools
import json
from math import cos, hypot, radians

import pytest
from flask import Flask
from sqlalchemy import delete, func, select

from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.core.install_paths import ROOT
from phonebank.models import Place
from phonebank.places.distance import box_around, describe_distance, km_between
from phonebank.places.find import CHOICES_AT_MOST, describe_place, find_places, one_place
from phonebank.places.load import DATA, load_places
from phonebank.places.typed import read_typed


@pytest.fixture
def in_app(app: Flask, places: None) -> object:
    with app.app_context():
        yield


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("SW9 0AA", ["GB SW9"]),
        ("sw9 0aa", ["GB SW9"]),
        ("SW90AA", ["GB SW9"]),
        ("SW9", ["GB SW9"]),
        (" sw9 OAA ", ["GB SW9"]),  # the letter O for the digit
        ("SW9-0AA.", ["GB SW9"]),
        ("SW9 0", ["GB SW9"]),
        ("EC1A 1BB", ["GB EC1A"]),
        ("SO15 2JU", ["GB SO15"]),
        ("E1O", ["GB E10"]),
        ("BT7 1NN", ["GB BT"]),
        ("M5V 2T6", ["CA M5V"]),
        ("m5v2t6", ["CA M5V"]),
        ("V6B 1O1", ["CA V6B"]),
        ("N1C", ["CA N1C", "GB N1C"]),  # Guelph, and King's Cross
        ("60614", ["US 60614"]),
        ("60614-1234", ["US 60614"]),
        ("80331", ["DE 80331"]),
        ("50668", ["DE 50668", "US 50668"]),  # Cologne, and Plainfield in Iowa
        ("Clerkenwell", ["GB clerkenwell"]),
        ("  köln ", ["DE koln"]),
        ("Koeln", ["DE koln"]),
        ("Nuremberg", ["DE nuremberg"]),
        ("Munich", ["DE munich"]),
        ("St. Helens", ["GB st-helens", "GB st-helens-near-gosport", "US saint-helens"]),
        ("saint neots", ["GB saint-neots"]),
        ("Galway", ["IE galway"]),
    ],
)
def test_a_postcode_or_a_town_is_found_as_it_is_typed(
    in_app: None, typed: str, found: list[str]
) -> None:
    assert sorted(f"{p.country} {p.code}" for p in find_places(typed)) == found


def test_a_small_town_of_the_country_is_found_among_larger_ones_elsewhere(in_app: None) -> None:
    ids = itertools.count(10_000_000)  # the other places were copied with theirs

    def town(country: str, code: str, population: int) -> Place:
        return Place(
            id=next(ids),
            country=country,
            code=code,
            name="Zwischenwasser",
            key="zwischenwasser",
            latitude=50.0,
            longitude=8.0,
            population=population,
        )

    db.session.add_all(town("US", f"zwischenwasser-{n}", 90_000) for n in range(CHOICES_AT_MOST))
    db.session.add(town("DE", "zwischenwasser", 900))
    db.session.flush()
    assert one_place("Zwischenwasser", "DE").country == "DE"
    assert {place.country for place in find_places("Zwischenwasser")} == {"US"}
    db.session.rollback()


def test_a_town_that_exists_more_than_once_asks_which(in_app: None) -> None:
    names = [describe_place(place) for place in find_places("newport") if place.country == "GB"]
    assert names[0] == "Newport, near Cardiff"
    assert "Newport, near Telford" in names
    assert len(set(names)) == len(names) == 6


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Type a postcode or a town"),
        ("D02 X285", "Irish postcodes"),
        ("75008 Paris, France", "don't know"),
        ("ZZ99 9ZZ", "don't know"),
        ("x", "don't know"),
        ("<script>alert(1)</script>", "don't know"),
        ("%%", "don't know"),
        ("9" * 5000, "don't know"),
        ("\0", "don't know"),
    ],
)
def test_what_is_no_place_of_ours_is_said_so(in_app: None, typed: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        find_places(typed)


def test_the_second_half_of_a_postcode_is_dropped_at_once() -> None:
    assert "1AA" not in str(read_typed("EC2V 1AA").codes)
    assert "2T6" not in str(read_typed("M5V 2T6").codes)


def test_a_table_that_lost_its_rows_is_filled_again(in_app: None) -> None:
    db.session.execute(delete(Place))
    assert load_places() > 50_000
    db.session.rollback()


def test_the_table_is_filled_once_and_has_every_country(in_app: None) -> None:
    assert load_places() == 0
    counts = dict(
        db.session.execute(
            select(Place.country, func.count())
            .where(Place.population.is_(None))
            .group_by(Place.country)
        ).all()
    )
    assert counts["GB"] > 2800
    assert counts["CA"] > 1600
    assert counts["DE"] > 8000
    assert counts["US"] > 40_000
    towns = db.session.scalar(select(func.count()).where(Place.population.is_not(None)))
    assert towns > 23_000


def test_the_files_are_those_that_the_sources_name() -> None:
    named = json.loads((DATA / "sources.json").read_text())
    for path, checksum in named["results"].items():
        assert hashlib.sha256((ROOT / path).read_bytes()).hexdigest() == checksum, path
    notices = (ROOT / "THIRD_PARTY_NOTICES.md").read_text()
    for source in named["sources"]:
        assert source["attribution"] in notices
        assert source["licence"] in notices


def test_districts_agree_with_the_towns_of_another_source() -> None:
    """The districts come from the Ordnance Survey, the towns from GeoNames."""
    with gzip.open(DATA / "districts-gb.csv.gz", "rt") as file:
        districts = {row["code"]: row for row in csv.DictReader(file)}
    for code, latitude, longitude in (
        ("SW1A", 51.505, -0.133),  # Westminster
        ("M1", 53.478, -2.236),  # Manchester Piccadilly
        ("TR21", 49.917, -6.300),  # the Isles of Scilly
        ("ZE1", 60.15, -1.2),  # Lerwick
    ):
        there = (float(districts[code]["latitude"]), float(districts[code]["longitude"]))
        assert km_between(there, (latitude, longitude)) < 6, code


def test_a_german_postcode_is_in_its_own_part_of_the_town() -> None:
    with gzip.open(DATA / "postcodes.csv.gz", "rt") as file:
        codes = {row["code"]: row for row in csv.DictReader(file) if row["country"] == "DE"}
    for code, name, latitude, longitude in (
        ("13353", "Berlin", 52.545, 13.352),  # Wedding
        ("12587", "Berlin", 52.455, 13.625),  # Friedrichshagen, 21 km from there
        ("22587", "Hamburg", 53.563, 9.818),  # Blankenese
        ("80331", "München", 48.135, 11.572),
        ("18586", None, 54.34, 13.68),  # villages of Rügen
    ):
        row = codes[code]
        assert name in (None, row["name"])
        there = (float(row["latitude"]), float(row["longitude"]))
        assert km_between(there, (latitude, longitude)) < 4, code


def test_distances_and_boxes() -> None:
    london, manchester = (51.5074, -0.1278), (53.4808, -2.2426)
    assert km_between(london, manchester) == pytest.approx(262, abs=2)
    assert km_between(london, london) == 0
    for lat in (0.0, 51.5, 71.0, -60.0):
        south, west, north, east = box_around((lat, 10.0), 30)
        for y, x in ((south, 10.0), (north, 10.0), (lat, west), (lat, east)):
            assert km_between((lat, 10.0), (y, x)) >= 29.9
        assert hypot(north - south, (east - west) * cos(radians(lat))) < 1.2
    assert describe_distance(3.3, "GB") == "2 miles"
    assert describe_distance(1.7, "US") == "1 mile"
    assert describe_distance(1.2, "GB") == "under 1 mile"
    assert describe_distance(0.4, "DE") == "under 1 km"
    assert describe_distance(12.4, "IE") == "12 km"
