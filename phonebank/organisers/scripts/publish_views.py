"""The pages on which an organiser reviews a draft, and publishes or discards it."""

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue

from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.locks import lock_row
from phonebank.models import RoleName
from phonebank.organisers.scripts.blueprint import (
    load_script,
    redirect_to,
    scripts,
    signed_in_account,
)
from phonebank.organisers.scripts.script_views import script_page, when_callers_get_it
from phonebank.scripts.answer_compat import changed_meanings
from phonebank.scripts.diagnostic_messages import form_message_translator
from phonebank.scripts.diff import differences
from phonebank.scripts.drafts import discard_draft, publish_digest, publish_draft, working_script
from phonebank.scripts.labels import ANSWER_KINDS
from phonebank.scripts.missing_fields import missing_field_warnings
from phonebank.scripts.versions import script_of

NOTHING_TO_PUBLISH = "There is nothing to publish. Everything is published already."
NOTHING_LEFT = "There is nothing to publish. The draft was already published or discarded."
NOTHING_TO_DISCARD = "There is nothing to discard. The draft was already published or discarded."
DRAFT_STAYS = (
    "Someone has changed this script since you opened this page, so nothing was discarded."
    " Review the changes first."
)


@scripts.route("/<int:script_id>/publish", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def publish(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Show what the draft would change for callers. A POST publishes the draft. If no script is
    chosen for the campaign yet, the POST also chooses this script.

    If the script has changed since the page was opened, a POST publishes nothing and shows the page
    again. It does the same if the draft changes the meaning of an answer and the organiser has not
    confirmed this change. Otherwise, a POST raises FaultyScriptError if the draft has errors. If
    there is no draft, redirect to the script's page.
    """
    campaign, script = load_script(campaign_id, script_id)
    sent = request.method == "POST"
    if sent:
        lock_row(script)
    if script.draft is None:
        flash(NOTHING_LEFT if sent else NOTHING_TO_PUBLISH, "info")
        return redirect_to("show", campaign, script)
    seen = publish_digest(script)
    overtaken = sent and request.form.get("seen") != seen
    new, found = working_script(script)
    meanings = changed_meanings(script, new)
    unconfirmed = sent and bool(meanings) and request.form.get("confirmed") != "yes"
    if sent and not overtaken and not unconfirmed:
        publish_draft(campaign, script, signed_in_account())
        db.session.commit()
        flash(f"Published. {when_callers_get_it(campaign, script)}", "success")
        return redirect_to("show", campaign, script)
    old = script_of(script.published_version_id)
    page = render_template(
        "scripts/publish.html",
        campaign=campaign,
        row=script,
        parsed=new,
        in_form_words=form_message_translator(new),
        errors=[diagnostic for diagnostic in found if diagnostic.severity == "error"],
        warnings=[
            *(diagnostic for diagnostic in found if diagnostic.severity == "warning"),
            *missing_field_warnings(campaign, new),
        ],
        meanings=meanings,
        answers=ANSWER_KINDS,
        seen=seen,
        overtaken=overtaken,
        unconfirmed=unconfirmed and not overtaken,
        sections=differences(old, new) if old else None,
        published_words={step.words for step in old.steps} if old else set(),
    )
    return page, 422 if sent else 200


@scripts.post("/<int:script_id>/discard")
@open_to(RoleName.ORGANISER)
def discard(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Discard the draft, unless the script has changed since the page was opened. Raises
    ConflictError if no version of the script has been published."""
    campaign, script = load_script(campaign_id, script_id)
    lock_row(script)
    if script.draft is None:
        flash(NOTHING_TO_DISCARD, "info")
        return redirect_to("show", campaign, script)
    if request.form.get("seen") != publish_digest(script):
        flash(DRAFT_STAYS, "error")
        return script_page(campaign, script), 422
    discard_draft(script)
    db.session.commit()
    flash("Changes discarded. Callers never saw them.", "success")
    return redirect_to("show", campaign, script)
