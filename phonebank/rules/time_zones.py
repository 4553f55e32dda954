"""Time zones from the pinned tzdata package, never from the machine.

`zoneinfo.ZoneInfo("America/Vancouver")` reads the operating system's files first, and those can be
a year behind: with the 2025b files of a current Debian, Vancouver and Edmonton still put their
clocks back in winter, and callers would ring people there an hour after the legal end of the day.
The tzdata package is pinned with our other requirements, so every machine gives the same answer,
and upgrading it is a reviewed change.
"""

from collections.abc import Iterable
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo


class UnknownTimeZoneError(ValueError):
    """A name that is not in the IANA time zone database; its text is fit to show."""


@cache
def time_zone_names() -> frozenset[str]:
    """Every name in the pinned database, such as "Europe/London"; old aliases included."""
    return frozenset((resources.files("tzdata") / "zones").read_text().split())


@cache
def time_zone(name: str) -> ZoneInfo:
    """The zone of that name.

    Raises UnknownTimeZoneError.
    """
    if name not in time_zone_names():
        raise UnknownTimeZoneError(
            f"“{name}” is not a time zone: use a name such as Europe/London or America/Chicago."
        )
    with (resources.files("tzdata") / "zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def canonical_name(name: str) -> str:
    """The name that stands for all zones with this one's clocks since 1970.

    Europe/Jersey, Europe/Guernsey and Europe/Isle_of_Man are links to Europe/London: told apart,
    they would only split a British list into pieces that are always callable together.
    Raises UnknownTimeZoneError.
    """
    return _links().get(time_zone(name).key, name)


@cache
def zones_of_country(country: str) -> frozenset[str]:
    """The canonical names of the zones of a country (ISO 3166-1 alpha-2), from `zone.tab`."""
    text = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text()
    lines = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return frozenset(canonical_name(zone) for code, _, zone, *_ in lines if code == country)


@cache
def _links() -> dict[str, str]:
    """Alias to target, from the `L target alias` lines of the database's own text form."""
    text = (resources.files("tzdata") / "zoneinfo" / "tzdata.zi").read_text()
    lines = (line.split() for line in text.splitlines() if line.startswith("L "))
    return {alias: target for _, target, alias in lines}


# What `contact.zone_key` holds. A number that could be in more zones than this many characters
# name (an American freephone number has 42) could be anywhere: it gets no zones, so it counts as
# every zone of the campaign's country.
LONGEST_ZONE_KEY = 400

NOWHERE = "Etc/Unknown"  # what phonenumbers answers for a number without a place


def zones_key(zones: Iterable[str]) -> str:
    """Time zones as a contact stores them: sorted, without aliases, joined by "|".

    "" means unknown. Raises UnknownTimeZoneError for a name that is not in the database.
    """
    names = sorted({canonical_name(zone) for zone in zones if zone != NOWHERE})
    key = "|".join(names)
    return key if len(key) <= LONGEST_ZONE_KEY else ""
