"""The organiser's page of the budgets: how fast the callers of a campaign may see people."""

from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from wtforms import IntegerField
from wtforms.validators import InputRequired, NumberRange

from phonebank.campaigns.services import campaign_for
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.edit_form import EditForm
from phonebank.models import Campaign, RoleName
from phonebank.roster.pace import BUDGET_AT_MOST, BUDGETS, KINDS, NEWCOMERS, evidence_of

pace = Blueprint("pace", __name__, url_prefix="/campaigns/<int:campaign_id>/pace")


def init_app(app: Flask) -> None:
    """Add the page, and for templates of both sides the evidence behind a flag in words."""
    app.register_blueprint(pace)
    app.add_template_filter(evidence_of, "pace_evidence")


class PaceForm(EditForm):
    """A whole number for each budget; the fields are added below."""

    def values(self) -> dict[str, Any]:
        """The checked columns of a Campaign."""
        return {key: self[key].data for key in BUDGETS}


_IN_WORDS = {key: (kind.label, kind.why) for key, kind in KINDS.items()} | {
    NEWCOMERS: (
        "People an hour for all new callers from one address",
        "A new phone is a new caller with limits of its own. When the callers who joined from one "
        "internet address within the hour have together seen this many people, the next ones "
        "wait until a host or an organiser lets them in.",
    )
}
for _key in BUDGETS:
    _label, _why = _IN_WORDS[_key]
    _usual = Campaign.__table__.c[_key].default.arg
    _field = IntegerField(
        _label,
        [
            InputRequired("Write a whole number."),
            NumberRange(1, BUDGET_AT_MOST, f"Write a number from 1 to {BUDGET_AT_MOST:,}."),
        ],
        description=f"{_why} Usually {_usual}.",
    )
    setattr(PaceForm, _key, _field)


@pace.route("", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def edit(campaign_id: int) -> ResponseReturnValue:
    """Read the budgets, or change them. They hold from the next person on."""
    campaign = campaign_for(current_user, campaign_id, to_change=request.method == "POST")
    form = PaceForm(obj=campaign)
    status = 200
    if form.is_submitted():
        status = 422
        if form.validate() and not form.is_overtaken():
            for name, value in form.values().items():
                setattr(campaign, name, value)
            db.session.commit()
            flash("Saved. It applies to every caller from the next person.", "success")
            return redirect(url_for(".edit", campaign_id=campaign.id), 303)
    page = render_template("roster/pace.html", form=form, campaign=campaign, budgets=BUDGETS)
    return page, status
