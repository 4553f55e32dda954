"""The practice call: invented people out of the script, and gentle words at the end. Pure.

Feedback comes from rules about which steps were walked and what was tapped, never from what was
said: nobody listens.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from callers.practice.personas import stock_people
from phonebank.rules.outcomes import OUTCOMES
from scripts_library.engine import (
    InvalidAnswerError,
    check_answer,
    is_conversation,
    path,
    ratings,
    reachable_step_ids,
)
from scripts_library.merge_fields import fields_in, render_text
from scripts_library.script import Answer, Answers, Character, Fields, Script, Step

# Whom one practises with where there is no script, or one in a language without stock people.
NOBODY_IN_PARTICULAR = Character(
    kind="undecided",
    name="Alex Example",
    about="Someone we made up. Imagine what they say.",
    replies={},
    otherwise="",
)
# What each kind of person is usually recorded as; the first is the one we would have chosen.
FITTING: dict[str, tuple[str, ...]] = {
    "cheerful": ("talked", "partial", "call_back"),
    "undecided": ("talked", "partial", "call_back"),
    "hostile": ("do_not_call", "refused", "hung_up", "talked"),
    "wrong person": ("wrong_number",),
    "answerphone": ("answerphone", "left_message", "no_answer"),
}
# Kinds of people who would have gone on talking.
TALKERS = ("cheerful", "undecided")
# Kinds who hear who is calling; the others have hung up, or are a machine, before it is said.
LISTENERS = (*TALKERS, "hostile")
# Merge fields that only words saying who is calling have a use for.
WHO_CALLS = {"caller_name", "on_behalf_of"}
# Kinds where whom the list names is not on the line.
ABSENT = ("wrong person", "answerphone")
# Characters of JSON: more than the answers of any script that passes its check.
ANSWERS_AT_MOST = 100_000


@dataclass(frozen=True)
class Remark:
    """One thing to take away; `good` is praise, else it is something to try."""

    good: bool
    text: str


def people(script: Script | None) -> list[Character]:
    """Everybody one can practise with: never empty."""
    if script is None:
        return [NOBODY_IN_PARTICULAR]
    return list(script.practice) or stock_people(script) or [NOBODY_IN_PARTICULAR]


def person_of(script: Script | None, kind: str) -> Character:
    """The invented person of that kind; somebody who talks where none is asked for."""
    known = {person.kind: person for person in reversed(people(script))}
    return known.get(kind) or known.get("cheerful") or people(script)[0]  # type: ignore[call-overload]


def name_on_the_list(person: Character) -> str:
    """The name that the caller sees: the person's own, or that of whoever is not there."""
    return person.name if person.kind not in ABSENT else NOBODY_IN_PARTICULAR.name


def replies_of(script: Script | None, person: Character) -> dict[str, str]:
    """What the person says at each step."""
    return {step.id: person.reply_at(step.id) for step in script.steps} if script else {}


def answers_in(script: Script | None, text: str) -> dict[str, Answer]:
    """The answers that a practice page sent along, those that the script can take.

    A practice call is kept nowhere but on its page; whatever else was sent is dropped.
    """
    try:
        given: Any = json.loads(text[:ANSWERS_AT_MOST]) if text else {}
    except ValueError:
        return {}
    if script is None or not isinstance(given, dict):
        return {}
    kept: dict[str, Answer] = {}
    for step_id, raw in given.items():
        if script.has_step(step_id):
            try:
                kept[step_id] = check_answer(script.step(step_id), raw)
            except InvalidAnswerError:
                continue
    return kept


def is_complete(
    script: Script | None, person: Character, answers: Answers, outcome: str, fields: Fields
) -> bool:
    """Whether a practice call went far enough to have been practice.

    Who would have talked must have been asked the main question, where there is a script to ask it;
    where it is kept for people of whom something else is known, the call must have come to an end
    of the script. With anybody else, it must have been put down as what it was.
    """
    if person.kind not in TALKERS:
        return outcome in FITTING[person.kind]
    if script is None or outcome not in OUTCOMES:
        return outcome in OUTCOMES
    if is_conversation(script, answers):
        return True
    return not _asks_main_question(script, fields) and path(script, answers, fields)[-1].is_end


def what_is_wanted(script: Script | None, fields: Fields) -> str:
    """What makes a practice call complete, for somebody whose last one was not."""
    if script is None:
        return "Say how the call ended"
    if not any(person.kind in TALKERS for person in people(script)):
        return "Choose the ending that fits what they said"
    far = "the last step"
    if _asks_main_question(script, fields):
        far = f"“{_main_question(script, fields)}”"
    return f"Get as far as {far} with someone who wants to talk, then say how the call ended"


def _asks_main_question(script: Script, fields: Fields) -> bool:
    """Whether any answers lead to the main question: it may stand behind a branch on a field."""
    return script.main_question in reachable_step_ids(script, fields)


def _main_question(script: Script, fields: Fields) -> str:
    return render_text(script.step(script.main_question).title, fields)


def remarks(
    script: Script | None, person: Character, answers: Answers, outcome: str, fields: Fields
) -> list[Remark]:
    """What to say about a practice call: what went well first, then what to try."""
    found = [_about_outcome(person, outcome)]
    if script is not None and person.kind in LISTENERS:
        way = Way.of(script, answers, fields)
        found += _about_who_calls(way)
        if person.kind in TALKERS:
            found += _about_talking(script, answers, way, fields)
    return sorted(found, key=lambda remark: not remark.good)


def _about_outcome(person: Character, outcome: str) -> Remark:
    fitting = FITTING[person.kind]
    label = OUTCOMES[outcome].label if outcome in OUTCOMES else "nothing"
    if outcome in fitting:
        return Remark(True, f"“{label}” is right for this call.")
    best = OUTCOMES[fitting[0]]
    return Remark(
        False, f"You chose “{label}”. For this call we'd choose “{best.label}”: {best.help}"
    )


@dataclass(frozen=True)
class Way:
    """The steps gone past, and those that still lay ahead where the call was ended."""

    walked: list[Step]
    ahead: list[Step]

    @classmethod
    def of(cls, script: Script, answers: Answers, fields: Fields) -> "Way":
        on_it = path(script, answers, fields)
        ahead = {step.id: step for step in on_it if step.id not in answers}
        to_look_at = list(ahead.values())
        while to_look_at:
            for step_id in to_look_at.pop().leads_to():
                if step_id not in ahead:
                    ahead[step_id] = script.step(step_id)
                    to_look_at.append(ahead[step_id])
        return cls([step for step in on_it if step.id in answers], list(ahead.values()))

    def remark(self, wanted: Callable[[Step], bool], done: str, missed: str) -> list[Remark]:
        """Praise where a wanted step was gone past; advice where it lay ahead and was not reached;
        nothing where the way taken does not come to one."""
        if any(wanted(step) for step in self.walked):
            return [Remark(True, done)]
        return [Remark(False, missed)] if any(wanted(step) for step in self.ahead) else []


def _about_who_calls(way: Way) -> list[Remark]:
    return way.remark(
        _says_who_calls,
        "You said who you are and who you're calling for.",
        "Once you have the right person, say who you are and who you're calling for.",
    )


def _says_who_calls(step: Step) -> bool:
    return any(field.name in WHO_CALLS for field in fields_in(step.words))


def _about_talking(script: Script, answers: Answers, way: Way, fields: Fields) -> list[Remark]:
    found = []
    if is_conversation(script, answers):
        found.append(Remark(True, "You asked the main question. That makes it a conversation."))
    elif _asks_main_question(script, fields):
        title = _main_question(script, fields)
        return [
            Remark(
                False,
                f"Try to get as far as “{title}”. From there it counts as a conversation.",
            )
        ]
    found += way.remark(
        lambda step: step.kind == "listen",
        "You asked why, and listened.",
        "Ask why, then wait. Most people are rarely asked.",
    )
    if ratings(script, answers)[0] is not None:
        found += way.remark(
            lambda step: step.id == script.second_rating,
            "You asked for the number again at the end.",
            "Ask for the number again at the end. It shows whether they moved.",
        )
    return found + way.remark(
        lambda step: step.kind == "ask",
        "You asked for something. People say yes more often than you think.",
        "Ask for something before you say goodbye, however small.",
    )
