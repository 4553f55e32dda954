"""The map of events: counted dots on an outline, and the names of towns beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from phonebank.core.db import db
from phonebank.listings.nearest import Dot
from phonebank.models import Place
from phonebank.places.outlines import Outline

# The map of a place shows so many kilometres from side to side.
AROUND_KM = 140.0
# A map of a whole country and one around a place are divided into this many columns. Dots in one
# cell are one dot, so no two dots touch.
COLUMNS = 11
TOWNS_AT_MOST = 9


@dataclass(frozen=True)
class MapDot:
    """One dot: how many events, and the place whose list it leads to."""

    x: float
    y: float
    count: int
    country: str
    place_code: str
    area: str


@dataclass(frozen=True)
class Label:
    """A town's name on the map."""

    x: float
    y: float
    name: str


@dataclass(frozen=True)
class NearMap:
    """A map as the template draws it. `left`, `top`, `wide` and `tall` are the part of the outline
    that is shown, in units."""

    outline: Outline
    left: float
    top: float
    wide: float
    tall: float
    dots: list[MapDot]
    labels: list[Label]


def draw_map(
    outline: Outline, dots: Sequence[Dot], centre: tuple[float, float] | None = None
) -> NearMap:
    """Return a map of the whole outline, or around a centre (latitude, longitude in degrees)."""
    if centre is None:
        left, top, wide, tall = 0.0, 0.0, 2000.0, outline.tall
    else:
        wide = AROUND_KM * outline.km
        tall = wide * 0.75
        x, y = outline.point(*centre)
        left, top = x - wide / 2, y - tall / 2
    cell = wide / COLUMNS
    drawn = _join_dots(outline, dots, (left, top, wide, tall), cell)
    labels = _labels(outline, (left, top, wide, tall), drawn, cell)
    return NearMap(outline, left, top, wide, tall, drawn, labels)


def _join_dots(
    outline: Outline, dots: Sequence[Dot], shown: tuple[float, float, float, float], cell: float
) -> list[MapDot]:
    left, top, wide, tall = shown
    cells: dict[tuple[int, int], list[tuple[float, float, Dot]]] = {}
    for dot in dots:
        x, y = outline.point(dot.latitude, dot.longitude)
        if left <= x <= left + wide and top <= y <= top + tall:
            cells.setdefault((int((x - left) / cell), int((y - top) / cell)), []).append(
                (x, y, dot)
            )
    joined = []
    for inside in cells.values():
        count = sum(dot.count for _, _, dot in inside)
        most = max(inside, key=lambda one: one[2].count)[2]
        joined.append(
            MapDot(
                sum(x * dot.count for x, _, dot in inside) / count,
                sum(y * dot.count for _, y, dot in inside) / count,
                count,
                most.country,
                most.place_code,
                most.area,
            )
        )
    return joined


def _labels(
    outline: Outline,
    shown: tuple[float, float, float, float],
    dots: Sequence[MapDot],
    cell: float,
) -> list[Label]:
    """Return the largest towns whose names have room: beside no dot and no other name."""
    left, top, wide, tall = shown
    north, west = outline.place(left, top)
    south, east = outline.place(left + wide, top + tall)
    towns = db.session.execute(
        select(Place.name, Place.latitude, Place.longitude)
        .where(
            Place.population >= 5000,
            Place.country.in_(outline.countries),
            Place.latitude.between(south, north),
            Place.longitude.between(west, east),
        )
        .order_by(Place.population.desc())
        .limit(40)
    ).all()
    taken = [(dot.x, dot.y, cell * 0.9, cell * 0.75) for dot in dots]
    labels: list[Label] = []
    for name, latitude, longitude in towns:
        x, y = outline.point(latitude, longitude)
        half = len(name) * cell * 0.14
        if x - half < left or x + half > left + wide or y < top + cell / 2 or y > top + tall - cell:
            continue
        # Below its dot, or above it, and nowhere else.
        for below in (cell * 0.85, -cell * 0.6):
            if all(
                abs(x - other_x) > half + other_half or abs(y + below - other_y) > other_tall
                for other_x, other_y, other_half, other_tall in taken
            ):
                labels.append(Label(x, y + below, name))
                taken.append((x, y + below, half, cell * 0.5))
                break
        if len(labels) == TOWNS_AT_MOST:
            break
    return labels
