"""The differences between two versions of a script, for people to read. Pure functions."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from phonebank.rules.outcomes import label_of as label_of_outcome
from phonebank.scripts.labels import ANSWER_KINDS, CHARACTERS, STEP_KINDS
from phonebank.scripts.transitions import describe_condition, label_of, transitions_of
from scripts_library.merge_fields import render_text
from scripts_library.script import Script, Step

Mark = Literal["same", "gone", "new"]
Titles = Mapping[str, str]  # step id → title


@dataclass(frozen=True)
class Line:
    """A line of text. `mark` says whether the line is in both versions, only in the old one or only
    in the new one."""

    mark: Mark
    text: str


@dataclass(frozen=True)
class Section:
    """A part of the script that was added, removed or changed: a step, a card, an invented person
    for practice calls, or the settings."""

    title: str
    state: Literal["new", "gone", "changed"]
    lines: list[Line]


def differences(old: Script, new: Script) -> list[Section]:
    """Return every part that was changed or added, in the new script's order, then the parts that
    were removed.

    If the script begins with a different step, the settings are returned as changed. Apart from
    that, the order of the steps does not matter. If a transition leads to a different step, the
    step that has the transition is returned as changed. Two steps count as different here if their
    titles are different.
    """
    # Both versions use the step's new title, so a transition to a retitled step is no difference.
    titles = {step.id: step.title for script in (old, new) for step in script.steps}
    before, after = dict(_parts(old, titles)), dict(_parts(new, titles))
    sections = []
    for name, (title, lines) in after.items():
        if name not in before:
            sections.append(Section(title, "new", [Line("new", line) for line in lines]))
        elif before[name][1] != lines:
            sections.append(Section(title, "changed", list(_diff_lines(before[name][1], lines))))
    for name, (title, lines) in before.items():
        if name not in after:
            sections.append(Section(title, "gone", [Line("gone", line) for line in lines]))
    return sections


def _parts(script: Script, titles: Titles) -> Iterator[tuple[str, tuple[str, list[str]]]]:
    """Yield (name, (title, lines)) for each part. A part that is in two versions has the same name
    in both."""
    yield "settings", ("The script as a whole", list(_settings(script, titles)))
    for step in script.steps:
        yield f"step {step.id}", (step.title, list(_step(step, titles)))
    for card in script.cards:
        lines = [card.title, *card.words.splitlines(), *_prefix_lines("Tip: ", card.guidance)]
        lines += _outcome(card.outcome)
        yield f"card {card.id}", (f"If they say: {card.title}", [line for line in lines if line])
    for one in script.practice:
        lines = [f"{one.name}. {one.about}", f"Otherwise: {one.otherwise}"]
        lines += [f"At {_title(titles, step_id)}: {said}" for step_id, said in one.replies.items()]
        yield f"practice {one.kind}", (f"Practice: {CHARACTERS.get(one.kind, one.kind)}", lines)


def _settings(script: Script, titles: Titles) -> Iterator[str]:
    yield f"Title: {script.title}"
    yield f"Purpose: {script.purpose}"
    yield f"Who is calling: {script.identification}"
    yield f"A conversation is: {_title(titles, script.main_question)} answered"
    if script.first_rating:
        yield f"First rating: {_title(titles, script.first_rating)}"
    if script.second_rating:
        yield f"Second rating: {_title(titles, script.second_rating)}"
    for step_id, keys in script.yes.items():
        step = script.step(step_id) if script.has_step(step_id) else None
        labels = " or ".join(f"“{label_of(step, key)}”" for key in keys)
        yield f"Counts as a yes: {labels} at {_title(titles, step_id)}"
    for step_id, keys in script.needs_action.items():
        step = script.step(step_id) if script.has_step(step_id) else None
        labels = " or ".join(f"“{label_of(step, key)}”" for key in keys)
        yield f"Needs action: {labels} at {_title(titles, step_id)}"
    for step_id, tags in script.tags.items():
        step = script.step(step_id) if script.has_step(step_id) else None
        for key, tag in tags.items():
            answer = f"“{label_of(step, key)}” at {_title(titles, step_id)}"
            yield f"Gives the tag “{tag}”: {answer}"
    yield from _prefix_lines("Text after the call: ", script.text_message)
    for branch in script.start:
        yield f"If {describe_condition(branch)} it begins with: {_title(titles, branch.goto)}"
    yield f"It begins with: {_title(titles, script.steps[0].id)}"
    for name, about in script.fields.items():
        yield f"Field {name}: {about}"


def _step(step: Step, titles: Titles) -> Iterator[str]:
    kind = STEP_KINDS.get(step.kind, step.kind)
    answer = ANSWER_KINDS.get(step.answer, step.answer).lower() if step.answer else ""
    yield f"{step.title} ({kind}{': ' if answer else ''}{answer})"
    yield from (line for line in step.words.splitlines() if line)
    yield from _prefix_lines("Tip: ", step.guidance)
    if step.low_label or step.high_label:
        yield f"0: {step.low_label}, 10: {step.high_label}"
    for choice in step.choices:
        yield f"Answer: {choice.label}"
    yield from _outcome(step.outcome)
    for transition in transitions_of(step):
        yield f"{transition.when or 'then'} → {_title(titles, transition.goto)}"


def _outcome(outcome: str | None) -> list[str]:
    return [f"Saves the call as: {label_of_outcome(outcome)}"] if outcome else []


def _title(titles: Titles, step_id: str) -> str:
    return render_text(titles.get(step_id, step_id), {})


def _prefix_lines(prefix: str, words: str) -> Iterator[str]:
    yield from (prefix + line for line in words.splitlines() if line)


def _diff_lines(before: list[str], after: list[str]) -> Iterator[Line]:
    marks: dict[str, Mark] = {"  ": "same", "- ": "gone", "+ ": "new"}
    for line in difflib.ndiff(before, after):
        # ndiff's other lines, "? ", mark letters with signs that a screen reader cannot read.
        if line[:2] in marks:
            yield Line(marks[line[:2]], line[2:])
