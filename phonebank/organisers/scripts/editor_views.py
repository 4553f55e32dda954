"""The script editor: a form with a block for each part of the script. While the organiser types,
the script is checked, and a preview shows it.

Each button of the form sends the whole form. The view then saves the form as the script's draft,
even if the script has errors. Without JavaScript the same buttons reload the page. The buttons in
the preview save nothing.
"""

import re
from collections.abc import Collection

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from phonebank.core.access import open_to
from phonebank.core.compression import gzip_if_asked
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.core.locks import lock_row
from phonebank.models import Campaign, RoleName, Script
from phonebank.organisers.scripts.blueprint import OVERTAKEN, load_script
from phonebank.scripts import drafts
from phonebank.scripts.deleted_step import DeletedStep
from phonebank.scripts.diagnostic_messages import form_message_translator
from phonebank.scripts.editing import apply_submission, is_saved_already, read_submission
from phonebank.scripts.editor_state import EditorState, editor_state_of
from phonebank.scripts.field_options import condition_fields, insertable_fields
from phonebank.scripts.form_fields import BELOW, HAS_PRACTICE, script_from_form
from phonebank.scripts.labels import ANSWER_KINDS, CHARACTERS, OUTCOME_OPTIONS, STEP_KIND_OPTIONS
from phonebank.scripts.preview import Preview, preview_after, preview_at
from phonebank.scripts.transitions import describe_answers
from phonebank.scripts.versions import identifiers_used
from scripts_library.script import Script as ParsedScript

# This matches the indentation of the page's lines, which is a tenth of the page's size. It also
# matches each whole textarea, because the text in a textarea must stay as it is.
_INDENTATION = re.compile(r"(<textarea.*?</textarea>)|\s*\n\s*", re.DOTALL)

editor = Blueprint(
    "script_editor",
    __name__,
    url_prefix="/campaigns/<int:campaign_id>/scripts/<int:script_id>/edit",
)
# These responses are large and frequent: each button loads the whole page again, and each pause in
# typing loads the flowchart. So they are compressed.
editor.after_request(gzip_if_asked)


@editor.route("", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def edit(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Show the editor. A POST applies the action of the pressed button, and saves the form as the
    draft. If somebody else has changed the script since the editor was opened, the POST saves
    nothing and shows the form again. The POST also saves nothing if the script is too large.

    Raises InvalidInputError for a POST without the form.
    """
    campaign, script = load_script(campaign_id, script_id)
    if request.method == "POST":
        if not _has_form():
            raise InvalidInputError(
                "Your browser did not send the script, so nothing was saved.",
                "Open the editor again, and save once it has loaded.",
            )
        lock_row(script)
    kept, _ = drafts.working_script(script)
    seen = drafts.digest(script)
    if request.method == "GET":
        return _page(campaign, script, editor_state_of(kept), seen)
    submission = read_submission(request.form, kept, identifiers_used(script))
    opened = {submission.about, submission.at}
    if request.form["seen"] != seen and not is_saved_already(submission, kept):
        state = editor_state_of(submission.script)
        deleted = submission.deleted
        page = _page(campaign, script, state, seen, OVERTAKEN, opened, deleted=deleted)
        # The status is 422, because htmx ignores the pages of all other error statuses.
        return page, 422
    result = apply_submission(submission)
    opened = {result.about, submission.at}
    state = editor_state_of(result.script)
    try:
        drafts.save_draft(script, state.source)
    except InvalidInputError as error:
        notice = f"Nothing was saved. {error.message} {error.what_to_do}"
        page = _page(campaign, script, state, seen, notice, opened, deleted=result.deleted)
        return page, 422
    seen = drafts.digest(script)
    db.session.commit()
    if submission.action == "publish" and not state.diagnostics.errors:
        return _redirect_browser(
            url_for("scripts.publish", campaign_id=campaign.id, script_id=script.id)
        )
    new_step = _newest(state.script) if submission.action.startswith("add-step") else ""
    return _page(
        campaign,
        script,
        state,
        seen,
        result.notice,
        opened={*opened, new_step},
        new_step=new_step,
        at=submission.at,
        deleted=result.deleted,
    )


@editor.post("/check")
@open_to(RoleName.ORGANISER)
def check(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Return the errors, warnings and preview of the script that is in the form. The form is not
    saved.

    The response to a request without the form has the status 204.
    """
    campaign, script = load_script(campaign_id, script_id)
    if not _has_form():
        return "", 204
    state = _submitted_state(script)
    preview = preview_at(state.script, campaign, request.form.get("at", ""))
    return render_template(
        "scripts/_checked.html",
        campaign=campaign,
        row=script,
        state=state,
        preview=preview,
        in_form_words=form_message_translator(state.script),
    )


@editor.post("/preview")
@open_to(RoleName.ORGANISER)
def preview(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Return the preview at another step, or after an answer. The form is not saved.

    The response to a request without the form has the status 204.
    """
    campaign, script = load_script(campaign_id, script_id)
    if not _has_form():
        return "", 204
    shown = _requested_preview(campaign, _submitted_state(script).script)
    return render_template("scripts/_preview.html", campaign=campaign, row=script, preview=shown)


def _page(
    campaign: Campaign,
    script: Script,
    state: EditorState,
    seen: str,
    notice: str = "",
    opened: Collection[str] = (),
    new_step: str = "",
    at: str = "",
    deleted: DeletedStep | None = None,
) -> str:
    """Render the editor.

    `seen` is the digest of the source that the next save would replace. `opened` names the blocks
    that are open on the page. `at` is the id of the step in which the organiser typed, and
    `new_step` is the id of a step that was just added. `deleted` is the step that the button Undo
    would restore. If `deleted` is None, the page has no such button.
    """
    page = render_template(
        "scripts/edit.html",
        campaign=campaign,
        row=script,
        state=state,
        parsed=state.script,
        notice=notice,
        seen=seen,
        kinds=STEP_KIND_OPTIONS,
        answers=ANSWER_KINDS,
        outcomes=OUTCOME_OPTIONS,
        below=BELOW,
        chips=insertable_fields(state.script),
        describe_answers=describe_answers,
        known_fields=condition_fields(state.script),
        characters=CHARACTERS,
        deleted=deleted,
        in_form_words=form_message_translator(state.script),
        preview=_requested_preview(campaign, state.script, new_step or at),
        new_step=new_step,
        at=at,
        opened=opened,
        short_menus=_has_javascript(),
        shows_practice=_shows_practice(state),
    )
    return _INDENTATION.sub(lambda found: found[1] or "\n", page)


def _has_javascript() -> bool:
    """Whether the browser runs JavaScript. If it does, JavaScript fills the editor's menus, so the
    page contains the menus without their choices.

    A browser without JavaScript requests `?menus=whole` at once, and sends its forms without htmx.
    """
    if request.method == "POST":
        return "HX-Request" in request.headers
    return request.args.get("menus") != "whole"


def _shows_practice(state: EditorState) -> bool:
    """Whether the page has the fields for the made-up people with whom callers practise. A form
    without these fields leaves the made-up people unchanged."""
    asked = "practice" in request.args or HAS_PRACTICE in request.form
    faulty = any(state.diagnostics.of_characters.values())
    return asked or faulty or not _has_javascript()


def _redirect_browser(address: str) -> ResponseReturnValue:
    """Redirect the browser to another page. The response to an htmx request has the address in a
    header. Otherwise htmx itself would load the new page and look for the editor there."""
    if "HX-Request" in request.headers:
        return "", 204, {"HX-Redirect": address}
    return redirect(address)


def _has_form() -> bool:
    """Whether the request has the editor's form.

    While a button's request is under way, the form is disabled. If the organiser presses another
    button during that time, the browser sends no fields.
    """
    return "seen" in request.form and any(re.match(r"s\d+-", name) for name in request.form)


def _submitted_state(script: Script) -> EditorState:
    kept, _ = drafts.working_script(script)
    return editor_state_of(script_from_form(request.form, kept, identifiers_used(script)))


def _requested_preview(campaign: Campaign, script: ParsedScript, at: str = "") -> Preview:
    step_id = request.values.get("step_id", "")
    if step_id and "again" not in request.values:
        return preview_after(script, campaign, step_id, request.values.getlist("answer"))
    return preview_at(script, campaign, at)


def _newest(script: ParsedScript) -> str:
    return next((step.id for step in script.steps if not step.title), "")
