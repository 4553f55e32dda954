"""Read a script from the fields of the editor's form. Pure functions.

Steps are numbered in the order of the page. `s0-title` is the title of the first step,
`s0-c2-label` is the label of its third answer, and `s0-b0-goto` is the target of its first branch.
`k0-words` is the words of the first card, and `f0-about` is the description of the first merge
field. `t0-goto` is the id of another step that a call may begin with. `p0-r1-words` is the second
reply of the first invented person for practice calls. The data that the form does not show, such as
the language, comes from the saved script (`base`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from phonebank.rules.tags import split_values
from phonebank.scripts.identifiers import assign_choice_keys
from scripts_library.script import (
    AnswerKind,
    Branch,
    Card,
    Character,
    CharacterKind,
    Choice,
    Script,
    Step,
    StepKind,
)
from scripts_library.yaml_source import HIDDEN_CHARACTERS

# The value of `next` that means "the step below". This value stays right when the organiser moves a
# step.
BELOW = "__below"
# A form with blocks for characters sends this field. If it is missing, the form did not show the
# characters, so the organiser cannot have deleted them.
HAS_PRACTICE = "has_practice"


def script_from_form(
    form: Mapping[str, str], base: Script, used: Mapping[str, Mapping[str, str]]
) -> Script:
    """Return the script in the form, even if it has errors.

    A step's `next` may be BELOW: see `cleanup.resolve_next_below`. If the form has no steps, the
    script keeps the steps of `base`, and which of their answers count as a yes, need action or give
    a tag. If the form does not show the invented people for practice calls, the script keeps the
    invented people of `base`. `used` maps each step id in the published versions to a dict from the
    step's answer keys to their labels: see `identifiers.assign_choice_keys`.
    """
    fields = _Fields(form)
    steps = tuple(_step(fields.nested(f"s{n}-"), used) for n in fields.numbers("s"))

    choices = list(_choices(fields, steps))

    def marked(mark: str) -> dict[str, tuple[str, ...]]:
        keys: dict[str, tuple[str, ...]] = {}
        for step_id, key, prefix in choices:
            if prefix + mark in form:
                keys[step_id] = (*keys.get(step_id, ()), key)
        return keys

    return replace(
        base,
        title=fields.line("title"),
        purpose=fields.line("purpose"),
        identification=fields.line("identification"),
        main_question=fields.line("main_question"),
        first_rating=fields.line("first_rating") or None,
        second_rating=fields.line("second_rating") or None,
        steps=steps or base.steps,
        yes=marked("yes") if steps else base.yes,
        needs_action=marked("action") if steps else base.needs_action,
        tags=_tags(fields, choices) if steps else base.tags,
        text_message=fields.text("text_message") if "text_message" in form else base.text_message,
        start=tuple(_branch(fields.nested(f"t{n}-")) for n in fields.numbers("t")),
        practice=(
            tuple(_character(fields.nested(f"p{n}-")) for n in fields.numbers("p"))
            if HAS_PRACTICE in form
            else base.practice
        ),
        cards=tuple(_card(fields.nested(f"k{n}-")) for n in fields.numbers("k")),
        fields={fields.line(f"f{n}-name"): fields.line(f"f{n}-about") for n in fields.numbers("f")},
    )


def _choices(fields: "_Fields", steps: Iterable[Step]) -> Iterator[tuple[str, str, str]]:
    """For each answer with a key, yield its step's id, its key, and the prefix of its fields."""
    for n, step in zip(fields.numbers("s"), steps, strict=True):
        numbers = fields.numbers(f"s{n}-c")
        for number, choice in zip(numbers, step.choices, strict=True):
            if choice.key:
                yield step.id, choice.key, f"s{n}-c{number}-"


def _tags(fields: "_Fields", choices: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, str]]:
    tags: dict[str, dict[str, str]] = {}
    for step_id, key, prefix in choices:
        typed = fields.line(f"{prefix}tag")
        # Several tags stay as they were typed, and the checks report them.
        if said := split_values(typed):
            tag = said[0] if len(said) == 1 else typed
            tags.setdefault(step_id, {})[key] = tag
    return tags


def clean_text(text: str) -> str:
    """Return the text with \\n at line breaks, spaces instead of tabs, and no hidden characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return HIDDEN_CHARACTERS.sub("", text)


class _Fields:
    """The form's fields whose names begin with a prefix."""

    def __init__(self, form: Mapping[str, str], prefix: str = "") -> None:
        self.form = form
        self.prefix = prefix

    def nested(self, prefix: str) -> "_Fields":
        return _Fields(self.form, self.prefix + prefix)

    def text(self, name: str) -> str:
        """Return the text of a field that may have several lines, without empty lines at the start
        and the end, and without spaces at the ends of lines."""
        lines = clean_text(self.form.get(self.prefix + name, "")).split("\n")
        return "\n".join(line.rstrip() for line in lines).strip("\n")

    def line(self, name: str) -> str:
        return " ".join(clean_text(self.form.get(self.prefix + name, "")).split())

    def numbers(self, letter: str) -> list[int]:
        """Return the numbers that come after `letter` in the names of the fields, sorted. For `s`,
        the fields `s0-…` and `s2-…` give 0 and 2."""
        pattern = re.compile(re.escape(self.prefix + letter) + r"(\d{1,4})-")
        return sorted({int(found[1]) for name in self.form if (found := pattern.match(name))})


def _step(fields: _Fields, used: Mapping[str, Mapping[str, str]]) -> Step:
    step_id = fields.line("id")
    choices = (_choice(fields.nested(f"c{n}-")) for n in fields.numbers("c"))
    return Step(
        id=step_id,
        kind=cast(StepKind, fields.line("kind")),
        title=fields.line("title"),
        words=fields.text("words"),
        guidance=fields.text("guidance"),
        answer=cast(AnswerKind | None, fields.line("answer") or None),
        low_label=fields.line("low"),
        high_label=fields.line("high"),
        choices=assign_choice_keys(choices, used.get(step_id, {})),
        branches=tuple(_branch(fields.nested(f"b{n}-")) for n in fields.numbers("b")),
        next=fields.line("next") or None,
        outcome=fields.line("outcome") or None,
    )


def _choice(fields: _Fields) -> Choice:
    return Choice(fields.line("key"), fields.line("label"), fields.line("goto") or None)


def _branch(fields: _Fields) -> Branch:
    compare = fields.line("compare")
    known: Any = {"known": True, "unknown": False}.get(compare)
    low, high = fields.line("low"), fields.line("high")
    return Branch(
        goto=fields.line("goto"),
        choices=tuple(fields.line("answer").split()),
        low=_number(low or high),
        high=_number(high or low),
        field=fields.line("field") or None,
        equals=(fields.line("is") or None) if known is None else None,
        known=known,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 4 else None


def _character(fields: _Fields) -> Character:
    replies: dict[str, str] = {}
    for number in fields.numbers("r"):
        step_id, words = fields.line(f"r{number}-step"), fields.line(f"r{number}-words")
        replies[step_id] = f"{replies.get(step_id, '')} {words}".strip()
    return Character(
        kind=cast(CharacterKind, fields.line("kind")),
        name=fields.line("name"),
        about=fields.line("about"),
        replies=replies,
        otherwise=fields.line("otherwise"),
    )


def _card(fields: _Fields) -> Card:
    return Card(
        fields.line("id"),
        fields.line("title"),
        fields.text("words"),
        fields.text("guidance"),
        fields.line("outcome") or None,
    )
