"""Restore a deleted step to its place, and keep everything that was written since. Pure functions.

The editor's form contains the compressed script from before the deletion. So the server need not
store this script, and Undo works without JavaScript.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from phonebank.scripts.cleanup import resolve_next_below
from phonebank.scripts.edit_actions import apply_action
from phonebank.scripts.identifiers import rename_steps
from scripts_library.parser import parse_leniently
from scripts_library.script import Script, Step
from scripts_library.serializer import serialize
from scripts_library.yaml_source import MAX_BYTES

_Marks = TypeVar("_Marks")


@dataclass(frozen=True)
class DeletedStep:
    """A deleted step's id, and the whole script just before the deletion."""

    step_id: str
    before: Script

    @property
    def title(self) -> str:
        """The deleted step's title."""
        return self.before.step(self.step_id).title

    @property
    def packed(self) -> str:
        """The script before the deletion, compressed and in base64, for a hidden form field."""
        return base64.b64encode(zlib.compress(serialize(self.before).encode())).decode()

    def rename_steps(self, names: Mapping[str, str]) -> "DeletedStep":
        """Return a copy in which the steps of `before` have new ids. `names` maps old ids to new
        ones.

        The deleted step keeps its id, even if `names` also maps this id. In that case, the id in
        `names` belongs to a step that the organiser added after the deletion.
        """
        others = {old: new for old, new in names.items() if old != self.step_id}
        return replace(self, before=rename_steps(self.before, others))

    def previous_step_id(self, now: Script) -> str:
        """Return the id of the nearest step that was above the deleted step and is still in `now`.
        Return "" if there is no such step."""
        after = ""
        for step in self.before.steps:
            if step.id == self.step_id:
                break
            after = step.id if now.has_step(step.id) else after
        return after


def unpack_deleted_step(packed: str, step_id: str) -> DeletedStep | None:
    """Unpack the script in `packed` (a value of `DeletedStep.packed`), and return the DeletedStep
    for `step_id`. Return None if `packed` cannot be unpacked, or if the script has no step with
    this id.

    A script longer than MAX_BYTES is cut, so that a small field cannot expand until it fills the
    memory.
    """
    unpacking = zlib.decompressobj()
    try:
        source = unpacking.decompress(base64.b64decode(packed, validate=True), MAX_BYTES).decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError, ValueError):
        return None
    before, _ = parse_leniently(source) if source else (None, [])
    return DeletedStep(step_id, before) if before and before.has_step(step_id) else None


def restore_step(now: Script, deleted: DeletedStep) -> Script:
    """Return `now` with the deleted step back in its place. If `now` already has a step with this
    id, return `now` unchanged.

    Transitions and settings that referred to the step refer to it again, unless the organiser has
    changed them since. All branches of a step count as one value: if the organiser has changed one
    of them since, none of them is restored. The same is true of the script's `start` branches.
    """
    step_id, before = deleted.step_id, deleted.before
    if now.has_step(step_id):
        return now
    after = resolve_next_below(apply_action(before, f"delete-step:{step_id}"))
    steps = [_restore_targets(step, before, after) for step in now.steps]
    order = ["", *(step.id for step in steps)]
    steps.insert(order.index(deleted.previous_step_id(now)), before.step(step_id))
    replies = {one.kind: one.replies[step_id] for one in before.practice if step_id in one.replies}
    return replace(
        now,
        steps=tuple(steps),
        start=before.start if now.start == after.start else now.start,
        main_question=_restore_setting(step_id, before.main_question, now.main_question) or "",
        first_rating=_restore_setting(step_id, before.first_rating, now.first_rating),
        second_rating=_restore_setting(step_id, before.second_rating, now.second_rating),
        yes=_restore_keys(step_id, before.yes, now.yes),
        needs_action=_restore_keys(step_id, before.needs_action, now.needs_action),
        tags=_restore_keys(step_id, before.tags, now.tags),
        practice=tuple(
            replace(one, replies={**one.replies, step_id: replies[one.kind]})
            if one.kind in replies and step_id not in one.replies
            else one
            for one in now.practice
        ),
    )


def _restore_keys(
    step_id: str, before: Mapping[str, _Marks], now: Mapping[str, _Marks]
) -> Mapping[str, _Marks]:
    return {**now, step_id: before[step_id]} if step_id in before else now


def _restore_setting(step_id: str, before: str | None, now: str | None) -> str | None:
    """If `before` was the deleted step's id and `now` is empty, return that id. Otherwise return
    `now`."""
    return before if before == step_id and not now else now


def _restore_targets(step: Step, before: Script, after: Script) -> Step:
    """Return a copy of `step` with the targets (the steps that can follow it) from before the
    deletion.

    A target that the organiser has changed since the deletion stays. All branches of the step count
    as one target here. A step that was added after the deletion is returned unchanged.
    """
    if not (before.has_step(step.id) and after.has_step(step.id)):
        return step
    old, new = before.step(step.id), after.step(step.id)
    old_targets, new_targets = _choice_targets(old), _choice_targets(new)
    return replace(
        step,
        next=old.next if step.next == new.next else step.next,
        branches=old.branches if step.branches == new.branches else step.branches,
        choices=tuple(
            replace(choice, goto=old_targets[choice.key])
            if choice.key in old_targets and choice.goto == new_targets.get(choice.key)
            else choice
            for choice in step.choices
        ),
    )


def _choice_targets(step: Step) -> Mapping[str, str | None]:
    return {choice.key: choice.goto for choice in step.choices}
