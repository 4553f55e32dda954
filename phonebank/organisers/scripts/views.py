"""The list of a campaign's scripts, and the ready-made scripts to read and copy."""

from flask import Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from markupsafe import Markup

from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.scopes import campaign_for
from phonebank.experiments.script_choice import active_version_ids
from phonebank.models import RoleName
from phonebank.organisers.campaigns.forms import LANGUAGES
from phonebank.organisers.scripts import publish_views, script_views, text_views, version_views
from phonebank.organisers.scripts.blueprint import redirect_to, scripts, signed_in_account
from phonebank.organisers.scripts.editor_views import editor
from phonebank.scripts import campaign_scripts
from phonebank.scripts.flowchart.drawing import draw_flowchart
from phonebank.scripts.read_view import merged_html, step_views, talking_time
from phonebank.scripts.transitions import describe_steps
from scripts_library.merge_fields import render_text, text_with_names

# These modules add their views to the blueprint when they are imported.
_VIEWS = (publish_views, script_views, text_views, version_views)


def init_app(app: Flask) -> None:
    """Register the pages about scripts and the editor, with their template filters."""
    app.register_blueprint(scripts)
    app.register_blueprint(editor)
    app.add_template_filter(dict(LANGUAGES).get, "language_name")
    app.add_template_filter(talking_time, "talking_time")
    app.add_template_filter(merged_html)
    app.add_template_global(draw_flowchart)
    app.add_template_global(describe_steps)
    app.add_template_filter(lambda words: render_text(words, {}), "merged")
    app.add_template_filter(lambda words: Markup(text_with_names(words)), "with_names")  # noqa: S704


@scripts.get("")
@open_to(RoleName.ORGANISER)
def index(campaign_id: int) -> ResponseReturnValue:
    """Show the campaign's scripts, and the ready-made ones."""
    campaign = campaign_for(current_user, campaign_id)
    return render_template(
        "scripts/index.html",
        campaign=campaign,
        own=campaign_scripts.scripts_of(campaign),
        library=campaign_scripts.ready_made_scripts(),
        in_use=active_version_ids(campaign.id),
    )


@scripts.get("/library/<slug>/<language>")
@open_to(RoleName.ORGANISER)
def read_ready_made(campaign_id: int, slug: str, language: str) -> ResponseReturnValue:
    """Show one ready-made script, so that an organiser can read it before choosing it."""
    campaign = campaign_for(current_user, campaign_id)
    script = campaign_scripts.ready_made_script(slug, language)
    return render_template(
        "scripts/ready_made.html", campaign=campaign, parsed=script, blocks=step_views(script)
    )


@scripts.post("/library")
@open_to(RoleName.ORGANISER)
def use_ready_made(campaign_id: int) -> ResponseReturnValue:
    """Copy a ready-made script into the campaign and publish it. If no script is chosen for the
    campaign yet, this script is chosen."""
    campaign = campaign_for(current_user, campaign_id)
    slug, language = request.form.get("slug", ""), request.form.get("language", "")
    script = campaign_scripts.use_ready_made(campaign, slug, language, signed_in_account())
    db.session.commit()
    flash(
        f"Added to this campaign. {script_views.when_callers_get_it(campaign, script)}"
        " Fill in what is missing, and change what you like.",
        "success",
    )
    return redirect_to("show", campaign, script)


@scripts.post("/blank")
@open_to(RoleName.ORGANISER)
def start_blank(campaign_id: int) -> ResponseReturnValue:
    """Add a blank script and open it in the editor."""
    campaign = campaign_for(current_user, campaign_id)
    script = campaign_scripts.start_blank(campaign)
    db.session.commit()
    return redirect(url_for("script_editor.edit", campaign_id=campaign.id, script_id=script.id))
