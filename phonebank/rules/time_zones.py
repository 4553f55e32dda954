"""Reads time zones from the pinned tzdata package, and never from the operating system's files.

`zoneinfo.ZoneInfo("America/Vancouver")` reads the operating system's files first, and those may be
a year old. In the 2025b files of a current Debian, Vancouver and Edmonton still put their clocks
back in winter. With these files, callers would call people there up to an hour after the legal end
of the calling day. The tzdata package is pinned with the other requirements, so every machine gives
the same answer, and every upgrade is reviewed.
"""

from collections.abc import Iterable
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo


class UnknownTimeZoneError(ValueError):
    """The error for a name that is not in the IANA time zone database. Pages may show its text."""


@cache
def time_zone_names() -> frozenset[str]:
    """Return every name in the pinned database, such as "Europe/London", including old names."""
    return frozenset((resources.files("tzdata") / "zones").read_text().split())


@cache
def time_zone(name: str) -> ZoneInfo:
    """Return the zone with this name. Raises UnknownTimeZoneError if there is no such zone."""
    if name not in time_zone_names():
        raise UnknownTimeZoneError(
            f"“{name}” is not a time zone: use a name such as Europe/London or America/Chicago."
        )
    with (resources.files("tzdata") / "zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def city_of(zone: ZoneInfo) -> str:
    """Return the last part of a zone's name, with spaces. This is usually a city, such as "New
    York"."""
    return zone.key.rpartition("/")[2].replace("_", " ")


@cache
def canonical_name(name: str) -> str:
    """Return the name that stands for this zone. If the time zone database lists the name as an
    alias, return the name of the zone that the alias stands for. Otherwise return the name itself.
    Zones whose clocks have shown the same times since 1970 are aliases of one zone.

    For example, Europe/Jersey, Europe/Guernsey and Europe/Isle_of_Man become Europe/London.
    Separate names would split a British list into parts that are always callable at the same times.

    Raises UnknownTimeZoneError if no zone has this name.
    """
    return _links().get(time_zone(name).key, name)


@cache
def zones_of_country(country: str) -> frozenset[str]:
    """Return the canonical names of a country's zones, as `zone.tab` lists them. `country` is an
    ISO 3166-1 alpha-2 code. The result is empty for an unknown country."""
    text = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text()
    lines = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return frozenset(canonical_name(zone) for code, _, zone, *_ in lines if code == country)


@cache
def _links() -> dict[str, str]:
    """Read the lines `L target alias` in the text form of the time zone database. Return a
    dictionary that maps each alias to its target, which is the zone that the alias stands for."""
    text = (resources.files("tzdata") / "zoneinfo" / "tzdata.zi").read_text()
    lines = (line.split() for line in text.splitlines() if line.startswith("L "))
    return {alias: target for _, target, alias in lines}


# `contact.zone_key` has room for this many characters. A number whose zones do not fit may be
# anywhere. An American freephone number, for example, has 42 zones. Its key is empty, which means
# every zone of the campaign's country.
LONGEST_ZONE_KEY = 400

NOWHERE = "Etc/Unknown"  # the answer of phonenumbers for a number without a place


def zones_key(zones: Iterable[str]) -> str:
    """Return time zones in the form that a contact stores: sorted, without aliases, joined by "|".

    Return "" if the zones are unknown, or if the text would be longer than LONGEST_ZONE_KEY. Raises
    UnknownTimeZoneError for a name that is not in the database.
    """
    names = sorted({canonical_name(zone) for zone in zones if zone != NOWHERE})
    key = "|".join(names)
    return key if len(key) <= LONGEST_ZONE_KEY else ""
