"""Distances between two points, in kilometres. Pure functions.

Phonebank uses the centre of a district or town as the position of an event there, such as a phone
party. So the distance to an event may be wrong by a few kilometres.
"""

from math import asin, cos, radians, sin, sqrt

RADIUS = 6371.0  # of the earth, in km
_KM_A_DEGREE = 111.2
KM_A_MILE = 1.609344
# Countries where people measure distances in miles.
MILES = ("GB", "US")


def km_between(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the distance in kilometres between two points (latitude and longitude in degrees), as
    if the earth were a perfect sphere."""
    lat1, lng1, lat2, lng2 = map(radians, (*a, *b))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lng2 - lng1) / 2) ** 2
    return 2 * RADIUS * asin(min(1.0, sqrt(half)))


def box_around(at: tuple[float, float], km: float) -> tuple[float, float, float, float]:
    """Return the southern, western, northern and eastern edges of a box, in degrees. `at` is a
    point (latitude and longitude in degrees). The box contains every point within `km` kilometres
    of `at`, except some points that are close to a pole or beyond 180 degrees of longitude."""
    tall = km / _KM_A_DEGREE
    wide = tall / max(0.05, cos(radians(min(89.0, abs(at[0]) + tall))))
    return at[0] - tall, at[1] - wide, at[0] + tall, at[1] + wide


def describe_distance(km: float, country: str) -> str:
    """Return a distance as people in this country (ISO 3166-1) say it, such as “2 miles” or “under
    1 km”."""
    unit, length = ("mile", km / KM_A_MILE) if country in MILES else ("km", km)
    if length < 1:
        return f"under 1 {unit}"
    whole = round(length)
    return f"{whole} {unit}{'s' if unit == 'mile' and whole != 1 else ''}"
