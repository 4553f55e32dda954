"""Draws the map of events. The map has an outline of one or more countries, dots that show the
numbers of events, and the names of towns."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from math import hypot

from sqlalchemy import select

from phonebank.core.db import db
from phonebank.listings.nearest import Dot
from phonebank.models import Place
from phonebank.places.outlines import Outline

# The map around a place shows this many kilometres from side to side.
AROUND_KM = 140.0
# Every map is divided into this many columns. Events in the same cell are joined into one dot. On a
# phone a column is about as wide as a thumb.
COLUMNS = 7
# The centres of two dots are at least this many columns apart.
APART = 0.9
# Maps around places begin at steps of this many kilometres, so places close together share a map.
STEP_KM = 12.7
# In hundredths of the map's width, as the template draws them: half a dot, the height of letters,
# and half the width of a letter.
DOT = 4.4
LETTERS = 4.4
HALF_A_LETTER = 1.3
TOWNS_AT_MOST = 9
# Only this many of the largest towns on the map are tried.
TOWNS_TRIED = 40


# The middle of a map: x and y in the outline's units.
Middle = tuple[float, float]


@dataclass(frozen=True)
class MapDot:
    """A dot on the map. The dot shows the number of events at one or more places that are close
    together. It is drawn at one of these places (`country`, `place_code` and `area`), and leads to
    the list of events near that place."""

    x: float
    y: float
    count: int
    country: str
    place_code: str
    area: str


@dataclass(frozen=True)
class Label:
    """A town's name on the map. `x` and `y` are the coordinates of the middle of the name, in the
    outline's units."""

    x: float
    y: float
    name: str


@dataclass(frozen=True)
class NearMap:
    """A map as the template draws it. `left`, `top`, `wide` and `tall` say which part of the
    outline is shown, in the outline's units."""

    outline: Outline
    left: float
    top: float
    wide: float
    tall: float
    dots: list[MapDot]
    labels: list[Label]


@dataclass(frozen=True)
class Town:
    """A town whose name a map may show."""

    name: str
    latitude: float
    longitude: float


def towns_on(outline: Outline) -> list[Town]:
    """Return the towns with at least 5,000 people in an outline's countries, largest first."""
    query = (
        select(Place.name, Place.latitude, Place.longitude)
        .where(Place.population >= 5000, Place.country.in_(outline.countries))
        .order_by(Place.population.desc(), Place.id)
    )
    return [Town(*row) for row in db.session.execute(query)]


def middle_of(outline: Outline, point: tuple[float, float]) -> Middle:
    """Return the middle of the map that shows what is around a point (latitude, longitude in
    degrees). The middle is at most about 9 kilometres from the point. Points close together
    normally have the same middle."""
    step = STEP_KM * outline.km
    x, y = outline.point(*point)
    return round(x / step) * step, round(y / step) * step


def draw_map(
    outline: Outline, dots: Sequence[Dot], towns: Sequence[Town], middle: Middle | None = None
) -> NearMap:
    """Return a map of the whole outline, or of the part around `middle`. `towns` is what `towns_on`
    returned."""
    if middle is None:
        left, top, wide, tall = 0.0, 0.0, 2000.0, outline.tall
    else:
        wide = AROUND_KM * outline.km
        tall = wide * 0.75
        left, top = middle[0] - wide / 2, middle[1] - tall / 2
    cell = wide / COLUMNS
    drawn = _join_dots(outline, dots, (left, top, wide, tall), cell)
    labels = _labels(outline, towns, (left, top, wide, tall), drawn)
    return NearMap(outline, left, top, wide, tall, drawn, labels)


def _join_dots(
    outline: Outline, dots: Sequence[Dot], shown: tuple[float, float, float, float], cell: float
) -> list[MapDot]:
    left, top, _, _ = shown
    north, west, south, east = _edges(outline, shown)
    cells: dict[tuple[int, int], list[tuple[float, float, Dot]]] = {}
    for dot in dots:
        if south <= dot.latitude <= north and west <= dot.longitude <= east:
            x, y = outline.point(dot.latitude, dot.longitude)
            inside = cells.setdefault((int((x - left) / cell), int((y - top) / cell)), [])
            inside.append((x, y, dot))
    joined = []
    for inside in cells.values():
        most = max(inside, key=lambda one: one[2].count)
        joined.append(_Joined(most[0], most[1], sum(dot.count for *_, dot in inside), most[2]))
    return _part_dots(joined, cell)


@dataclass
class _Joined:
    x: float
    y: float
    count: int
    most: Dot


def _part_dots(joined: list[_Joined], cell: float) -> list[MapDot]:
    """If the centres of two dots are less than APART columns apart, add the events of the smaller
    dot to the larger dot, and leave out the smaller dot. So no two of the returned dots touch."""
    kept: list[_Joined] = []
    for one in sorted(joined, key=lambda one: -one.count):
        larger = next(
            (other for other in kept if hypot(one.x - other.x, one.y - other.y) < APART * cell),
            None,
        )
        if larger is None:
            kept.append(one)
        else:
            larger.count += one.count
    return [
        MapDot(one.x, one.y, one.count, one.most.country, one.most.place_code, one.most.area)
        for one in kept
    ]


def _labels(
    outline: Outline,
    towns: Sequence[Town],
    shown: tuple[float, float, float, float],
    dots: Sequence[MapDot],
) -> list[Label]:
    """Return up to TOWNS_AT_MOST labels, for the largest towns whose names fit on the map. Only the
    TOWNS_TRIED largest towns on the map are tried. A name must not touch a dot or another name."""
    north, west, south, east = _edges(outline, shown)
    inside = (
        town for town in towns if south <= town.latitude <= north and west <= town.longitude <= east
    )
    unit = shown[2] / 100
    # Of what is on the map already: its middle, half its width, and how far up or down from its
    # middle the middle of a name must be.
    dot, beside_dot = (DOT + 0.5) * unit, (DOT + 0.5 + LETTERS / 2) * unit
    taken = [(one.x, one.y, dot, beside_dot) for one in dots]
    labels: list[Label] = []
    for town in islice(inside, TOWNS_TRIED):
        x, y = outline.point(town.latitude, town.longitude)
        half = len(town.name) * HALF_A_LETTER * unit
        # If a dot is where the name should be, the name may be below it, above it, or beside it.
        aside = half + (DOT + 1) * unit
        away = (DOT + 1 + LETTERS / 2) * unit
        for right, down in ((0.0, 0.0), (0.0, away), (0.0, -away), (aside, 0.0), (-aside, 0.0)):
            spot = x + right, y + down
            if _has_room(spot, half, shown, taken):
                labels.append(Label(*spot, town.name))
                taken.append((*spot, half + unit, LETTERS * 1.2 * unit))
                break
        if len(labels) == TOWNS_AT_MOST:
            break
    return labels


def _edges(
    outline: Outline, shown: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """Return the north, west, south and east edges, in degrees, of the part of the outline that the
    map shows."""
    left, top, wide, tall = shown
    return *outline.place(left, top), *outline.place(left + wide, top + tall)


def _has_room(
    spot: tuple[float, float],
    half: float,
    shown: tuple[float, float, float, float],
    taken: Sequence[tuple[float, float, float, float]],
) -> bool:
    """Whether a name fits on the map without touching anything, if its centre is at `spot` and half
    its width is `half`."""
    x, y = spot
    left, top, wide, tall = shown
    margin = wide / 30
    if not (left + half < x < left + wide - half and top + margin < y < top + tall - margin):
        return False
    return all(
        abs(x - other_x) > half + other_half or abs(y - other_y) > other_tall
        for other_x, other_y, other_half, other_tall in taken
    )
