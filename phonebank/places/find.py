"""Finds places by a postcode or a town's name that somebody typed."""

from collections.abc import Sequence
from string import ascii_uppercase, digits

from sqlalchemy import or_, select, tuple_

from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError, NotFoundError
from phonebank.models import Place
from phonebank.places.typed import german_keys, read_typed

COUNTRIES = {
    "GB": "United Kingdom",
    "IE": "Ireland",
    "DE": "Germany",
    "US": "United States",
    "CA": "Canada",
}
# Nobody is asked to choose from more places than this. Typing more letters is easier.
CHOICES_AT_MOST = 12
TYPED_AT_MOST = 80  # characters


def find_places(text: str, country: str = "") -> Sequence[Place]:
    """Return the places that a typed postcode or town may mean: one place, or several to choose
    from. If the text is the name of towns, or the beginning of such names, return at most
    CHOICES_AT_MOST towns. The towns in `country` (ISO 3166-1) come first, and then the town with
    the largest population. If `country` is "", all countries are alike.

    Raises InvalidInputError if the text is empty, or if no such place is found. Irish postcodes are
    never found. The error's message is for the person who typed the text.
    """
    if not text.strip():
        raise InvalidInputError("Type a postcode or a town.")
    typed = read_typed(text[:TYPED_AT_MOST])
    if typed.codes and (found := _by_code(typed.codes)):
        return found
    if typed.is_eircode:
        raise InvalidInputError("We can't find Irish postcodes.", "Type the name of your town.")
    found = _by_name(typed.key, country)
    if not found:
        raise InvalidInputError(
            "We don't know that place.", "Check the spelling, or type the nearest larger town."
        )
    return found


def places_meant(text: str, country: str) -> Sequence[Place]:
    """Return the places that a typed postcode or town may mean to somebody in `country` (ISO
    3166-1). If `find_places` finds places in this country, places in other countries do not count.
    Raises the errors of `find_places`."""
    found = find_places(text, country)
    return [place for place in found if place.country == country] or found


def one_place(text: str, country: str) -> Place:
    """Return the only place that a typed postcode or town can mean to somebody in `country`
    (`places_meant`). Raises InvalidInputError if no place is found, or more than one."""
    here = places_meant(text, country)
    if len(here) > 1:
        names = "; ".join(describe_place(place) for place in here[:4])
        raise InvalidInputError(
            f"There are several: {names}.", "Type the postcode instead, so that we know which."
        )
    return here[0]


def place_at(country: str, code: str) -> Place:
    """Return the place with this code in a country (ISO 3166-1). `country` may be in upper or lower
    case. Raises NotFoundError if there is no such place."""
    place = db.session.scalar(
        select(Place).where(Place.country == country.upper(), Place.code == code)
    )
    if place is None:
        raise NotFoundError("We don't know this place.", "Search for your postcode or town.")
    return place


def places_beside(country: str, code: str) -> Sequence[Place]:
    """Return the place with this code, and the places of the same country whose codes differ from
    `code` only in the last character. For example, the result for SW9 has SW1 to SW9. `country` may
    be in upper or lower case."""
    codes = [code, *(code[:-1] + last for last in ascii_uppercase + digits)]
    query = select(Place).where(Place.country == country.upper(), Place.code.in_(codes))
    return db.session.scalars(query).all()


def describe_place(place: Place) -> str:
    """Return a place's name for people, such as “SW9 (Brixton)” or “Newport, near Telford”."""
    if place.population is None:
        name = f"{place.name}, {place.near}" if place.near else place.name
        return name if place.code == "BT" else f"{place.code} ({name})" if name else place.code
    return f"{place.name}, near {place.near}" if place.near else place.name


def _by_code(codes: Sequence[tuple[str, str]]) -> Sequence[Place]:
    query = select(Place).where(
        tuple_(Place.country, Place.code).in_(codes), Place.population.is_(None)
    )
    return db.session.scalars(query.order_by(Place.country)).all()


def _by_name(key: str, country: str) -> Sequence[Place]:
    if len(key) < 2:
        return []
    is_town = Place.population.is_not(None)
    largest = ((Place.country == country).desc(), Place.population.desc(), Place.id)
    for keys in ([key], german_keys(key)):
        if keys:
            named = or_(Place.key.in_(keys), Place.also.in_(keys))
            query = select(Place).where(is_town, named).order_by(*largest)
            if found := db.session.scalars(query.limit(CHOICES_AT_MOST)).all():
                return found
    begins = Place.key.startswith(key, autoescape=True)
    query = select(Place).where(is_town, begins).order_by(*largest)
    return db.session.scalars(query.limit(CHOICES_AT_MOST)).all()
