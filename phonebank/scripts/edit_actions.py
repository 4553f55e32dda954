"""What the editor's buttons do to a script, and how a script is made ready to be kept. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar, get_args

from phonebank.scripts.form_fields import BELOW
from phonebank.scripts.identifiers import is_provisional, provisional_id
from scripts_library.graph import covered_answers, reachable_from
from scripts_library.script import (
    SCALE,
    Branch,
    Card,
    Character,
    CharacterKind,
    Choice,
    Script,
    Step,
)
from scripts_library.script_builder import (
    KINDS_THAT_MAY_ANSWER,
    MAX_BRANCHES,
    MAX_CARDS,
    MAX_CHOICES,
    MAX_STEPS,
)

Row = TypeVar("Row")


def apply_action(script: Script, button: str) -> Script:
    """The script after a button of the editor, such as "up-step:opening" or "add-choice:vote".

    A button that is unknown, or asks for what is not there or does not fit, changes nothing.
    """
    verb, _, place = button.partition(":")
    change = ACTIONS.get(verb)
    return change(script, place) if change else script


def resolve_next_below(script: Script) -> Script:
    """The script with every way to "the step below" given its name."""
    ids = [step.id for step in script.steps]
    below: dict[str, str | None] = dict(zip(ids, [*ids[1:], None], strict=True))
    return _with_steps(
        script,
        (
            replace(step, next=below[step.id]) if step.next == BELOW else step
            for step in script.steps
        ),
    )


def drop_empty(script: Script) -> Script:
    """The script without what is empty, or does not go with the kind of its step."""
    ids = {step.id for step in script.steps}
    steps = tuple(_drop_empty_in_step(step) for step in script.steps)
    offered = {step.id: {choice.key for choice in step.choices} for step in steps}
    yes = {
        step_id: tuple(key for key in keys if key in offered.get(step_id, ()))
        for step_id, keys in script.yes.items()
    }
    return replace(
        script,
        steps=steps,
        yes={step_id: keys for step_id, keys in yes.items() if keys},
        cards=tuple(card for card in script.cards if card.title or card.words),
        fields={n: about for n, about in script.fields.items() if about or not is_provisional(n)},
        practice=tuple(
            replace(one, replies={k: v for k, v in one.replies.items() if v and k in ids})
            for one in script.practice
        ),
    )


def _drop_empty_in_step(step: Step) -> Step:
    if step.kind not in KINDS_THAT_MAY_ANSWER:
        step = replace(step, answer=None)
    has_choices, is_scale = step.answer in ("choice", "several"), step.answer == "scale"
    choices = tuple(c for c in step.choices if c.label or c.goto) if has_choices else ()
    branches = (branch for branch in step.branches if branch.low is None or is_scale)
    return replace(
        step,
        choices=choices,
        low_label=step.low_label if is_scale else "",
        high_label=step.high_label if is_scale else "",
        branches=() if step.is_end else _prune_branches(choices, branches),
        next=None if step.is_end else step.next,
    )


def _prune_branches(choices: Iterable[Choice], branches: Iterable[Branch]) -> tuple[Branch, ...]:
    """The branches without answers that are gone; one that asked only for such answers goes too."""
    keys = {choice.key for choice in choices}
    kept = ((b, tuple(key for key in b.choices if key in keys)) for b in branches)
    return tuple(replace(b, choices=left) for b, left in kept if left or not b.choices)


def _add_step(script: Script, place: str) -> Script:
    at = _position(script.steps, place)
    if at is None or len(script.steps) >= MAX_STEPS:
        return script
    before = script.steps[at]
    new = Step(provisional_id(step.id for step in script.steps), "say", "", next=BELOW)
    if not before.is_end and before.next not in (None, BELOW):
        # What came after the step above now comes after the new one.
        new, before = replace(new, next=before.next), replace(before, next=BELOW)
    return _with_steps(script, [*script.steps[:at], before, new, *script.steps[at + 1 :]])


def _delete_step(script: Script, place: str) -> Script:
    at = _position(script.steps, place)
    if at is None or len(script.steps) == 1:
        return script
    after = script.steps[at + 1].id if at + 1 < len(script.steps) else None
    gone = script.steps[at]
    leads_to = after if gone.next == BELOW else gone.next
    rest = [step for step in script.steps if step.id != place]
    script = _with_steps(script, (_redirect_targets(step, place, leads_to) for step in rest))
    return replace(
        script,
        start=tuple(branch for branch in script.start if branch.goto != place),
        main_question="" if script.main_question == place else script.main_question,
        first_rating=None if script.first_rating == place else script.first_rating,
        second_rating=None if script.second_rating == place else script.second_rating,
        yes={step_id: keys for step_id, keys in script.yes.items() if step_id != place},
        practice=tuple(
            replace(one, replies={k: v for k, v in one.replies.items() if k != place})
            for one in script.practice
        ),
    )


def _redirect_targets(step: Step, gone: str, instead: str | None) -> Step:
    """The step with its ways to `gone` leading to where that one led."""
    return replace(
        step,
        next=instead if step.next == gone else step.next,
        choices=tuple(
            replace(choice, goto=instead) if choice.goto == gone else choice
            for choice in step.choices
        ),
        branches=tuple(
            replace(branch, goto=instead or "") if branch.goto == gone else branch
            for branch in step.branches
            if branch.goto != gone or instead
        ),
    )


def _move_step(script: Script, place: str, by: int) -> Script:
    return _with_steps(script, _moved(script.steps, _position(script.steps, place), by))


def _add_choice(script: Script, place: str) -> Script:
    def add(step: Step) -> Step:
        if len(step.choices) >= MAX_CHOICES:
            return step
        return replace(step, choices=(*step.choices, Choice("", "")))

    return _with_step(script, place, add)


def _delete_choice(script: Script, place: str) -> Script:
    step_id, at = _row(place)

    def delete(step: Step) -> Step:
        choices = _without(step.choices, at)
        return replace(step, choices=choices, branches=_prune_branches(choices, step.branches))

    return _with_step(script, step_id, delete)


def _move_choice(script: Script, place: str, by: int) -> Script:
    step_id, at = _row(place)
    return _with_step(
        script, step_id, lambda step: replace(step, choices=tuple(_moved(step.choices, at, by)))
    )


def _add_range(script: Script, place: str) -> Script:
    """A part of a scale that leads somewhere of its own: of up to four numbers, free ones first."""
    at = _position(script.steps, place)
    if at is None:
        return script
    step = script.steps[at]
    taken = {n for b in step.branches if b.field is None for n in covered_answers(b, step)}
    low = next((number for number in SCALE if number not in taken), 0)
    high = low
    while high < min(low + 3, SCALE[-1]) and high + 1 not in taken:
        high += 1
    return _add_branch(script, place, Branch("", low=low, high=high))


def _delete_branch(script: Script, place: str) -> Script:
    step_id, at = _row(place)
    return _with_step(
        script, step_id, lambda step: replace(step, branches=_without(step.branches, at))
    )


def _add_field_branch(script: Script, place: str) -> Script:
    """A way for contacts of whom something is known."""
    return _add_branch(script, place, Branch("", field="town"))


def _add_branch(script: Script, place: str, new: Branch) -> Script:
    """The script with one more way from a step; in one of a single step there is none to lead to.

    It leads to the last end that the step comes to already, or that there is, as that can make no
    loop; where there is none, to the last step that does not lead back, and else to any other,
    which the diagnostics then speak of.
    """
    others = [step for step in script.steps if step.id != place]
    if not others:
        return script
    whole = resolve_next_below(script)
    onwards = [step for step in others if place not in reachable_from(whole, [step.id])]
    ends = [step for step in onwards if step.is_end]
    reached = reachable_from(whole, [place])
    own_ends = [step for step in ends if step.id in reached]
    new = replace(new, goto=(own_ends or ends or onwards or others)[-1].id)
    return _with_step(
        script, place, lambda step: replace(step, branches=_append_branch(step.branches, new))
    )


def _move_branch(script: Script, place: str, by: int) -> Script:
    step_id, at = _row(place)
    return _with_step(
        script, step_id, lambda step: replace(step, branches=tuple(_moved(step.branches, at, by)))
    )


def _add_start(script: Script, place: str) -> Script:
    """Another step to begin with, for contacts of whom something is known.

    The next that does not end the call, as a call that begins with goodbye is none.
    """
    begins = next((step for step in script.steps[1:] if not step.is_end), script.steps[0])
    new = Branch(begins.id, field="town")
    return replace(script, start=_append_branch(script.start, new))


def _delete_start(script: Script, place: str) -> Script:
    return replace(script, start=_without(script.start, _number(place)))


def _add_character(script: Script, place: str) -> Script:
    """An invented person of a kind that is not there yet, with first words to write."""
    taken = {one.kind for one in script.practice}
    kind = next((kind for kind in get_args(CharacterKind) if kind not in taken), None)
    if kind is None:
        return script
    new = Character(kind, "", "", {script.steps[0].id: ""}, "")
    return replace(script, practice=(*script.practice, new))


def _delete_character(script: Script, place: str) -> Script:
    return replace(script, practice=_without(script.practice, _number(place)))


def _add_reply(script: Script, place: str) -> Script:
    """What a character says at the first step that they have no words for."""

    def add(one: Character) -> Character:
        free = next((step.id for step in script.steps if step.id not in one.replies), None)
        return replace(one, replies={**one.replies, free: ""}) if free else one

    return _with_character(script, place, add)


def _delete_reply(script: Script, place: str) -> Script:
    number, at = _row(place)
    return _with_character(
        script,
        number,
        lambda one: replace(one, replies=dict(_without(list(one.replies.items()), at))),
    )


def _add_card(script: Script, place: str) -> Script:
    if len(script.cards) >= MAX_CARDS:
        return script
    new = Card(provisional_id(card.id for card in script.cards), "", "")
    return replace(script, cards=(*script.cards, new))


def _delete_card(script: Script, place: str) -> Script:
    return replace(script, cards=tuple(card for card in script.cards if card.id != place))


def _move_card(script: Script, place: str, by: int) -> Script:
    return replace(script, cards=tuple(_moved(script.cards, _position(script.cards, place), by)))


def _add_field(script: Script, place: str) -> Script:
    return replace(script, fields={**script.fields, provisional_id(script.fields): ""})


def _delete_field(script: Script, place: str) -> Script:
    return replace(script, fields={n: about for n, about in script.fields.items() if n != place})


ACTIONS: dict[str, Callable[[Script, str], Script]] = {
    "add-step": _add_step,
    "delete-step": _delete_step,
    "up-step": lambda script, place: _move_step(script, place, -1),
    "down-step": lambda script, place: _move_step(script, place, 1),
    "add-choice": _add_choice,
    "delete-choice": _delete_choice,
    "up-choice": lambda script, place: _move_choice(script, place, -1),
    "down-choice": lambda script, place: _move_choice(script, place, 1),
    "add-range": _add_range,
    "add-field-branch": _add_field_branch,
    "delete-branch": _delete_branch,
    "up-branch": lambda script, place: _move_branch(script, place, -1),
    "down-branch": lambda script, place: _move_branch(script, place, 1),
    "add-start": _add_start,
    "delete-start": _delete_start,
    "add-character": _add_character,
    "delete-character": _delete_character,
    "add-reply": _add_reply,
    "delete-reply": _delete_reply,
    "add-card": _add_card,
    "delete-card": _delete_card,
    "up-card": lambda script, place: _move_card(script, place, -1),
    "down-card": lambda script, place: _move_card(script, place, 1),
    "add-field": _add_field,
    "delete-field": _delete_field,
}


def _with_steps(script: Script, steps: Iterable[Step]) -> Script:
    return replace(script, steps=tuple(steps))


def _with_step(script: Script, step_id: str, change: Callable[[Step], Step]) -> Script:
    return _with_steps(
        script, (change(step) if step.id == step_id else step for step in script.steps)
    )


def _with_character(script: Script, place: str, change: Callable[[Character], Character]) -> Script:
    at = _number(place)
    return replace(
        script,
        practice=tuple(
            change(one) if number == at else one for number, one in enumerate(script.practice)
        ),
    )


def _append_branch(branches: tuple[Branch, ...], new: Branch) -> tuple[Branch, ...]:
    return branches if len(branches) >= MAX_BRANCHES else (*branches, new)


def _position(rows: Iterable[Step | Card], name: str) -> int | None:
    return next((at for at, row in enumerate(rows) if row.id == name), None)


def _row(place: str) -> tuple[str, int]:
    """The step and the row of "vote:2"."""
    step_id, _, number = place.partition(":")
    return step_id, _number(number)


def _number(text: str) -> int:
    """A row's number; that of no row for what is none."""
    return int(text) if text.isdecimal() and len(text) < 4 else 10**6


def _without(rows: Sequence[Row], at: int) -> tuple[Row, ...]:
    return tuple(row for number, row in enumerate(rows) if number != at)


def _moved(rows: Sequence[Row], at: int | None, by: int) -> list[Row]:
    moved = list(rows)
    if at is not None and at < len(moved) and 0 <= at + by < len(moved):
        moved.insert(at + by, moved.pop(at))
    return moved
