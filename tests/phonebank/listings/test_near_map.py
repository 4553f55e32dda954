"""The map: no two dots touch, nothing is lost, and each leads to a place with events."""

import random
from math import hypot

from flask import Flask

from phonebank.listings.near_map import APART, AROUND_KM, COLUMNS, draw_map, middle_of, towns_on
from phonebank.listings.nearest import Dot
from phonebank.places.outlines import OUTLINES, outline_of


def test_dots_do_not_touch_and_count_every_event(app_context: Flask) -> None:
    choice = random.Random(1)
    for outline in OUTLINES:
        dots = [
            Dot(
                outline.countries[0], f"P{number}", f"Place {number}",
                choice.uniform(outline.south + 0.1, outline.north - 0.1),
                choice.uniform(outline.west + 0.1, outline.east - 0.1), choice.randint(1, 9),
            )
            for number in range(500)
        ]  # fmt: skip
        drawn = draw_map(outline, dots, towns_on(outline))
        assert sum(dot.count for dot in drawn.dots) == sum(dot.count for dot in dots)
        least = APART * drawn.wide / COLUMNS
        for number, one in enumerate(drawn.dots):
            for other in drawn.dots[:number]:
                assert hypot(one.x - other.x, one.y - other.y) >= least
        codes = {dot.place_code for dot in dots}
        assert {dot.place_code for dot in drawn.dots} <= codes


def test_a_point_and_its_place_on_the_picture_agree() -> None:
    outline = outline_of("GB")
    for latitude, longitude in ((51.5, -0.1), (57.1, -2.1), (53.3, -6.2)):
        back = outline.place(*outline.point(latitude, longitude))
        assert hypot(back[0] - latitude, back[1] - longitude) < 1e-9
    x, y = outline.point(51.5, -0.1)
    assert 0 < x < 2000
    assert 0 < y < outline.tall


def test_places_close_together_share_a_map_that_has_both_well_inside() -> None:
    outline = outline_of("GB")
    choice = random.Random(2)
    middles = set()
    for _ in range(500):
        x, y = choice.uniform(600, 800), choice.uniform(1400, 1600)
        middle = middle_of(outline, outline.place(x, y))
        middles.add(middle)
        assert hypot(middle[0] - x, middle[1] - y) < AROUND_KM * outline.km / 10
    assert len(middles) < 150
