"""The practice call: its personas, and friendly feedback at the end. Pure functions.

The feedback depends on the steps that the call went through, the buttons that the caller tapped and
the persona's replies. The feedback never depends on what the caller said, because nobody listens to
a practice call.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from callers.practice.personas import stock_personas
from callers.practice.said_numbers import number_said, number_word
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

# The persona for a campaign without a script, or with a script in a language without personas.
DEFAULT_PERSONA = Character(
    kind="undecided",
    name="Alex Example",
    about="Someone we made up. Imagine what they say.",
    replies={},
    otherwise="",
)
# The outcomes that fit each kind of persona. The first is the best one.
FITTING: dict[str, tuple[str, ...]] = {
    "cheerful": ("talked", "partial", "call_back"),
    "undecided": ("talked", "partial", "call_back"),
    "hostile": ("do_not_call", "refused", "hung_up", "talked"),
    "wrong person": ("wrong_number",),
    "answerphone": ("answerphone", "left_message", "no_answer"),
}
# The kinds of personas who keep talking.
TALKERS = ("cheerful", "undecided")
# The kinds of personas who hear who is calling. The others hang up before that, or are a machine.
LISTENERS = (*TALKERS, "hostile")
# Words with one of these merge fields say who is calling.
WHO_CALLS = {"caller_name", "on_behalf_of"}
# For these kinds, someone else or a machine answers instead of the person on the list.
ABSENT = ("wrong person", "answerphone")
# The most characters of JSON that are read. The answers of every valid script are shorter.
ANSWERS_AT_MOST = 100_000


@dataclass(frozen=True)
class Feedback:
    """One piece of feedback: praise if `good`, otherwise something to try."""

    good: bool
    text: str


def personas_for(script: Script | None) -> list[Character]:
    """Return the personas for practising with this script. The list has at least one persona."""
    if script is None:
        return [DEFAULT_PERSONA]
    return list(script.practice) or stock_personas(script) or [DEFAULT_PERSONA]


def persona_of(script: Script | None, kind: str) -> Character:
    """Return the persona of this kind. If there is none, return the cheerful persona, or the first
    persona if none is cheerful."""
    known = {person.kind: person for person in reversed(personas_for(script))}
    return known.get(kind) or known.get("cheerful") or personas_for(script)[0]  # type: ignore[call-overload]


def listed_name(person: Character) -> str:
    """Return the name that the call page shows for a call with this persona.

    If someone else or a machine answers this call, the page shows the name of the person whom the
    caller wants to reach.
    """
    return person.name if person.kind not in ABSENT else DEFAULT_PERSONA.name


def replies_of(script: Script | None, person: Character) -> dict[str, str]:
    """Return the persona's reply at each step, by step id. Without a script, return an empty
    dictionary."""
    return {step.id: person.reply_at(step.id) for step in script.steps} if script else {}


def parse_answers(script: Script | None, text: str) -> dict[str, Answer]:
    """Return the valid answers among those that a practice page sent. `text` is a JSON object of
    answers by step id.

    Only the page stores the answers of a practice call, so every form sends all of them. Invalid
    answers are dropped. The result is empty if there is no script, or if `text` is not a JSON
    object.
    """
    try:
        given: Any = json.loads(text[:ANSWERS_AT_MOST]) if text else {}
    except (ValueError, RecursionError):
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
    """Whether a practice call went far enough to count.

    With a persona who keeps talking, the caller must have chosen an outcome, and the main question
    must have been answered. If no path through the script leads to the main question for a contact
    with these `fields`, the call must have reached an end of the script instead. Without a script,
    any outcome is enough. With a persona who does not keep talking, the outcome only has to fit the
    persona.
    """
    if person.kind not in TALKERS:
        return outcome in FITTING[person.kind]
    if script is None or outcome not in OUTCOMES:
        return outcome in OUTCOMES
    if is_conversation(script, answers):
        return True
    return not _asks_main_question(script, fields) and path(script, answers, fields)[-1].is_end


def describe_requirement(script: Script | None, fields: Fields) -> str:
    """Describe what the caller must do so that a practice call counts.

    If the script has personas who keep talking, the description is about a call with one of them.
    The description is shown to a caller who must practise once more before calling.
    """
    if script is None:
        return "Say how the call ended"
    if not any(person.kind in TALKERS for person in personas_for(script)):
        return "Choose the ending that fits what they said"
    far = "the last step"
    if _asks_main_question(script, fields):
        far = f"“{_main_question(script, fields)}”"
    return f"Get as far as {far} with someone who wants to talk, then say how the call ended"


def _asks_main_question(script: Script, fields: Fields) -> bool:
    """Whether some path through the script leads to the main question for a contact with these
    fields."""
    return script.main_question in reachable_step_ids(script, fields)


def _main_question(script: Script, fields: Fields) -> str:
    return render_text(script.step(script.main_question).title, fields)


def feedback_on(
    script: Script | None, person: Character, answers: Answers, outcome: str, fields: Fields
) -> list[Feedback]:
    """Return the feedback on a practice call: what went well first, then what to try."""
    found = [_about_outcome(person, outcome)]
    if script is not None and person.kind in LISTENERS:
        walked = WalkedPath.of(script, answers, fields)
        found += _about_numbers(script, person, answers, walked)
        found += _about_who_calls(walked)
        if person.kind in TALKERS:
            found += _about_talking(script, answers, walked, fields)
    return sorted(found, key=lambda feedback: not feedback.good)


def _about_outcome(person: Character, outcome: str) -> Feedback:
    fitting = FITTING[person.kind]
    label = OUTCOMES[outcome].label if outcome in OUTCOMES else "nothing"
    if outcome in fitting:
        return Feedback(True, f"“{label}” is right for this call.")
    best = OUTCOMES[fitting[0]]
    return Feedback(
        False, f"You chose “{label}”. For this call we'd choose “{best.label}”: {best.help}"
    )


@dataclass(frozen=True)
class WalkedPath:
    """The steps that a call went through, and the steps that were still ahead when the call
    ended."""

    walked: list[Step]
    ahead: list[Step]
    fields: Fields

    @classmethod
    def of(cls, script: Script, answers: Answers, fields: Fields) -> "WalkedPath":
        passed = path(script, answers, fields)
        ahead = {step.id: step for step in passed if step.id not in answers}
        unvisited = list(ahead.values())
        while unvisited:
            for step_id in unvisited.pop().target_ids():
                if step_id not in ahead:
                    ahead[step_id] = script.step(step_id)
                    unvisited.append(ahead[step_id])
        walked = [step for step in passed if step.id in answers]
        in_order = [step for step in script.steps if step.id in ahead]
        return cls(walked, in_order, fields)

    def feedback(self, wanted: Callable[[Step], bool], done: str, missed: str) -> list[Feedback]:
        """Return feedback on whether the call went through a wanted step. A step is wanted if
        `wanted` returns true for it.

        If the call went through a wanted step, return praise (`done`). If it did not, but a wanted
        step was still ahead, return advice: the title of the first such step, and `missed`. In all
        other cases, return an empty list.
        """
        if any(wanted(step) for step in self.walked):
            return [Feedback(True, done)]
        title = self.missed(wanted)
        return [Feedback(False, f"You stopped before {title}. {missed}")] if title else []

    def missed(self, wanted: Callable[[Step], bool]) -> str:
        """Return the title, in quotes, of the first wanted step that was still ahead when the call
        ended. A step is wanted if `wanted` returns true for it.

        Return "" if no wanted step was ahead, or if the call went through a wanted step.
        """
        if any(wanted(step) for step in self.walked):
            return ""
        return next((_quoted(step, self.fields) for step in self.ahead if wanted(step)), "")


def _quoted(step: Step, fields: Fields) -> str:
    return f"“{render_text(step.title, fields)}”"


def _about_numbers(
    script: Script, person: Character, answers: Answers, walked: WalkedPath
) -> list[Feedback]:
    """Return feedback on whether the caller tapped the numbers that the persona said."""
    found = []
    agreed = 0
    for step in walked.walked:
        said = number_said(person.reply_at(step.id), script.language)
        if step.answer != "scale" or said is None:
            continue
        tapped = answers[step.id]
        if tapped == said:
            agreed += 1
            continue
        what = number_word(tapped) if isinstance(tapped, int) else "nothing"
        found.append(
            Feedback(
                False,
                f"At {_quoted(step, walked.fields)} they said"
                f" {number_word(said)}; you tapped {what}. Tap the number that"
                " they say, even if you would guess another.",
            )
        )
    if agreed and not found:
        found.append(Feedback(True, "You tapped the number that they said."))
    return found


def _about_who_calls(walked: WalkedPath) -> list[Feedback]:
    return walked.feedback(
        _says_who_calls,
        "You said who you are and who you're calling for.",
        "Once you have the right person, say who you are and who you're calling for.",
    )


def _says_who_calls(step: Step) -> bool:
    return any(field.name in WHO_CALLS for field in fields_in(step.words))


def _has_kind(kind: str) -> Callable[[Step], bool]:
    return lambda step: step.kind == kind


def _listed(titles: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(titles[:-1]), titles[-1]]))


def _about_talking(
    script: Script, answers: Answers, walked: WalkedPath, fields: Fields
) -> list[Feedback]:
    found = []
    if is_conversation(script, answers):
        found.append(
            Feedback(True, "You asked the main question. That makes the call a conversation.")
        )
    elif _asks_main_question(script, fields):
        told = (
            f"Try to get as far as “{_main_question(script, fields)}”. From there, the call counts"
            " as a conversation."
        )
        later = [walked.missed(_has_kind(kind)) for kind in ("listen", "story", "ask")]
        titles = [title for title in later if title]
        if titles:
            told += f" After that question, the script has {_listed(titles)}."
        return [Feedback(False, told)]
    found += walked.feedback(
        _has_kind("listen"),
        "You asked why, and listened.",
        "Ask why, then wait. Most people are rarely asked.",
    )
    found += walked.feedback(
        _has_kind("story"),
        "You told them why you care.",
        "Say in a few words why you care. People remember a story longer than a reason.",
    )
    if ratings(script, answers)[0] is not None:
        found += walked.feedback(
            lambda step: step.id == script.second_rating,
            "You asked for the number from 0 to 10 again at the end.",
            "Ask for the number from 0 to 10 again at the end. It shows whether their view has "
            "changed.",
        )
    return found + walked.feedback(
        _has_kind("ask"),
        "You asked for something. People say yes more often than you think.",
        "Ask for something before you say goodbye, however small.",
    )
