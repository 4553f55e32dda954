"""Fills the table of places from the data files that come with Phonebank and from the `zipcodes`
package."""

import csv
import gzip
import hashlib
import io
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import zipcodes
from sqlalchemy import text

from phonebank.core.db import db
from phonebank.places.typed import key_of

DATA = Path(__file__).parent / "data"
FILES = ("districts-gb.csv.gz", "postcodes.csv.gz", "towns.csv.gz")
_COLUMNS = (
    "country", "code", "name", "near", "key", "also", "latitude", "longitude", "population",
)  # fmt: skip
_LOCK = 7_200_462  # the advisory lock of a load

Row = tuple[Any, ...]


def load_places() -> int:
    """Fill the table of places, unless it has already been filled from the same data. The places
    that the table had are deleted first. Return how many places were stored.

    The calling code commits. If two processes load at the same time, only one stores the places.
    """
    digest = digest_of_files()
    db.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    # The comment of an index says from which files the table was filled. With a comment on the
    # table itself, the table would differ from the models. A table can lose its rows and keep the
    # comment, for example when it is restored from a copy that left the places out.
    filled_from = text(
        "SELECT obj_description('ix_place_key'::regclass, 'pg_class')"
        " WHERE EXISTS (SELECT FROM place)"
    )
    if db.session.scalar(filled_from) == digest:
        return 0
    db.session.execute(text("DELETE FROM place"))
    stored = copy_places([*places_in_files(), *american_places()])
    db.session.execute(text(f"COMMENT ON INDEX ix_place_key IS '{digest}'"))  # hexadecimal digits
    return stored


def digest_of_files() -> str:
    """Return a digest of the data from which the table of places is filled. The digest changes when
    a data file or the version of the `zipcodes` package changes."""
    content = b"".join((DATA / name).read_bytes() for name in FILES)
    return hashlib.sha256(content + version("zipcodes").encode()).hexdigest()


def copy_places(rows: Iterable[Row]) -> int:
    """Store rows in the table of places, and return how many were stored. Each row has a value for
    each column in _COLUMNS, in the same order."""
    stored = 0
    cursor = db.session.connection().connection.cursor()
    with cursor.copy(f"COPY place ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
            stored += 1
    return stored


def places_in_files() -> Iterator[Row]:
    """Yield a row for each place in the data files that come with Phonebank."""
    for name in FILES:
        rows = csv.DictReader(io.StringIO(gzip.decompress((DATA / name).read_bytes()).decode()))
        for row in rows:
            population = row.get("population")
            yield (
                row["country"],
                row["code"],
                row["name"],
                row.get("near", ""),
                # People find a postcode by its code, not by the name of its town. Only towns have a
                # population.
                key_of(row["name"] if population else row["code"]),
                key_of(row.get("also", "")),
                float(row["latitude"]),
                float(row["longitude"]),
                int(population) if population else None,
            )


def american_places() -> Iterator[Row]:
    """Yield a row for each American ZIP code whose latitude and longitude are known."""
    for entry in zipcodes.list_all():
        latitude, longitude = float(entry["lat"] or 0), float(entry["long"] or 0)
        if latitude and longitude:
            code = entry["zip_code"]
            yield (
                "US", code, entry["city"], entry["state"], code, "", latitude, longitude, None,
            )  # fmt: skip
