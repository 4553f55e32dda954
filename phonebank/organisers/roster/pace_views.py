"""The organiser's page of a campaign's pace limits, such as how many people a caller may see within
a given time."""

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.scopes import campaign_for
from phonebank.models import RoleName
from phonebank.organisers.roster.forms import PaceForm
from phonebank.roster.pace import BUDGETS, evidence_of

pace = Blueprint("pace", __name__, url_prefix="/campaigns/<int:campaign_id>/pace")


def init_app(app: Flask) -> None:
    """Add the page, and the template filter that says why a caller was flagged."""
    app.register_blueprint(pace)
    app.add_template_filter(evidence_of, "pace_evidence")


@pace.route("", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def edit(campaign_id: int) -> ResponseReturnValue:
    """Show the form for the pace limits. A POST saves the limits, unless somebody else has changed
    the same limit since the page was opened. A change applies when a caller gets their next
    person."""
    campaign = campaign_for(current_user, campaign_id, to_change=request.method == "POST")
    form = PaceForm(obj=campaign)
    status = 200
    if form.is_submitted():
        status = 422
        if form.validate() and not form.is_overtaken():
            for name, value in form.values().items():
                setattr(campaign, name, value)
            db.session.commit()
            flash("Saved. The new limits apply when a caller gets their next person.", "success")
            return redirect(url_for(".edit", campaign_id=campaign.id), 303)
    page = render_template("roster/pace.html", form=form, campaign=campaign, budgets=BUDGETS)
    return page, status
