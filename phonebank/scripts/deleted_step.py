"""A deleted step back where it was, with what has been written since left alone. Pure.

The form carries the script as it was before the deletion, packed: nothing is kept on the server for
those who close the page, and Undo works without scripts in the browser.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from phonebank.scripts.edit_actions import apply_action, resolve_next_below
from phonebank.scripts.identifiers import rename_steps
from scripts_library.parser import parse_leniently
from scripts_library.script import Script, Step
from scripts_library.serializer import serialize
from scripts_library.yaml_source import MAX_BYTES


@dataclass(frozen=True)
class DeletedStep:
    """A step that was deleted: its id, and the whole script just before."""

    step_id: str
    before: Script

    @property
    def title(self) -> str:
        return self.before.step(self.step_id).title

    @property
    def packed(self) -> str:
        """For a hidden field of the form."""
        return base64.b64encode(zlib.compress(serialize(self.before).encode())).decode()

    def rename_steps(self, names: Mapping[str, str]) -> "DeletedStep":
        """The same after steps were given other ids (old → new), so that what led to them still
        does. A step in the form that has the deleted one's id is another, added since."""
        others = {old: new for old, new in names.items() if old != self.step_id}
        return replace(self, before=rename_steps(self.before, others))

    def previous_step_id(self, now: Script) -> str:
        """The id of the step that it followed, of those still there; "" at the very beginning."""
        after = ""
        for step in self.before.steps:
            if step.id == self.step_id:
                break
            after = step.id if now.has_step(step.id) else after
        return after


def unpack_deleted_step(packed: str, step_id: str) -> DeletedStep | None:
    """What `DeletedStep.packed` packed; None for anything else that a form may hold."""
    unpacking = zlib.decompressobj()
    try:
        source = unpacking.decompress(base64.b64decode(packed, validate=True), MAX_BYTES).decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError, ValueError):
        return None
    before, _ = parse_leniently(source) if source else (None, [])
    return DeletedStep(step_id, before) if before and before.has_step(step_id) else None


def restore_step(now: Script, deleted: DeletedStep) -> Script:
    """`now` with the step again, and every way to it that nobody has changed since."""
    gone, before = deleted.step_id, deleted.before
    if now.has_step(gone):
        return now
    after = resolve_next_below(apply_action(before, f"delete-step:{gone}"))
    steps = [_restore_targets(step, before, after) for step in now.steps]
    order = ["", *(step.id for step in steps)]
    steps.insert(order.index(deleted.previous_step_id(now)), before.step(gone))
    replies = {one.kind: one.replies[gone] for one in before.practice if gone in one.replies}
    return replace(
        now,
        steps=tuple(steps),
        start=before.start if now.start == after.start else now.start,
        main_question=_restore_setting(gone, before.main_question, now.main_question) or "",
        first_rating=_restore_setting(gone, before.first_rating, now.first_rating),
        second_rating=_restore_setting(gone, before.second_rating, now.second_rating),
        yes={**now.yes, gone: before.yes[gone]} if gone in before.yes else now.yes,
        practice=tuple(
            replace(one, replies={**one.replies, gone: replies[one.kind]})
            if one.kind in replies and gone not in one.replies
            else one
            for one in now.practice
        ),
    )


def _restore_setting(gone: str, before: str | None, now: str | None) -> str | None:
    """The step of a setting: the deleted one if it was that and nobody has chosen another since."""
    return before if before == gone and not now else now


def _restore_targets(step: Step, before: Script, after: Script) -> Step:
    """The step with its ways as before the deletion, but for those changed since."""
    if not (before.has_step(step.id) and after.has_step(step.id)):
        return step
    old, new = before.step(step.id), after.step(step.id)
    old_gotos, new_gotos = _gotos(old), _gotos(new)
    return replace(
        step,
        next=old.next if step.next == new.next else step.next,
        branches=old.branches if step.branches == new.branches else step.branches,
        choices=tuple(
            replace(choice, goto=old_gotos[choice.key])
            if choice.key in old_gotos and choice.goto == new_gotos.get(choice.key)
            else choice
            for choice in step.choices
        ),
    )


def _gotos(step: Step) -> Mapping[str, str | None]:
    return {choice.key: choice.goto for choice in step.choices}
