"""The parts that the public pages about events have in common. After a web process has read or
rendered a part, it keeps the part for a while and uses it for all pages."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar, cast

from cachetools import LRUCache, TTLCache
from flask import current_app, g, get_template_attribute
from markupsafe import Markup, escape

from phonebank.core.db import db
from phonebank.listings import nearest
from phonebank.listings.near_map import Middle, Town, draw_map, towns_on
from phonebank.listings.nearest import Dot, Events, Found, Near
from phonebank.listings.offers import campaigns_for
from phonebank.models import Place
from phonebank.movement.frames import Frame, marks_for
from phonebank.places.find import TYPED_AT_MOST, find_places, place_at, places_beside
from phonebank.places.outlines import Outline
from phonebank.places.typed import read_typed

Part = TypeVar("Part")
_UNKNOWN = Place()  # stands for a code of which the process does not know whether it has a place

# Seconds. The parts that follow from the events are read again after this.
PARTS_KEPT_FOR = 30
# Seconds. The towns change only with a release. They are read again nevertheless, because one
# process runs many tests, and each test may have other towns.
TOWNS_KEPT_FOR = 3600
PLACES_AT_MOST = 10_000
# A map has about 4 kB, and the HTML of an event less than 1 kB.
MAPS_AT_MOST = 1_000
EVENTS_AT_MOST = 4_000


@dataclass(frozen=True)
class _Dots:
    """The dots on an outline (a picture of one or more countries), and the rendered maps with these
    dots. Each dot is a place that has events. The key of a map is the middle of the map, or None
    for the map of the whole outline."""

    dots: list[Dot]
    maps: "LRUCache[Middle | None, Markup]"


class NotKeptError(Exception):
    """The error that is raised inside `only_kept` for a part that is not kept."""


@contextmanager
def only_kept() -> Iterator[None]:
    """Let nothing be read in a `with` block. A page is then drawn without a query, or not at all.
    This needs an app context, and lasts until the block ends."""
    g.only_kept = True
    try:
        yield
    finally:
        g.only_kept = False


class KeptParts:
    """The parts that this process has read or rendered lately."""

    def __init__(self) -> None:
        self._parts: dict[str, tuple[float, object]] = {}
        # By country and code. A code that has no place is kept too.
        self.places: TTLCache[tuple[str, str], Place | None] = TTLCache(
            PLACES_AT_MOST, TOWNS_KEPT_FOR, timer=lambda: time.monotonic()
        )

    def part(self, name: str, read: Callable[[], Part], kept_for: float = PARTS_KEPT_FOR) -> Part:
        """Return the kept result for `name`, which all pages share. If no result is kept, or if the
        kept result is older than `kept_for` seconds, call `read` and keep its result. While one
        request calls `read` again, other requests get the old result. Inside `only_kept`, raises
        NotKeptError instead of calling `read`."""
        now = time.monotonic()
        read_at, part = self._parts.get(name, (-math.inf, None))
        if now - read_at >= kept_for:
            if g.get("only_kept"):
                raise NotKeptError(name)
            if name in self._parts:
                # While this request reads, the other requests use the old part.
                self._parts[name] = now, part
            part = read()
            self._parts[name] = now, part
        return cast(Part, part)

    def last(self, name: str) -> object:
        """Return the last result for `name`, whatever its age, or None if there is none."""
        return self._parts.get(name, (0.0, None))[1]

    def place_meant(self, codes: Sequence[tuple[str, str]]) -> Place | None:
        """Return the only place that these codes can mean, each given as (country, code). Return
        None if the codes can mean several places or no place, or if it is not known of each code
        whether it has a place."""
        # Each code is looked up once, because a kept place may expire between two look-ups.
        meant = [self.places.get(code, _UNKNOWN) for code in codes]
        if _UNKNOWN in meant:
            return None
        found = _postcodes(meant)
        return found[0] if len(found) == 1 else None

    def forget(self) -> None:
        """Forget all parts. Only tests need this function."""
        self._parts.clear()
        self.places.clear()


def kept_place(country: str, code: str) -> Place:
    """Return the place with this code in a country (ISO 3166-1). A kept place belongs to no
    database session. Raises NotFoundError if there is no such place."""
    return _kept_place_or_none(country.upper(), code, keep_unknown=False) or place_at(country, code)


def known_place(country: str, code: str) -> Place | None:
    """Return the kept place with this code in a country (ISO 3166-1), or None if none is kept."""
    return _parts().places.get((country, code))


def places_typed(typed: str) -> Sequence[Place]:
    """Return the places that a typed text may mean. This function returns and raises the same as
    `find_places`, but finds kept places without a query. It never keeps a whole British or Canadian
    postcode."""
    codes = read_typed(typed[:TYPED_AT_MOST]).codes
    found = _postcodes(_kept_place_or_none(*code, keep_unknown=True) for code in codes)
    return sorted(found, key=lambda place: place.country) or find_places(typed)


def _kept_place_or_none(country: str, code: str, keep_unknown: bool) -> Place | None:
    """Return the place with this code, or None if there is none. With `keep_unknown`, keep also
    that there is none. An address may contain any text, even a whole postcode, so what an address
    contains must not be kept."""
    places = _parts().places
    if (country, code) not in places:
        # Somebody who lives nearby often comes next.
        read = {place.code: place for place in places_beside(country, code)}
        for place in read.values():
            db.session.expunge(place)
            places[country, place.code] = place
        if code not in read and keep_unknown:
            places[country, code] = None
    return places.get((country, code))


def _postcodes(places: Iterable[Place | None]) -> list[Place]:
    """Return the places that are postcodes. Towns have a population."""
    return [place for place in places if place is not None and place.population is None]


def kept_events() -> Events | None:
    """Return all events that strangers can find and that people attend in person. Return None if
    there are too many to keep."""
    events = _parts().part("events", lambda: nearest.all_events(datetime.now(UTC)))
    if events is None and g.get("only_kept"):
        raise NotKeptError("events")
    return events


def kept_videos() -> list[Near]:
    """Return the next few events that people attend by video."""
    return _parts().part("videos", lambda: nearest.by_video(datetime.now(UTC)))


def takes_offers(place: Place) -> bool:
    """Whether strangers may offer to host a party near this place."""
    return _parts().part(f"offers {place.country}", lambda: bool(campaigns_for(place)))


def kept_dots(outline: Outline) -> list[Dot]:
    """Return the places with events in the countries that an outline shows (an outline is a picture
    of one or more countries). Each place is a dot on the picture. All pages that show this outline
    share the dots."""
    return _dots_on(outline).dots


def kept_map(outline: Outline, middle: Middle | None) -> Markup:
    """Return the HTML of a map: the whole outline, or the part around `middle`. The HTML is empty
    if the map has no dots."""
    drawn = _dots_on(outline)
    picture = drawn.maps.get(middle)
    if picture is None:
        near_map = draw_map(outline, drawn.dots, _towns_on(outline), middle)
        draw = get_template_attribute("movement/_near.html", "picture")
        picture = draw(near_map) if near_map.dots else Markup()
        drawn.maps[middle] = picture
    return picture


def kept_frame(template: str, slots: Sequence[str], **facts: object) -> Frame:
    """Return the frame of a template: its HTML with these facts as variables, and with a slot for
    each other variable. The template gets no variables about a request, because there may be
    none."""

    def render() -> Frame:
        return Frame.of(
            current_app.jinja_env.get_template(template).render(**facts, **marks_for(slots))
        )

    return _parts().part(f"frame {template} {slots} {facts}", render)


def list_events(events: Sequence[Near]) -> Markup:
    """Return the HTML of a list of events, without `<ul>`."""
    return Markup("".join(half for one in events for half in _halves_of(one)))  # noqa: S704 - HTML


def list_found(found: Sequence[Found], distance: Callable[[float], str]) -> Markup:
    """Return the HTML of a list of events with their distances, without `<ul>`. `distance` is a
    function that turns a distance in kilometres into words."""
    parts = []
    for km, one in found:
        before, after = _halves_of(one)
        parts += [before, f" · {escape(distance(km))}", after]
    return Markup("".join(parts))  # noqa: S704 - the halves are HTML, and the distance is escaped


@lru_cache(maxsize=EVENTS_AT_MOST)
def _halves_of(one: Near) -> tuple[str, str]:
    """Return the HTML of an event in two parts: the part before the event's distance, and the part
    after the distance."""
    before, after = (
        str(get_template_attribute("movement/_near.html", half)(one))
        for half in ("event_before_distance", "event_after_distance")
    )
    return before, after


def _dots_on(outline: Outline) -> _Dots:
    parts = _parts()
    name = f"dots {outline.name}"

    def read() -> _Dots:
        dots = nearest.dots(outline.countries, datetime.now(UTC))
        before = cast(_Dots | None, parts.last(name))
        if before is not None and before.dots == dots:
            return before  # with the maps that are drawn already
        return _Dots(dots, LRUCache(MAPS_AT_MOST))

    return parts.part(name, read)


def _towns_on(outline: Outline) -> list[Town]:
    return _parts().part(f"towns {outline.name}", lambda: towns_on(outline), TOWNS_KEPT_FOR)


def _parts() -> KeptParts:
    parts: KeptParts = current_app.extensions["kept_pages"].parts
    return parts
