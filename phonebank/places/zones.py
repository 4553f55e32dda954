"""The time zone of a place."""

from sqlalchemy import select

from phonebank.core.db import db
from phonebank.models import Place
from phonebank.phones.postcodes import time_zones_of_postcode
from phonebank.places.distance import box_around, km_between
from phonebank.rules.countries import NoCountryRulesError, rules_for

# A town has the time zone of the nearest postcode within this many kilometres.
_REACH = 60.0


def zone_of_place(place: Place) -> str:
    """Return the IANA name of a place's time zone. If the country has several zones, return the
    zone of the place's postcode. For a town in such a country, return the zone of the nearest
    postcode in a box that reaches 60 km in each direction. If the postcode has several zones,
    return the first of them. If no zone is found in this way, return the country's first zone.

    If Phonebank has no rules for the country, return "UTC".
    """
    try:
        zones = rules_for(place.country).time_zones.value
    except NoCountryRulesError:
        return "UTC"
    if len(zones) > 1:
        code = place.code if place.population is None else _nearest_postcode(place)
        found = time_zones_of_postcode(code, place.country)
        return found[0] if found else zones[0]
    return zones[0]


def _nearest_postcode(town: Place) -> str:
    here = (town.latitude, town.longitude)
    south, west, north, east = box_around(here, _REACH)
    rows = db.session.execute(
        select(Place.code, Place.latitude, Place.longitude).where(
            Place.country == town.country,
            Place.population.is_(None),
            Place.latitude.between(south, north),
            Place.longitude.between(west, east),
        )
    ).all()
    nearest = min(rows, key=lambda row: km_between(here, (row[1], row[2])), default=None)
    return nearest.code if nearest is not None else ""
