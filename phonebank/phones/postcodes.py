"""The time zones of postcodes.

The time zones of most American ZIP codes come from the `zipcodes` package. The time zones of other
ZIP codes and of Canadian postcodes come from the tables below. Nearly all British postcodes have
London's time zone. A postcode says where a person lives. A telephone number, especially a mobile
number, may not say where its owner lives.
"""

import re
from functools import cache, lru_cache

import zipcodes

from phonebank.rules.time_zones import time_zone_names

_ZIP_CODE = re.compile(r"([0-9]{3})[0-9]{2}(?:-?[0-9]{4})?")
_CANADIAN = re.compile(r"[ABCEGHJ-NPRSTVXY][0-9][A-Z](?:[ -]?[0-9][A-Z][0-9])?")
_BRITISH = re.compile(r"([A-Z]{1,2})[0-9][A-Z0-9]? ?[0-9][A-Z]{2}")

# These postcode areas are not places in Britain: forces abroad, bulk mail, Gibraltar and returned
# mail (Royal Mail, PAF Programmers' Guide). Jersey, Guernsey and the Isle of Man have London's
# time.
_NOT_IN_BRITAIN = frozenset({"BF", "BX", "GX", "XX"})

# ZIP codes with two zones. They cross a boundary or keep another time by custom, and sources differ
# or the package is wrong. Most come from a comparison of the Census Bureau's ZIP code areas with
# the time zones of OpenStreetMap. West Wendover, Jackpot and their neighbours in Nevada come from
# 49 CFR 71.9 and the comments in the IANA database.
_ASTRIDE: dict[tuple[str, ...], str] = {
    ("America/Chicago", "America/New_York"): (
        "32457 36854 36863 36867 36869 36870 36877 37304 37314 37320 37364 37371 37377 37384 "
        "37405 37419 40153 42603 42702 42719 42757 46968 47536 47556 49845 49964"
    ),
    ("America/Chicago", "America/Denver"): (
        "57521 57532 57601 58838 67857 69103 69161 73946 79942"
    ),
    ("America/Denver", "America/Los_Angeles"): "83542 89825 89831 89832 89883",
    ("America/Denver", "America/Phoenix"): "86034 86045 86047 86512 86555",
}

# Time zones by the beginning of a Canadian postcode; the longest match counts. The first letter is
# a province or a part of one, and a 0 after it means a rural area (Canada Post, "Forward Sortation
# Areas"). The zones of the places come from the comments in the IANA database's files
# `northamerica` and `zone.tab`. In a province with several zones, each rural code has all of them,
# because a rural code can cover a very large area.
_CANADA: dict[str, tuple[str, ...]] = {
    "A": ("America/St_Johns",),
    "A0": ("America/St_Johns", "America/Goose_Bay"),
    "A2V": ("America/Goose_Bay",),  # Labrador City
    "B": ("America/Halifax",),
    "C": ("America/Halifax",),
    "E": ("America/Moncton",),
    "G": ("America/Toronto",),
    "G0": ("America/Toronto", "America/Halifax", "America/Blanc-Sablon"),
    "G4T": ("America/Halifax",),  # the Magdalen Islands
    "H": ("America/Toronto",),
    "J": ("America/Toronto",),
    "K": ("America/Toronto",),
    "L": ("America/Toronto",),
    "M": ("America/Toronto",),
    "N": ("America/Toronto",),
    "P": ("America/Toronto",),
    "P0": ("America/Toronto", "America/Winnipeg", "America/Atikokan"),
    "P8": ("America/Winnipeg",),  # Dryden, Sioux Lookout
    "P9": ("America/Winnipeg",),  # Fort Frances, Kenora
    "R": ("America/Winnipeg",),
    "S": ("America/Regina",),
    "S0": ("America/Regina", "America/Edmonton", "America/Winnipeg"),
    "S9V": ("America/Edmonton",),  # Lloydminster
    "T": ("America/Edmonton",),
    "V": ("America/Vancouver",),
    "V0": (
        "America/Vancouver",
        "America/Edmonton",
        "America/Creston",
        "America/Dawson_Creek",
        "America/Fort_Nelson",
    ),
    "V1A": ("America/Edmonton",),  # Kimberley
    "V1C": ("America/Edmonton",),  # Cranbrook
    "V1G": ("America/Dawson_Creek",),
    "V1J": ("America/Dawson_Creek",),  # Fort St John
    "X": ("America/Yellowknife",),
    "X0A": ("America/Iqaluit", "America/Resolute"),
    "X0B": ("America/Cambridge_Bay",),
    "X0C": ("America/Rankin_Inlet", "America/Coral_Harbour"),
    "Y": ("America/Whitehorse",),
}


@lru_cache(maxsize=65_536)
def time_zones_of_postcode(postcode: str, country: str) -> tuple[str, ...]:
    """Return every IANA time zone that people with this postcode may live in. The result is empty
    if the zones are unknown.

    `postcode` is the result of `csv_input.cells.tidy_postcode`. `country` is the ISO 3166-1 code of
    the list's country. American and Canadian postcodes look different, so a list of either country
    may contain both. For countries other than GB, US and CA, the result is empty. Germany and
    Ireland have one time zone each, so their postcodes are not needed.
    """
    if country == "GB":
        british = _BRITISH.fullmatch(postcode)
        return ("Europe/London",) if british and british[1] not in _NOT_IN_BRITAIN else ()
    if country not in ("US", "CA"):
        return ()
    american = _ZIP_CODE.fullmatch(postcode)
    if american:
        return _zones_of_zip_code(postcode[:5], american[1])
    return _zones_of_canadian(postcode) if _CANADIAN.fullmatch(postcode) else ()


def _zones_of_zip_code(code: str, prefix: str) -> tuple[str, ...]:
    astride = _astride().get(code)
    if astride:
        return astride
    zone = _zones_under(prefix).get(code, "")
    # Post offices of American forces abroad have no zone, and one row of the package has a
    # village's name instead of a zone.
    return (zone,) if zone in time_zone_names() else ()


def _zones_of_canadian(postcode: str) -> tuple[str, ...]:
    return next((_CANADA[postcode[:n]] for n in (3, 2, 1) if postcode[:n] in _CANADA), ())


@cache
def _zones_under(prefix: str) -> dict[str, str]:
    """Return the time zone of each ZIP code that begins with these three digits.

    The `zipcodes` package takes as long to look up one code as to look up a hundred.
    """
    return {row["zip_code"]: row["timezone"] for row in zipcodes.similar_to(prefix)}


@cache
def _astride() -> dict[str, tuple[str, ...]]:
    return {code: zones for zones, codes in _ASTRIDE.items() for code in codes.split()}
