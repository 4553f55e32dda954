"""The pages on which an organiser sets a caller's recorded calls aside, so that the calls do not
count in any total. The organiser can also bring the calls back."""

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.calls import set_aside
from phonebank.calls.caller_history import caller_in
from phonebank.calls.jobs import SECONDS_IN_REQUEST, continue_set_aside
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.scopes import campaign_for
from phonebank.models import Caller, RoleName, SetAside, SetAsideState, now
from phonebank.roster.stop import REASON_AT_MOST

pages = Blueprint(
    "set_aside",
    __name__,
    url_prefix="/campaigns/<int:campaign_id>/callers/<int:caller_id>/set-aside",
)

_UNFINISHED = "Phonebank is working through the calls. Reload the page to see how far it is."


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(pages)


@pages.get("")
@open_to(RoleName.ORGANISER)
def look(campaign_id: int, caller_id: int) -> ResponseReturnValue:
    """Show how many calls, people and do-not-call entries would change if the caller's calls were
    set aside."""
    campaign = campaign_for(current_user, campaign_id)
    caller = caller_in(campaign, caller_id)
    return render_template(
        "roster/set_aside.html",
        campaign=campaign,
        caller=caller,
        all_of_it=set_aside.preview(caller),
        fast=set_aside.preview(caller, only_fast=True),
        reason_at_most=REASON_AT_MOST,
    )


@pages.post("")
@open_to(RoleName.ORGANISER)
def do(campaign_id: int, caller_id: int) -> ResponseReturnValue:
    """Set all of the caller's calls aside, or only those that were recorded too fast. If there are
    too many calls for one request, a job sets the rest aside."""
    campaign = campaign_for(current_user, campaign_id)
    caller = caller_in(campaign, caller_id)
    only_fast = request.form.get("which") == "fast"
    act = set_aside.begin(
        caller, current_user, request.form.get("reason", ""), now(), only_fast=only_fast
    )
    db.session.commit()
    return _work(caller, act, "Set aside: {} by {}.")


@pages.get("/<int:act_id>/bring-back")
@open_to(RoleName.ORGANISER)
def look_back(campaign_id: int, caller_id: int, act_id: int) -> ResponseReturnValue:
    """Show what would change if the calls of one `SetAside` counted in the totals again. If these
    calls are still being set aside or brought back, or if they already count again, the page says
    so instead."""
    campaign = campaign_for(current_user, campaign_id)
    caller = caller_in(campaign, caller_id)
    act = set_aside.set_aside_of(caller, act_id)
    return render_template(
        "roster/bring_back.html",
        campaign=campaign,
        caller=caller,
        act=act,
        is_done=act.state == SetAsideState.DONE,
        progress=set_aside.progress(act),
        reason_at_most=REASON_AT_MOST,
    )


@pages.post("/<int:act_id>/bring-back")
@open_to(RoleName.ORGANISER)
def bring_back(campaign_id: int, caller_id: int, act_id: int) -> ResponseReturnValue:
    """Bring back the calls of one `SetAside`, so that the calls count in the totals again. If there
    are too many calls for one request, a job brings the rest back."""
    campaign = campaign_for(current_user, campaign_id)
    caller = caller_in(campaign, caller_id)
    act = set_aside.set_aside_of(caller, act_id)
    set_aside.bring_back(act, current_user, request.form.get("reason", ""), now())
    db.session.commit()
    return _work(caller, act, "Brought back: {} by {}.")


def _work(caller: Caller, act: SetAside, done: str) -> ResponseReturnValue:
    finished = continue_set_aside(act.id, SECONDS_IN_REQUEST)
    number = set_aside.progress(act).calls
    calls = f"{number:,} {'call' if number == 1 else 'calls'}"
    flash(done.format(calls, caller.first_name) if finished else _UNFINISHED, "success")
    history = url_for(
        "history.show", campaign_id=caller.campaign_id, caller_id=caller.id, _anchor="set-aside"
    )
    return redirect(history, 303)
