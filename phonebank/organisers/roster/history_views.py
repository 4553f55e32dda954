"""The organiser's page about what one caller did, with the buttons that resume or stop the
caller."""

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.calls.caller_history import caller_in, sights_of
from phonebank.calls.set_aside import progress, set_asides_of
from phonebank.core.access import open_to
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.scopes import campaign_for
from phonebank.models import CallerState, RoleName, now
from phonebank.roster.pace import flags_of, pause_end
from phonebank.roster.stop import REASON_AT_MOST, actions_about, resume_caller, stop

history = Blueprint(
    "history",
    __name__,
    url_prefix="/campaigns/<int:campaign_id>/callers/<int:caller_id>/history",
)


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(history)


@history.get("")
@open_to(RoleName.ORGANISER)
def show(campaign_id: int, caller_id: int) -> ResponseReturnValue:
    """Show how many people the caller saw, how fast the caller worked, which outcomes the caller
    recorded, and what organisers did about the caller.

    The page exists for removed callers too.
    """
    campaign = campaign_for(current_user, campaign_id)
    caller = caller_in(campaign, caller_id)
    flags = flags_of(caller)
    at = now()
    return render_template(
        "roster/history.html",
        campaign=campaign,
        caller=caller,
        pause=pause_end(caller, at),
        flags=flags,
        open_flags=any(flag.looked_at is None for flag in flags),
        sights=sights_of(caller, at),
        actions=actions_about(caller),
        acts=[(act, progress(act)) for act in set_asides_of(caller)],
        reason_at_most=REASON_AT_MOST,
    )


@history.post("/go-on")
@open_to(RoleName.ORGANISER)
def go_on(campaign_id: int, caller_id: int) -> ResponseReturnValue:
    """End a caller's pause, and store which organiser reviewed the caller."""
    campaign = campaign_for(current_user, campaign_id)
    caller = caller_in(campaign, caller_id)
    resume_caller(caller, current_user, now())
    db.session.commit()
    said = "still waits to be let in" if caller.state == CallerState.WAITING else "can continue"
    flash(f"{caller.first_name} {said}.", "success")
    return redirect(url_for("roster.index", campaign_id=campaign.id), 303)


@history.post("/stop")
@open_to(RoleName.ORGANISER)
@retry_on_deadlock
def stop_now(campaign_id: int, caller_id: int) -> ResponseReturnValue:
    """Stop a caller on every device. Newcomers who join from the caller's network address within a
    day must wait until an organiser admits them. If the address is not known, all newcomers to the
    caller's party must wait to be admitted. If the caller has no party, all newcomers to the
    campaign must wait."""
    campaign = campaign_for(current_user, campaign_id)
    caller = caller_in(campaign, caller_id)
    at = now()
    seen = sights_of(caller, at)
    reason = request.form.get("reason", "")
    stop(caller, current_user, reason, at, people=seen.people, last_hour=seen.last_hour)
    db.session.commit()
    flash(f"{caller.first_name} is stopped, on every device.", "success")
    return redirect(url_for(".show", campaign_id=campaign.id, caller_id=caller.id), 303)
