"""The words of a script as the call page shows them. The words are the same for every contact.

A process renders the words of each script version, with an empty slot for each merge field, and
caches them. A page gets the words once (`ScriptWords.as_json`), and then puts each contact's values
into the slots itself.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import get_template_attribute
from markupsafe import Markup

from phonebank.scripts.step_renderer import fill, step_with_slots
from phonebank.scripts.versions import script_of
from scripts_library.engine import branch_matches, first_step
from scripts_library.merge_fields import fields_in, html_with_slots, text_with_slots, texts_of
from scripts_library.script import SCALE, Answers, Branch, Fields, Script, Step

# What callers of a campaign without a script say first, because every contact must learn who is
# calling.
IDENTIFICATION = "This is {{ caller_name }}, a volunteer calling on behalf of {{ on_behalf_of }}."

# Transitions from a step, as call_path.js reads them: see `transitions_from`.
Transitions = list[list[Any]]


@dataclass(frozen=True)
class ScriptWords:
    """A script version's words, as safe HTML with slots. In a campaign without a script, `script`
    is None, and the only words are those that say who is calling.

    `key` identifies exactly these words. A release that renders the words differently gives them a
    different key. `field_names` are the merge fields in the words. `steps` has, by step id, the
    HTML of each step twice: as a hidden step, and as the current step.
    """

    script: Script | None
    key: str
    field_names: tuple[str, ...]
    identification: Markup
    steps: Mapping[str, tuple[Markup, Markup]]
    cards: Markup

    @property
    def language(self) -> str:
        """The language of the script, or "en" without a script."""
        return self.script.language if self.script else "en"

    @property
    def direction(self) -> str:
        """The direction in which the language is written: "ltr" or "rtl"."""
        return self.script.direction if self.script else "ltr"

    def as_json(self) -> dict[str, Any]:
        """Return the words for a page that does not have this script yet. The result is the same
        for every contact. The page gets the transitions between the steps separately
        (`transitions`)."""
        return {
            "language": self.language,
            "direction": self.direction,
            "identification": self.identification,
            "steps": Markup("").join(hidden for hidden, _ in self.steps.values()),
            "cards": self.cards,
        }

    def steps_for(
        self, fields: Fields, current: str, answers: Answers, replies: Mapping[str, str]
    ) -> Markup:
        """Return the HTML of all steps for one contact. The HTML works without JavaScript too.

        Answered steps show their answers. `replies` maps step ids to what the practice persona
        says.
        """
        return fill(
            "".join(
                step_with_slots(
                    self.script.step(id),  # type: ignore[union-attr]
                    id == current,
                    answers.get(id),
                    replies.get(id, ""),
                )
                if answers.get(id) is not None or replies.get(id)
                else self.steps[id][id == current]
                for id in self.steps
            ),
            fields,
        )

    def transitions(self, fields: Fields, only_own: bool = False) -> dict[str, Any]:
        """Return the data that call_path.js needs to find the next step of a call.

        With `only_own`, "steps" has only the steps whose transitions depend on the contact. For the
        other steps, a page that has the script knows the transitions already.
        """
        if self.script is None:
            return {"first": None, "steps": {}}
        steps = [s for s in self.script.steps if not only_own or _depends_on_contact(s)]
        return {
            "first": first_step(self.script, fields),
            "main": self.script.main_question,
            "steps": {step.id: transitions_from(step, fields) for step in steps},
        }


# A stored version never changes, so its words can be cached.
@lru_cache(maxsize=256)
def words_of(version_id: int | None) -> ScriptWords:
    """Return the words of a stored script version, or the words for a call without a script."""
    script = script_of(version_id)
    texts = [words for _, _, words in texts_of(script)] if script else [IDENTIFICATION]
    cards = [
        (
            Markup(text_with_slots(card.title)),  # noqa: S704  (safe HTML)
            Markup(html_with_slots(card.words)),  # noqa: S704
            Markup(html_with_slots(card.guidance)),  # noqa: S704
            card.outcome,
        )
        for card in (script.cards if script else ())
    ]
    words = ScriptWords(
        script,
        "",
        tuple(sorted({field.name for text in texts for field in fields_in(text)})),
        Markup(html_with_slots(script.identification if script else IDENTIFICATION)),  # noqa: S704
        {
            step.id: (step_with_slots(step), step_with_slots(step, current=True))
            for step in (script.steps if script else ())
        },
        Markup(get_template_attribute("callers/_cards.html", "all")(cards)),  # noqa: S704
    )
    content = json.dumps([words.as_json(), words.transitions({})])
    key = hashlib.sha256(content.encode()).hexdigest()[:12]
    return dataclasses.replace(words, key=key)


def transitions_from(step: Step, fields: Fields) -> Transitions:
    """Return the transitions from a step: [[keys, step id], …]. The first transition that matches
    applies.

    `keys` lists the answers that match, or is None for any answer. The numbers of a scale are keys
    too, as text. Conditions on the contact's fields are decided here, so that the page does not
    need the fields. A step that ends the call has no transitions.
    """
    transitions = [
        [_keys(branch), branch.goto] for branch in step.branches if _field_holds(branch, fields)
    ]
    transitions += [[[choice.key], choice.goto] for choice in step.choices if choice.goto]
    return transitions + ([[None, step.next]] if step.next else [])


def _depends_on_contact(step: Step) -> bool:
    return any(branch.field is not None for branch in step.branches)


def _field_holds(branch: Branch, fields: Fields) -> bool:
    about_field = Branch(branch.goto, field=branch.field, equals=branch.equals, known=branch.known)
    return branch_matches(about_field, None, fields)


def _keys(branch: Branch) -> list[str] | None:
    if branch.choices:
        return list(branch.choices)
    if branch.low is not None and branch.high is not None:
        return [str(number) for number in SCALE if branch.low <= number <= branch.high]
    return None
