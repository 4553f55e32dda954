"""The page that shows a script as YAML. An organiser can copy the text, change it, or upload
another text. The page shows the script's errors and warnings, and the line of each."""

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.core.locks import lock_row
from phonebank.models import RoleName
from phonebank.organisers.scripts.blueprint import OVERTAKEN, load_script, scripts
from phonebank.scripts import drafts
from scripts_library.parser import diagnose
from scripts_library.yaml_source import MAX_BYTES


@scripts.route("/<int:script_id>/text", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def as_text(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Show the script as YAML. A POST saves the text or the file as the draft, even if the script
    has errors. The POST saves nothing if the text is too large, or if no step in it can be read. If
    somebody else has changed the script since the page was opened, the POST also saves nothing. A
    text that is the same as the stored one is accepted all the same."""
    campaign, script = load_script(campaign_id, script_id)
    if request.method == "POST":
        lock_row(script)
    source, seen = drafts.working_source(script), drafts.digest(script)
    status = 200
    if request.method == "POST":
        kept, source = source, _submitted_text()
        if request.form.get("seen") != seen and source != kept:
            flash(OVERTAKEN, "error")
            status = 422
        else:
            try:
                drafts.save_draft(script, source)
            except InvalidInputError as error:
                flash(f"Nothing was saved. {error.message}", "error")
                status = 422
            else:
                seen = drafts.digest(script)
                db.session.commit()
                if script.draft is None:
                    flash("This is what is published already, so there is no draft.", "info")
                else:
                    flash(
                        "Saved as a draft. Callers never get the draft before you publish it.",
                        "success",
                    )
    page = render_template(
        "scripts/text.html",
        campaign=campaign,
        row=script,
        source=source,
        seen=seen,
        diagnostics=diagnose(source),
    )
    return page, status


def _submitted_text() -> str:
    """Return the text of the uploaded file or, if there is no file, the text that the organiser
    typed.

    Raises InvalidInputError if the file is not UTF-8.
    """
    upload: FileStorage | None = request.files.get("file")
    if upload is None or not upload.filename:
        return request.form.get("source", "").replace("\r\n", "\n")
    try:
        return upload.stream.read(MAX_BYTES + 1).decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise InvalidInputError(
            "This file isn't UTF-8 text, so it can't be a script.", "Choose a .yaml file."
        ) from None
