"""Outlines of countries, for maps. This module says which outline shows a country, and where a
point is on the outline. Pure functions.

`tools/places.py` draws the outlines with the same edges as in OUTLINES. A map is a plain picture,
so it needs no tile server, no JavaScript and nothing from other websites.
"""

from dataclasses import dataclass
from functools import cached_property
from math import cos, radians

# All outlines have this width. Its unit is that of the SVG files.
WIDE = 2000.0
_KM_A_DEGREE = 111.2


@dataclass(frozen=True)
class Outline:
    """A picture of one or more countries. `west`, `south`, `east` and `north` are the edges of the
    picture, in degrees."""

    name: str
    countries: tuple[str, ...]
    west: float
    south: float
    east: float
    north: float

    @cached_property
    def _squeeze(self) -> float:
        return cos(radians((self.south + self.north) / 2))

    @cached_property
    def _unit(self) -> float:
        return WIDE / ((self.east - self.west) * self._squeeze)

    @property
    def tall(self) -> float:
        """The height of the picture, in units of its SVG file."""
        return round((self.north - self.south) * self._unit)

    @property
    def km(self) -> float:
        """The length of one kilometre on the picture, in units of its SVG file."""
        return self._unit / _KM_A_DEGREE

    def point(self, latitude: float, longitude: float) -> tuple[float, float]:
        """Return where a point on the earth (latitude and longitude in degrees) is on the picture.
        The result is x and y, measured from the top left corner in units of the SVG file."""
        x = (longitude - self.west) * self._squeeze * self._unit
        return x, (self.north - latitude) * self._unit

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return the latitude and longitude, in degrees, of a point on the picture. This is the
        inverse of `point`."""
        return self.north - y / self._unit, self.west + x / (self._squeeze * self._unit)


OUTLINES = (
    Outline("british-isles", ("GB", "IE"), -11.0, 49.5, 2.5, 61.0),
    Outline("germany", ("DE",), 5.5, 47.0, 15.5, 55.3),
    Outline("north-america", ("US", "CA"), -170.0, 18.0, -52.0, 75.0),
)


def outline_of(country: str) -> Outline:
    """Return the outline that shows a country (ISO 3166-1). Raises KeyError for a country without
    an outline."""
    for outline in OUTLINES:
        if country in outline.countries:
            return outline
    raise KeyError(country)
