"""The countries of North American area codes, and the time zones of American and Canadian area
codes.

libphonenumber has a table with one default time zone for each area code. For some exchanges (the
three digits after the area code), the table also has another zone. For every other exchange
libphonenumber returns the default, which is often wrong. For 689 (Orlando), the default is
Chicago's time zone, but Orlando has New York's. So this module returns the time zones of *all*
places that an area code covers. The zones may still be wrong for people who have moved and kept
their number.
"""

from functools import cache

import phonenumbers
import zipcodes
from phonenumbers import PhoneNumber, PhoneNumberType

from phonebank.rules.time_zones import time_zone_names

NORTH_AMERICA = "1"  # the calling code that the United States, Canada and twenty others share

# Canadian area codes by their time zones (Canadian Numbering Administrator, "Canadian area code
# maps"). The zones of the places come from the comments in the IANA database's files
# `northamerica` and `zone.tab`, as for postcodes.
_CANADA: dict[tuple[str, ...], str] = {
    ("America/Edmonton",): "368 403 587 780 825",
    ("America/Vancouver",): "604",
    (
        "America/Creston",
        "America/Dawson_Creek",
        "America/Edmonton",
        "America/Fort_Nelson",
        "America/Vancouver",
    ): "236 250 257 672 778",
    ("America/Winnipeg",): "204 431 584",
    ("America/Moncton",): "428 506",
    ("America/Goose_Bay", "America/St_Johns"): "709 879",
    ("America/Halifax",): "782 902",
    ("America/Toronto",): (
        "226 249 289 343 365 382 416 437 519 548 613 647 683 705 742 753 905 942"
        " 263 273 354 438 450 468 514 579 819 873"
    ),
    ("America/Atikokan", "America/Toronto", "America/Winnipeg"): "807",
    ("America/Blanc-Sablon", "America/Halifax", "America/Toronto"): "367 418 581",
    ("America/Edmonton", "America/Regina", "America/Winnipeg"): "306 474 639",
    (
        "America/Cambridge_Bay",
        "America/Coral_Harbour",
        "America/Inuvik",
        "America/Iqaluit",
        "America/Rankin_Inlet",
        "America/Resolute",
        "America/Whitehorse",
        "America/Yellowknife",
    ): "867",
}

# American area codes that are newer than the `zipcodes` package, each with an older area code that
# covers the same places (North American Numbering Plan Administrator, planning letters).
_LAID_OVER = {
    "235": "573",
    "274": "920",
    "324": "904",
    "327": "870",
    "329": "845",
    "353": "608",
    "369": "707",
    "645": "305",
    "686": "804",
    "728": "561",
    "730": "618",
    "738": "213",
    "748": "970",
    "821": "864",
    "975": "816",
}

_AT_A_PLACE = frozenset(
    {PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
)


def time_zones_of_area_code(code: str) -> tuple[str, ...]:
    """Return the sorted IANA time zones of all places that an area code covers.

    `code` is the three digits of an American or Canadian area code. The result is empty for an
    unknown code. The result is also empty for a code without a place (freephone), because the
    number's owner may be anywhere.
    """
    return _canadian().get(code) or _american().get(_LAID_OVER.get(code, code), ())


@cache  # a thousand area codes at most
def region_of_area_code(code: str) -> str | None:
    """Return the country of a North American area code, such as "US", "CA" or "JM".

    The country is an ISO 3166-1 alpha-2 code. Return None for a code without a place, such as
    freephone, and for a code that is not in use.
    """
    number = _any_number_of(code)
    region = phonenumbers.region_code_for_number(number)
    has_a_place = phonenumbers.number_type(number) in _AT_A_PLACE
    return region if has_a_place or region not in ("US", "CA") else None


def _any_number_of(area_code: str) -> PhoneNumber:
    """Return a valid number of the area code, or an invalid number if the area code has no valid
    numbers.

    All numbers of an area code belong to one country, so any of them shows the country.
    """
    numbers = [PhoneNumber(1, int(f"{area_code}{exchange}0123")) for exchange in range(200, 1000)]
    return next(filter(phonenumbers.is_valid_number, numbers), numbers[0])


@cache
def _canadian() -> dict[str, tuple[str, ...]]:
    return {code: zones for zones, codes in _CANADA.items() for code in codes.split()}


@cache
def _american() -> dict[str, tuple[str, ...]]:
    """Return the time zones of each American area code. These are the time zones of all ZIP codes
    that have the area code in the `zipcodes` package."""
    zones: dict[str, set[str]] = {}
    for row in zipcodes.list_all():
        # Post offices of American forces abroad have no zone, and one row has a village's name
        # instead of a zone.
        if row["timezone"] in time_zone_names():
            for code in row["area_codes"]:
                zones.setdefault(code, set()).add(row["timezone"])
    return {code: tuple(sorted(names)) for code, names in zones.items()}
