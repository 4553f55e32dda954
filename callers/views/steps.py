"""Render every step of a script as HTML. Only the current step is visible.

Most steps are the same for all of a caller's contacts, so their HTML is cached. Only steps that
contain the contact's own fields are rendered for each contact, and these are never cached.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from callers.views.call_view_model import CallView
from phonebank.scripts.step_renderer import render_step, render_words
from scripts_library.merge_fields import fields_in, render_text
from scripts_library.script import Card, Fields, Step

Values = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class RenderedCard:
    title: str
    words: Markup
    guidance: Markup


def render_steps(view: CallView, replies: Mapping[str, str] | None = None) -> Markup:
    """Return the HTML of all steps. `replies` maps step ids to what the practice persona says."""
    if view.script is None:
        return Markup("")
    replies = replies or {}
    return Markup("").join(
        _render_step(step, view, replies.get(step.id, "")) for step in view.script.steps
    )


def render_cards(view: CallView) -> list[RenderedCard]:
    """Return the side cards with their merge fields filled in."""
    cards = view.script.cards if view.script else ()
    return [_render_card(card, view) for card in cards]


def _render_step(step: Step, view: CallView, reply: str) -> Markup:
    current = step.id == view.current
    chosen = view.answers.get(step.id)
    values = _shared_values(step, view)
    if chosen is None and not reply and values is not None:
        return _render_shared_step(step, values, current)
    return render_step(step, view.fields, current, chosen, reply)


def _shared_values(words: Step | Card, view: CallView) -> Values | None:
    """Return the values of the merge fields in `words`, or None if one is the contact's own."""
    used = _used(words)
    if any(view.fields.get(name) != view.shared.get(name) for name in used):
        return None
    return tuple((name, view.shared.get(name)) for name in used)


@lru_cache(maxsize=2048)
def _render_shared_step(step: Step, values: Values, current: bool) -> Markup:
    return render_step(step, dict(values), current)


@lru_cache(maxsize=4096)
def _used(part: Step | Card) -> tuple[str, ...]:
    """Return the names of the merge fields that a step or card uses, sorted."""
    words = [part.title, part.words, part.guidance]
    if isinstance(part, Step):
        words += [part.low_label, part.high_label, *(choice.label for choice in part.choices)]
    return tuple(sorted({found.name for text in words for found in fields_in(text)}))


def _render_card(card: Card, view: CallView) -> RenderedCard:
    values = _shared_values(card, view)
    return _card(card, view.fields) if values is None else _render_shared_card(card, values)


@lru_cache(maxsize=2048)
def _render_shared_card(card: Card, values: Values) -> RenderedCard:
    return _card(card, dict(values))


def _card(card: Card, fields: Fields) -> RenderedCard:
    return RenderedCard(
        render_text(card.title, fields),
        render_words(card.words, fields),
        render_words(card.guidance, fields),
    )
