"""The organiser's page of what one caller did, and what can be done about it."""

from flask import Blueprint, Flask, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from callers.history import anyone_of, sights_of
from callers.pace import flags_of, let_go_on, pause_of
from phonebank.access import open_to
from phonebank.campaigns.verbs import campaign_for
from phonebank.models import ORGANISER, now
from phonebank.stores import db

history = Blueprint(
    "history",
    __name__,
    url_prefix="/campaigns/<int:campaign_id>/callers/<int:caller_id>/history",
    template_folder="templates",
)


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(history)


@history.get("")
@open_to(ORGANISER)
def show(campaign_id: int, caller_id: int) -> ResponseReturnValue:
    """How many people they saw, how fast, and what came of it; also of one who is out."""
    campaign = campaign_for(current_user, campaign_id)
    caller = anyone_of(campaign, caller_id)
    flags = flags_of(caller)
    at = now()
    return render_template(
        "callers/history.html",
        campaign=campaign,
        caller=caller,
        pause=pause_of(caller, at),
        flags=flags,
        open_flags=any(flag.looked_at is None for flag in flags),
        sights=sights_of(caller, at),
    )


@history.post("/go-on")
@open_to(ORGANISER)
def go_on(campaign_id: int, caller_id: int) -> ResponseReturnValue:
    """End a caller's pause, and note who looked."""
    campaign = campaign_for(current_user, campaign_id)
    caller = anyone_of(campaign, caller_id)
    let_go_on(caller, current_user, now())
    db.session.commit()
    flash(f"{caller.first_name} goes on.", "success")
    return redirect(url_for("roster.index", campaign_id=campaign.id), 303)
