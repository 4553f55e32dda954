"""The steps of a script as HTML, every one of them, the present one shown and the others hidden.

Most of a script's words are the same for everybody a caller rings, so those steps are kept as
drawn; only steps that name the person are drawn anew for each. Nothing of a person is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from flask import get_template_attribute
from markupsafe import Markup

from callers.call_view import CallView
from scripts_library.merge_fields import fields_in, render_html, render_text
from scripts_library.script import Answer, Card, Fields, Step


@dataclass(frozen=True)
class ChoiceShown:
    key: str
    label: str


@dataclass(frozen=True)
class StepShown:
    """A step with its merge fields filled in; words and guidance are safe HTML."""

    step: Step
    title: str
    words: Markup
    guidance: Markup
    choices: tuple[ChoiceShown, ...]
    low: str
    high: str


@dataclass(frozen=True)
class CardShown:
    title: str
    words: Markup
    guidance: Markup


def steps_html(view: CallView, replies: Mapping[str, str] | None = None) -> Markup:
    """Every step of the view's script. `replies`, in practice: what the person says, by step."""
    if view.script is None:
        return Markup("")
    replies = replies or {}
    return Markup("").join(
        _step_html(step, view, replies.get(step.id, "")) for step in view.script.steps
    )


def cards_of(view: CallView) -> list[CardShown]:
    """The side cards, filled in."""
    cards = view.script.cards if view.script else ()
    return [_card(card, view.fields) for card in cards]


def _step_html(step: Step, view: CallView, reply: str) -> Markup:
    current = step.id == view.current
    chosen = view.answers.get(step.id)
    used = _used(step)
    is_for_everybody = all(view.fields.get(name) == view.shared.get(name) for name in used)
    if chosen is None and not reply and is_for_everybody:
        return _drawn(step, tuple((name, view.shared.get(name)) for name in used), current)
    return _draw(step, view.fields, current, chosen, reply)


@lru_cache(maxsize=2048)
def _drawn(step: Step, values: tuple[tuple[str, str | None], ...], current: bool) -> Markup:
    return _draw(step, dict(values), current, None, "")


def _draw(step: Step, fields: Fields, current: bool, chosen: Answer, reply: str) -> Markup:
    shown = StepShown(
        step,
        render_text(step.title, fields),
        _html(step.words, fields),
        _html(step.guidance, fields),
        tuple(ChoiceShown(c.key, render_text(c.label, fields)) for c in step.choices),
        render_text(step.low_label, fields) or "Lowest",
        render_text(step.high_label, fields) or "Highest",
    )
    draw = get_template_attribute("callers/_step.html", "step")
    return Markup(draw(shown, current, chosen, reply))  # noqa: S704  (a template's own output)


@lru_cache(maxsize=2048)
def _used(step: Step) -> frozenset[str]:
    """The merge fields that a step's words use."""
    words = [step.title, step.words, step.guidance, step.low_label, step.high_label]
    words += [choice.label for choice in step.choices]
    return frozenset(found.name for text in words for found in fields_in(text))


def _card(card: Card, fields: Fields) -> CardShown:
    return CardShown(
        render_text(card.title, fields), _html(card.words, fields), _html(card.guidance, fields)
    )


def _html(words: str, fields: Fields) -> Markup:
    return Markup(render_html(words, fields)) if words else Markup("")  # noqa: S704  (escaped)
