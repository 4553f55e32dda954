"""Frames: a template that is rendered once and filled for each page."""

import pytest
from jinja2 import Environment
from markupsafe import Markup

from phonebank.movement.frames import Frame, marks_for

TEMPLATE = (
    "<h1>{{ name }}</h1>{% if list %}<ul>{{ list }}</ul>{% endif %}<p>{{ name }}{{ fact }}</p>"
)


def _frame(*slots: str) -> Frame:
    template = Environment(autoescape=True).from_string(TEMPLATE)
    return Frame.of(template.render(fact="&", **marks_for(slots)))


def test_a_filled_frame_is_the_page_that_the_template_would_make() -> None:
    values = {"name": "<b>", "list": Markup("<li>One</li>")}
    whole = Environment(autoescape=True).from_string(TEMPLATE).render(fact="&", **values)
    assert _frame("name", "list").fill(values) == whole


def test_a_slot_that_is_missing_counts_as_empty_in_the_template() -> None:
    assert _frame("name").fill({"name": "SW9"}) == "<h1>SW9</h1><p>SW9&amp;</p>"


def test_a_slot_needs_a_value() -> None:
    with pytest.raises(KeyError, match="list"):
        _frame("name", "list").fill({"name": "SW9"})
