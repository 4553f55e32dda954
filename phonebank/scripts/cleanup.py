"""Prepare an edited script for saving: replace "the step below" with that step's id, and drop empty
parts. Pure functions."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from phonebank.scripts.form_fields import BELOW
from phonebank.scripts.identifiers import is_provisional
from scripts_library.script import Branch, Choice, Script, Step
from scripts_library.script_builder import KINDS_THAT_MAY_ANSWER


def resolve_next_below(script: Script) -> Script:
    """Replace each `next` that is BELOW with the id of the step below. If the last step's `next` is
    BELOW, the last step gets None."""
    ids = [step.id for step in script.steps]
    below: dict[str, str | None] = dict(zip(ids, [*ids[1:], None], strict=True))
    steps = (
        replace(step, next=below[step.id]) if step.next == BELOW else step for step in script.steps
    )
    return replace(script, steps=tuple(steps))


def drop_empty(script: Script) -> Script:
    """Return the script without the parts that were left empty, and without settings that do not
    fit a step's kind. Settings for answers that are no longer offered are left out too.

    The form sends such settings in hidden fields: for example, the labels of a scale after the
    organiser has turned the scale into a choice.
    """
    ids = {step.id for step in script.steps}
    steps = tuple(_drop_empty_in_step(step) for step in script.steps)
    offered = {step.id: {choice.key for choice in step.choices} for step in steps}

    def still_offered(marked: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        left = {
            step_id: tuple(key for key in keys if key in offered.get(step_id, ()))
            for step_id, keys in marked.items()
        }
        return {step_id: keys for step_id, keys in left.items() if keys}

    return replace(
        script,
        steps=steps,
        yes=still_offered(script.yes),
        needs_action=still_offered(script.needs_action),
        tags={
            step_id: {key: tags[key] for key in keys}
            for step_id, tags in script.tags.items()
            for keys in still_offered({step_id: tuple(tags)}).values()
        },
        cards=tuple(card for card in script.cards if card.title or card.words),
        fields={n: about for n, about in script.fields.items() if about or not is_provisional(n)},
        practice=tuple(
            replace(one, replies={k: v for k, v in one.replies.items() if v and k in ids})
            for one in script.practice
        ),
    )


def prune_branches(choices: Iterable[Choice], branches: Iterable[Branch]) -> tuple[Branch, ...]:
    """Remove deleted answers from the conditions of the branches, and return the branches. A
    deleted answer is one that is not in `choices`.

    A branch whose answers have all been deleted is removed. Otherwise the branch would have no
    condition on the answer, and could apply whatever the answer is.
    """
    keys = {choice.key for choice in choices}
    kept = ((b, tuple(key for key in b.choices if key in keys)) for b in branches)
    return tuple(replace(b, choices=left) for b, left in kept if left or not b.choices)


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
        branches=() if step.is_end else prune_branches(choices, branches),
        next=None if step.is_end else step.next,
        outcome=step.outcome if step.is_end else None,
    )
