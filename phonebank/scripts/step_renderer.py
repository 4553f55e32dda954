"""Render a step with a person's values for the merge fields, for the caller's page and the editor's
preview."""

from dataclasses import dataclass

from flask import get_template_attribute
from markupsafe import Markup

from scripts_library.merge_fields import (
    fill_slots,
    html_with_slots,
    render_html,
    text_with_slots,
)
from scripts_library.script import Answer, Choice, Fields, Step


@dataclass(frozen=True)
class RenderedStep:
    """The data that _step.html shows. All texts except those in `step` are safe HTML, with a slot
    (an empty element) for each merge field."""

    step: Step
    title: Markup
    words: Markup
    guidance: Markup
    choices: tuple[Choice, ...]
    low: Markup
    high: Markup


def render_step(
    step: Step, fields: Fields, current: bool, chosen: Answer = None, reply: str = ""
) -> Markup:
    """Render the step as HTML. The step is hidden and disabled unless `current` is true.

    `chosen` is the step's answer so far. `reply` is what the invented person in a practice call
    says.
    """
    return fill(step_with_slots(step, current, chosen, reply), fields)


def step_with_slots(
    step: Step, current: bool = False, chosen: Answer = None, reply: str = ""
) -> Markup:
    """Render the step as `render_step` does, with an empty slot for each merge field."""
    rendered = RenderedStep(
        step,
        _text(step.title),
        Markup(html_with_slots(step.words)),  # noqa: S704  (safe HTML)
        Markup(html_with_slots(step.guidance)),  # noqa: S704
        tuple(Choice(one.key, _text(one.label)) for one in step.choices),
        _text(step.low_label) or Markup("Lowest"),
        _text(step.high_label) or Markup("Highest"),
    )
    step_macro = get_template_attribute("_step.html", "step")
    # The output of a template is safe.
    return Markup(step_macro(rendered, current, chosen, reply))  # noqa: S704


def fill(html: str, fields: Fields) -> Markup:
    """Put the merge fields' values into the slots of safe HTML."""
    return Markup(fill_slots(html, fields))  # noqa: S704  (fill_slots escapes)


def render_words(words: str, fields: Fields) -> Markup:
    """Render words as HTML, with their merge fields filled in."""
    return Markup(render_html(words, fields)) if words else Markup("")  # noqa: S704  (escaped)


def _text(words: str) -> Markup:
    return Markup(text_with_slots(words))  # noqa: S704  (text_with_slots escapes)
