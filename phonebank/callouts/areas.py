"""The area of a person who signs in at a call-out: the postcode district or the town that the
person types."""

from collections.abc import Sequence
from dataclasses import dataclass

from phonebank.core.errors import InvalidInputError
from phonebank.models import Place
from phonebank.places.find import describe_place, place_at, places_meant


@dataclass(frozen=True)
class Area:
    """A place as a call-out stores it. `country` is an ISO 3166-1 code, and `area` is the name that
    people read. `latitude` and `longitude` are the position of the place's centre, in degrees."""

    country: str
    area: str
    latitude: float
    longitude: float


class WhichPlaceError(InvalidInputError):
    """The error that is raised if the typed text may mean several places. `places` are the places
    to choose from."""

    def __init__(self, places: Sequence[Place]) -> None:
        self.places = places
        names = "; ".join(describe_place(place) for place in places)
        super().__init__(f"There are several places with this name: {names}.", "Choose one.")

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The places to choose from, as the choices of a form field: pairs of "COUNTRY/CODE" and
        the place's name."""
        return [(f"{place.country}/{place.code}", describe_place(place)) for place in self.places]


def find_area(typed: str, country: str, chosen: str = "") -> Area:
    """Return the area of a typed postcode or town. If the text may mean a place in the campaign's
    `country`, places in other countries are not considered.

    If the person has chosen one of several places, `chosen` is the country and code of the chosen
    place, in the form "COUNTRY/CODE". Then `typed` does not matter. Otherwise `chosen` is "".

    Raises InvalidInputError if the text is empty or means no known place, and WhichPlaceError if it
    may mean several places. Raises NotFoundError if the chosen place does not exist.
    """
    if chosen and chosen.count("/") == 1:
        return _area(place_at(*chosen.split("/")))
    here = places_meant(typed, country)
    if len(here) > 1:
        raise WhichPlaceError(here)
    return _area(here[0])


def _area(place: Place) -> Area:
    return Area(place.country, describe_place(place), place.latitude, place.longitude)
