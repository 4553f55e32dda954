"""The actions of the editor's buttons: add, delete and move the parts of a script. Pure
functions."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar, get_args

from phonebank.scripts.cleanup import prune_branches, resolve_next_below
from phonebank.scripts.form_fields import BELOW
from phonebank.scripts.identifiers import provisional_id
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
    MAX_BRANCHES,
    MAX_CARDS,
    MAX_CHOICES,
    MAX_STEPS,
)

Row = TypeVar("Row")


def apply_action(script: Script, action: str) -> Script:
    """Return the script after an action such as "up-step:opening" or "add-choice:vote".

    An action that is unknown or impossible, such as moving the first step up, changes nothing.
    """
    verb, _, place = action.partition(":")
    change = ACTIONS.get(verb)
    return change(script, place) if change else script


def _add_step(script: Script, place: str) -> Script:
    at = _position(script.steps, place)
    if at is None or len(script.steps) >= MAX_STEPS:
        return script
    before = script.steps[at]
    new = Step(provisional_id(step.id for step in script.steps), "say", "", next=BELOW)
    if not before.is_end and before.next not in (None, BELOW):
        # The step above leads to the new step, which takes over the old target.
        new, before = replace(new, next=before.next), replace(before, next=BELOW)
    return _with_steps(script, [*script.steps[:at], before, new, *script.steps[at + 1 :]])


def _delete_step(script: Script, place: str) -> Script:
    at = _position(script.steps, place)
    if at is None or len(script.steps) == 1:
        return script
    after = script.steps[at + 1].id if at + 1 < len(script.steps) else None
    deleted = script.steps[at]
    leads_to = after if deleted.next == BELOW else deleted.next
    rest = [step for step in script.steps if step.id != place]
    script = _with_steps(script, (_redirect_targets(step, place, leads_to) for step in rest))
    return replace(
        script,
        start=tuple(branch for branch in script.start if branch.goto != place),
        main_question="" if script.main_question == place else script.main_question,
        first_rating=None if script.first_rating == place else script.first_rating,
        second_rating=None if script.second_rating == place else script.second_rating,
        yes={step_id: keys for step_id, keys in script.yes.items() if step_id != place},
        needs_action={k: keys for k, keys in script.needs_action.items() if k != place},
        tags={k: tags for k, tags in script.tags.items() if k != place},
        practice=tuple(
            replace(one, replies={k: v for k, v in one.replies.items() if k != place})
            for one in script.practice
        ),
    )


def _redirect_targets(step: Step, old: str, new: str | None) -> Step:
    """Return the step with `new` as the target of every transition that led to `old`.

    If `new` is None, branches to `old` are removed, and answers and `next` settings that led to
    `old` lose their target.
    """
    return replace(
        step,
        next=new if step.next == old else step.next,
        choices=tuple(
            replace(choice, goto=new) if choice.goto == old else choice for choice in step.choices
        ),
        branches=tuple(
            replace(branch, goto=new or "") if branch.goto == old else branch
            for branch in step.branches
            if branch.goto != old or new
        ),
    )


def _move_step(script: Script, place: str, by: int) -> Script:
    return _with_steps(script, _move_row(script.steps, _position(script.steps, place), by))


def _add_choice(script: Script, place: str) -> Script:
    def add(step: Step) -> Step:
        if len(step.choices) >= MAX_CHOICES:
            return step
        return replace(step, choices=(*step.choices, Choice("", "")))

    return _with_step(script, place, add)


def _delete_choice(script: Script, place: str) -> Script:
    step_id, at = _parse_row(place)

    def delete(step: Step) -> Step:
        choices = _delete_row(step.choices, at)
        return replace(step, choices=choices, branches=prune_branches(choices, step.branches))

    return _with_step(script, step_id, delete)


def _move_choice(script: Script, place: str, by: int) -> Script:
    step_id, at = _parse_row(place)
    return _with_step(
        script, step_id, lambda step: replace(step, choices=tuple(_move_row(step.choices, at, by)))
    )


def _add_range(script: Script, place: str) -> Script:
    """Add a branch for the lowest numbers of the scale that no branch covers yet. The new branch
    covers up to four consecutive numbers. A branch with a condition on a merge field does not count
    as covering a number. If branches already cover every number, the new branch is for 0."""
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
    step_id, at = _parse_row(place)
    return _with_step(
        script, step_id, lambda step: replace(step, branches=_delete_row(step.branches, at))
    )


def _add_field_branch(script: Script, place: str) -> Script:
    """Add a branch with a condition on a merge field, for the organiser to complete."""
    return _add_branch(script, place, Branch("", field="town"))


def _add_branch(script: Script, place: str, new: Branch) -> Script:
    """Add a branch to a step, unless the step is the script's only one or already has MAX_BRANCHES
    branches.

    In this docstring, "last" means the last in the script's order. If call-ending steps can come
    after this step, the branch leads to the last of them. If none can, the branch leads to the
    script's last call-ending step. A branch to such a step cannot make a loop. If no other step
    ends the call, the branch leads to the last step from which no path leads back to this step. If
    every other step leads back, the branch leads to the last of them, and a diagnostic reports the
    loop.
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
    step_id, at = _parse_row(place)
    return _with_step(
        script,
        step_id,
        lambda step: replace(step, branches=tuple(_move_row(step.branches, at, by))),
    )


def _add_start(script: Script, place: str) -> Script:
    """Add a branch, with a condition on a merge field, that lets the calls to some contacts begin
    at another step.

    The new branch leads to the earliest step, from the script's second step on, that does not end
    the call. A call cannot begin with the goodbye. If there is no such step, the new branch leads
    to the script's first step. If the script already has MAX_BRANCHES branches of this kind,
    nothing changes.
    """
    begins = next((step for step in script.steps[1:] if not step.is_end), script.steps[0])
    new = Branch(begins.id, field="town")
    return replace(script, start=_append_branch(script.start, new))


def _delete_start(script: Script, place: str) -> Script:
    return replace(script, start=_delete_row(script.start, _parse_index(place)))


def _add_character(script: Script, place: str) -> Script:
    """Add an invented person for practice calls, with an empty reply at the first step. The
    person's kind is one that no other invented person in the script has. If the script has a person
    of every kind, nothing changes."""
    taken = {one.kind for one in script.practice}
    kind = next((kind for kind in get_args(CharacterKind) if kind not in taken), None)
    if kind is None:
        return script
    new = Character(kind, "", "", {script.steps[0].id: ""}, "")
    return replace(script, practice=(*script.practice, new))


def _delete_character(script: Script, place: str) -> Script:
    return replace(script, practice=_delete_row(script.practice, _parse_index(place)))


def _add_reply(script: Script, place: str) -> Script:
    """Add an empty reply to the replies of an invented person. The reply is for the first step
    where this person has no reply. If there is no such step, nothing changes."""

    def add(one: Character) -> Character:
        free = next((step.id for step in script.steps if step.id not in one.replies), None)
        return replace(one, replies={**one.replies, free: ""}) if free else one

    return _with_character(script, place, add)


def _delete_reply(script: Script, place: str) -> Script:
    number, at = _parse_row(place)
    return _with_character(
        script,
        number,
        lambda one: replace(one, replies=dict(_delete_row(list(one.replies.items()), at))),
    )


def _add_card(script: Script, place: str) -> Script:
    if len(script.cards) >= MAX_CARDS:
        return script
    new = Card(provisional_id(card.id for card in script.cards), "", "")
    return replace(script, cards=(*script.cards, new))


def _delete_card(script: Script, place: str) -> Script:
    return replace(script, cards=tuple(card for card in script.cards if card.id != place))


def _move_card(script: Script, place: str, by: int) -> Script:
    return replace(script, cards=tuple(_move_row(script.cards, _position(script.cards, place), by)))


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
    at = _parse_index(place)
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


def _parse_row(place: str) -> tuple[str, int]:
    """Split a place such as "vote:2" into the id "vote" and the row's index 2. The first part is a
    step's id or, for a reply, the index of an invented person."""
    step_id, _, number = place.partition(":")
    return step_id, _parse_index(number)


def _parse_index(text: str) -> int:
    """Return a row's index as a number. If the text is not a number of at most three digits, return
    an index that no row has."""
    return int(text) if text.isdecimal() and len(text) < 4 else 10**6


def _delete_row(rows: Sequence[Row], at: int) -> tuple[Row, ...]:
    return tuple(row for number, row in enumerate(rows) if number != at)


def _move_row(rows: Sequence[Row], at: int | None, by: int) -> list[Row]:
    result = list(rows)
    if at is not None and at < len(result) and 0 <= at + by < len(result):
        result.insert(at + by, result.pop(at))
    return result
