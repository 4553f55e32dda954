"""The page of one script. An organiser can read the script, choose it for the campaign, and fill in
its merge fields."""

from collections.abc import Mapping

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue

from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.experiments.script_choice import active_version_ids
from phonebank.experiments.services import running_experiment
from phonebank.models import Campaign, RoleName, Script
from phonebank.organisers.scripts.blueprint import load_script, redirect_to, scripts
from phonebank.scripts.campaign_merge_values import changed_values, save_values
from phonebank.scripts.campaign_scripts import choose as choose_script
from phonebank.scripts.campaign_scripts import count_callers_now
from phonebank.scripts.drafts import declared_fields, publish_digest
from phonebank.scripts.read_view import step_views
from phonebank.scripts.versions import published_version, script_of


@scripts.get("/<int:script_id>")
@open_to(RoleName.ORGANISER)
def show(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Show the published script, and what the organiser can do with it."""
    return script_page(*load_script(campaign_id, script_id))


@scripts.route("/<int:script_id>/choose", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def choose(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Ask the organiser whether callers should get this script. A POST makes this script the
    campaign's script. While an experiment is running, callers get the experiment's scripts instead.
    A POST raises ConflictError if the script has not been published."""
    campaign, script = load_script(campaign_id, script_id)
    if request.method == "GET":
        current = db.session.get(Script, campaign.script_id) if campaign.script_id else None
        return render_template(
            "scripts/choose.html",
            campaign=campaign,
            row=script,
            current=current,
            callers=count_callers_now(campaign),
        )
    choose_script(campaign, script)
    db.session.commit()
    flash(f"This is now the campaign's script. {when_callers_get_it(campaign, script)}", "success")
    return redirect_to("show", campaign, script)


@scripts.post("/<int:script_id>/values")
@open_to(RoleName.ORGANISER)
def fill_in(campaign_id: int, script_id: int) -> ResponseReturnValue:
    """Save the merge fields whose values the organiser has changed. If a colleague has saved
    another value for one of these fields since the page was opened, save nothing and show both
    values."""
    campaign, script = load_script(campaign_id, script_id)
    fields = declared_fields(script)
    conflicts = save_values(campaign, fields, request.form)
    if conflicts:
        typed = changed_values(fields, request.form)
        return script_page(campaign, script, typed, conflicts), 422
    db.session.commit()
    flash(
        "Saved. Callers with this script see the change when they get their next person.", "success"
    )
    return redirect_to("show", campaign, script)


def script_page(
    campaign: Campaign,
    script: Script,
    typed: Mapping[str, str] | None = None,
    conflicts: Mapping[str, str] | None = None,
) -> str:
    """Render the script's page.

    `typed` has the values that the organiser has typed for merge fields and that are not saved yet.
    `conflicts` has the values that a colleague has saved for the same fields since the page was
    opened.
    """
    parsed = script_of(script.published_version_id)
    return render_template(
        "scripts/show.html",
        campaign=campaign,
        row=script,
        version=published_version(script),
        is_in_use=script.published_version_id in active_version_ids(campaign.id),
        parsed=parsed,
        blocks=step_views(parsed) if parsed else [],
        fields=declared_fields(script),
        typed=typed or {},
        conflicts=conflicts or {},
        seen=publish_digest(script),
    )


def when_callers_get_it(campaign: Campaign, script: Script) -> str:
    """Return a sentence that tells the organiser when callers get the script's published
    version."""
    if script.published_version_id in active_version_ids(campaign.id):
        return "Callers will get this script with their next person."
    if campaign.script_id == script.id:
        return "Callers get this script once you stop the experiment that is running."
    if running_experiment(campaign) is not None:
        return "Callers get this script once you press “Use this script” and stop the experiment."
    return (
        "Callers get this script once you press “Use this script”. The campaign uses another "
        "script now."
    )
