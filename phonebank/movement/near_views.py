"""The pages on which strangers find events near a place. The pages are the same for everybody, so
`kept_pages` keeps them for a minute. `kept_parts` keeps the parts that these pages have in common.

The search is a POST, so that no URL and no log contains a whole British or Canadian postcode. The
search form has no CSRF token, because everybody gets the same kept page, and a token is valid for
one browser only. The search needs no token, because it changes nothing.
"""

import re
from datetime import datetime
from functools import partial

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from phonebank.core.access import ANYONE, open_to
from phonebank.core.errors import InvalidInputError
from phonebank.core.rate_limits import limiter
from phonebank.listings import nearest
from phonebank.listings.near_map import middle_of
from phonebank.models import Place, now
from phonebank.movement.kept_pages import keep
from phonebank.movement.kept_parts import (
    kept_dots,
    kept_events,
    kept_frame,
    kept_map,
    kept_place,
    kept_videos,
    known_place,
    list_events,
    list_found,
    places_typed,
    takes_offers,
)
from phonebank.movement.kept_searches import address_of
from phonebank.places.distance import describe_distance
from phonebank.places.find import COUNTRIES, TYPED_AT_MOST, describe_place
from phonebank.places.outlines import outline_of

near = Blueprint("near", __name__, url_prefix="/near")
_PLACES_PAGE = re.compile(f"/near/({'|'.join(COUNTRIES).lower()})/([^/]+)")
COUNTRY = 'any("gb", "ie", "de", "us", "ca")'


@near.get("")
@open_to(ANYONE)
def front() -> ResponseReturnValue:
    """Show the page on which a stranger types a postcode or town."""
    return keep(lambda: render_template("movement/near.html", countries=COUNTRIES))


@near.post("")
@open_to(ANYONE)
@limiter.limit("60 per minute")
def search() -> ResponseReturnValue:
    """Redirect the browser to the page of the typed place. If the text can mean several places, ask
    which one is meant. For a British or Canadian postcode, the URL of the place's page has only the
    first half of the postcode."""
    typed = request.form.get("place", "")
    try:
        found = places_typed(typed)
    except InvalidInputError as error:
        words = f"{error.message} {error.what_to_do}".strip()
        page = render_template(
            "movement/near.html", countries=COUNTRIES, error=words, typed=typed[:TYPED_AT_MOST]
        )
        return page, error.status
    if len(found) == 1:
        return redirect(address_of(found[0]), 303)
    choices = [(address_of(p), describe_place(p), COUNTRIES[p.country]) for p in found]
    return render_template("movement/near_choose.html", choices=choices)


@near.get(f"/<{COUNTRY}:country>")
@open_to(ANYONE)
def in_country(country: str) -> ResponseReturnValue:
    """Show the map of a country, and a list of the country's places with events (at most 200)."""

    def draw() -> str:
        outline = outline_of(country.upper())
        name = COUNTRIES[country.upper()]
        return render_template(
            "movement/near_country.html",
            country=f"the {name}" if name.startswith("United") else name,
            map=kept_map(outline, None),
            dots=[dot for dot in kept_dots(outline) if dot.country == country.upper()][:200],
        )

    return keep(draw)


@near.get(f"/<{COUNTRY}:country>/<code>")
@open_to(ANYONE)
def at_place(country: str, code: str) -> ResponseReturnValue:
    """Show up to twenty events near a place, the next events by video, and a map of the area around
    the place."""
    return keep(lambda: _draw_place(kept_place(country, code), now()))


def draw_known(path: str) -> str | None:
    """Return the HTML of a place's page by its path, if this process knows the place. Return None
    for any other path. The function needs an app context, but no request. Raises NotKeptError
    inside `only_kept` if something has to be read."""
    match = _PLACES_PAGE.fullmatch(path)
    place = known_place(match[1].upper(), match[2]) if match else None
    return _draw_place(place, now()) if place else None


def _draw_place(place: Place, at: datetime) -> str:
    point = (place.latitude, place.longitude)
    outline = outline_of(place.country)
    found = nearest.nearest(point, at, kept_events())
    distance = partial(describe_distance, country=place.country)
    is_near = any(km <= nearest.NEAR for km, _ in found)
    differs = {
        "name": describe_place(place),
        "code": place.code,
        "found": list_found(found, distance),
        "by_video": list_events(kept_videos()),
        "map": kept_map(outline, middle_of(outline, point)),
    }
    frame = kept_frame(
        "movement/near_place.html",
        [slot for slot, value in differs.items() if value],
        country=place.country.lower(),
        is_near=is_near,
        near_km=distance(nearest.NEAR),
        takes_offers=not is_near and takes_offers(place),
        rule=nearest.NEEDED_RULE,
    )
    return frame.fill(differs)
