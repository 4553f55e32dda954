"""Render a step with a person's merge fields, for the caller's page and the editor's preview."""

from dataclasses import dataclass

from flask import get_template_attribute
from markupsafe import Markup

from scripts_library.merge_fields import render_html, render_text
from scripts_library.script import Answer, Choice, Fields, Step


@dataclass(frozen=True)
class RenderedStep:
    """The data that _step.html shows. `words` and `guidance` are safe HTML, the rest is text."""

    step: Step
    title: str
    words: Markup
    guidance: Markup
    choices: tuple[Choice, ...]
    low: str
    high: str


def render_step(
    step: Step, fields: Fields, current: bool, chosen: Answer = None, reply: str = ""
) -> Markup:
    """Render the step as HTML, hidden unless it is the `current` one.

    `reply` is what the person in a practice call says.
    """
    rendered = RenderedStep(
        step,
        render_text(step.title, fields),
        render_words(step.words, fields),
        render_words(step.guidance, fields),
        tuple(Choice(one.key, render_text(one.label, fields)) for one in step.choices),
        render_text(step.low_label, fields) or "Lowest",
        render_text(step.high_label, fields) or "Highest",
    )
    step_macro = get_template_attribute("_step.html", "step")
    # The output of a template is safe.
    return Markup(step_macro(rendered, current, chosen, reply))  # noqa: S704


def render_words(words: str, fields: Fields) -> Markup:
    """Render words as HTML, with their merge fields filled in."""
    return Markup(render_html(words, fields)) if words else Markup("")  # noqa: S704  (escaped)
