"""A step filled in for one person and drawn as callers see it: on their screen, in the editor."""

from dataclasses import dataclass

from flask import get_template_attribute
from markupsafe import Markup

from scripts_library.merge_fields import render_html, render_text
from scripts_library.script import Answer, Choice, Fields, Step


@dataclass(frozen=True)
class RenderedStep:
    """What _step.html draws: words and guidance are safe HTML, all else is text."""

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
    """The step as HTML, hidden unless it is the `current` one. `reply`: what the person says."""
    shown = RenderedStep(
        step,
        render_text(step.title, fields),
        render_words(step.words, fields),
        render_words(step.guidance, fields),
        tuple(Choice(one.key, render_text(one.label, fields)) for one in step.choices),
        render_text(step.low_label, fields) or "Lowest",
        render_text(step.high_label, fields) or "Highest",
    )
    draw = get_template_attribute("_step.html", "step")
    return Markup(draw(shown, current, chosen, reply))  # noqa: S704  (a template's own output)


def render_words(words: str, fields: Fields) -> Markup:
    """Words with their merge fields filled in, as HTML."""
    return Markup(render_html(words, fields)) if words else Markup("")  # noqa: S704  (escaped)
