"""The steps of a script as HTML, every one of them, the present one shown and the others hidden.

Most of a script's words are the same for everybody a caller rings, so those steps are kept as
drawn; only steps that name the person are drawn anew for each. Nothing of a person is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from callers.views.call_page import CallView
from phonebank.scripts.step_renderer import render_step, render_words
from scripts_library.merge_fields import fields_in, render_text
from scripts_library.script import Card, Fields, Step

Values = tuple[tuple[str, str | None], ...]


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
    return [_card_shown(card, view) for card in cards]


def _step_html(step: Step, view: CallView, reply: str) -> Markup:
    current = step.id == view.current
    chosen = view.answers.get(step.id)
    values = _if_for_everybody(step, view)
    if chosen is None and not reply and values is not None:
        return _drawn_for_everybody(step, values, current)
    return render_step(step, view.fields, current, chosen, reply)


def _if_for_everybody(words: Step | Card, view: CallView) -> Values | None:
    """The values of the merge fields in these words; None where one of them is the person's own."""
    used = _used(words)
    if any(view.fields.get(name) != view.shared.get(name) for name in used):
        return None
    return tuple((name, view.shared.get(name)) for name in used)


@lru_cache(maxsize=2048)
def _drawn_for_everybody(step: Step, values: Values, current: bool) -> Markup:
    return render_step(step, dict(values), current)


@lru_cache(maxsize=4096)
def _used(part: Step | Card) -> tuple[str, ...]:
    """The merge fields that the words of a step or card use."""
    words = [part.title, part.words, part.guidance]
    if isinstance(part, Step):
        words += [part.low_label, part.high_label, *(choice.label for choice in part.choices)]
    return tuple(sorted({found.name for text in words for found in fields_in(text)}))


def _card_shown(card: Card, view: CallView) -> CardShown:
    values = _if_for_everybody(card, view)
    return _card(card, view.fields) if values is None else _card_for_everybody(card, values)


@lru_cache(maxsize=2048)
def _card_for_everybody(card: Card, values: Values) -> CardShown:
    return _card(card, dict(values))


def _card(card: Card, fields: Fields) -> CardShown:
    return CardShown(
        render_text(card.title, fields),
        render_words(card.words, fields),
        render_words(card.guidance, fields),
    )
