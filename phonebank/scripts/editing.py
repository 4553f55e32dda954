"""Read the script editor's form, apply the action of the pressed button, and undo a deletion. Pure
functions."""

from collections.abc import Mapping
from dataclasses import dataclass

from phonebank.scripts.cleanup import resolve_next_below
from phonebank.scripts.deleted_step import DeletedStep, restore_step, unpack_deleted_step
from phonebank.scripts.edit_actions import apply_action
from phonebank.scripts.editor_state import editor_state_of
from phonebank.scripts.form_fields import script_from_form
from phonebank.scripts.identifiers import assign_ids
from scripts_library.script import Script

CANNOT_RESTORE = (
    "The step could not be brought back, because this page no longer has it. If it was ever"
    " published, you can find it under “Versions”."
)
PLACE_IS_TAKEN = (
    "The step was not brought back yet, because a new step without a title is in its place. Give"
    " the new step a title, then press Undo again."
)


@dataclass(frozen=True)
class Submission:
    """The contents of the editor's form when a button was pressed.

    `script` is what the organiser typed, with ids for new steps, cards and fields. `action` is the
    action of the pressed button. If the action names a new part, it uses the part's id in `script`.
    `about` names the part of the script that the action is about: the id of a step, card or field,
    "person-0" for the first invented person, or the index of a branch of `start`. It is "" if the
    action is about the whole script. `at` is the id of the step whose fields or buttons had the
    focus last, or "" if there is no such step. `deleted` is the step that Undo would restore, or
    None.
    """

    script: Script
    action: str
    about: str
    at: str
    deleted: DeletedStep | None


@dataclass(frozen=True)
class Edit:
    """The script after the submission's action.

    `about` names the part of the script that the action was about, as in `Submission`, or is "".
    `deleted` is the step that Undo would restore now, or None. `notice` says why Undo restored
    nothing, and is "" in all other cases.
    """

    script: Script
    about: str
    deleted: DeletedStep | None
    notice: str = ""


def read_submission(
    form: Mapping[str, str], kept: Script, used: Mapping[str, Mapping[str, str]]
) -> Submission:
    """Read the editor's form.

    `kept` is the saved script. Data that the form does not show comes from `kept`. `used` maps each
    step id in the published versions to a dict from the step's answer keys to their labels: see
    `versions.identifiers_used`.
    """
    deleted = unpack_deleted_step(form.get("before", ""), form.get("deleted", ""))
    if deleted:
        # Undo may restore the step, so no new step may take its id.
        used = {deleted.step_id: {}, **used}
    sent = script_from_form(form, kept, used)
    script = assign_ids(sent, used)
    step_ids = {old.id: new.id for old, new in zip(sent.steps, script.steps, strict=True)}
    action, about = _read_action(form.get("do", "save"), sent, script)
    at = form.get("at", "")
    return Submission(
        script,
        action,
        about,
        step_ids.get(at, at),
        deleted.rename_steps(step_ids) if deleted else None,
    )


def apply_submission(submission: Submission) -> Edit:
    """Apply the submission's action to its script."""
    before, about = submission.script, submission.about
    if submission.action == "undo":
        return _undo(resolve_next_below(before), submission.deleted)
    after = apply_action(before, submission.action)
    if about and before.has_step(about) and not after.has_step(about):
        return Edit(after, about, DeletedStep(about, resolve_next_below(before)))
    return Edit(after, about, submission.deleted)


def is_saved_already(submission: Submission, kept: Script) -> bool:
    """Whether the submission would save or publish a script that equals the saved script, `kept`.

    A browser may send a form again because the response to the first request was lost. The repeated
    form would not change the saved script, so the view accepts this form although its digest is
    old.
    """
    saves = submission.action in ("save", "publish")
    return saves and editor_state_of(submission.script).source == editor_state_of(kept).source


def _undo(now: Script, deleted: DeletedStep | None) -> Edit:
    if deleted is None:
        return Edit(now, "", None, CANNOT_RESTORE)
    step_id = deleted.step_id
    if not now.has_step(step_id):
        return Edit(restore_step(now, deleted), step_id, None)
    title = now.step(step_id).title
    notice = f"It is already in the script, as “{title}”." if title else PLACE_IS_TAKEN
    return Edit(now, step_id, deleted, notice)


def _read_action(button: str, sent: Script, script: Script) -> tuple[str, str]:
    """Return the button's action, and the name of the part of the script that the action is about,
    as in `Submission`.

    In `button`, a new part still has its provisional id from `sent`. In the result, the part has
    its id from `script`.
    """
    verb, _, place = button.partition(":")
    about, colon, row = place.partition(":")
    if verb.endswith(("character", "reply")):
        return f"{verb}:{place}", f"person-{about}"
    _, _, noun = verb.rpartition("-")
    if noun == "card":
        new_ids = {old.id: new.id for old, new in zip(sent.cards, script.cards, strict=True)}
    elif noun == "field":
        new_ids = dict(zip(sent.fields, script.fields, strict=True))
    else:
        new_ids = {old.id: new.id for old, new in zip(sent.steps, script.steps, strict=True)}
    about = new_ids.get(about, about)
    return f"{verb}:{about}{colon}{row}" if place else verb, about
