"""The page that shows which of a party's callers have finished a practice call, and which are
marked as trained. The page shows callers' first names, and nothing about contacts."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.hosts.blueprint import back_to, pages
from phonebank.models import Campaign, RoleName
from phonebank.parties import participants, services
from phonebank.trainings import marks


@pages.get("/<int:party_id>/training")
@open_to(RoleName.HOST)
def training(party_id: int) -> ResponseReturnValue:
    """Show which callers have finished a practice call, and which are marked as trained."""
    party = services.party_for(current_user, party_id)
    return render_template(
        "parties/training.html",
        party=party,
        campaign=db.session.get_one(Campaign, party.campaign_id),
        trainees=marks.callers_of(party),
    )


@pages.post("/<int:party_id>/callers/<int:caller_id>/<any(trained, untrained):mark>")
@open_to(RoleName.HOST)
def set_mark(party_id: int, caller_id: int, mark: str) -> ResponseReturnValue:
    """Mark a caller as trained, or remove the mark."""
    party = services.party_for(current_user, party_id, to_change=True)
    caller = participants.caller_in(party, caller_id)
    try:
        if mark == "trained":
            marks.give_mark(caller, current_user)
        else:
            marks.take_mark_back(caller, current_user)
    except ConflictError as error:
        db.session.rollback()
        flash(f"{error.message} {error.what_to_do}", "error")
        return redirect(url_for(".training", party_id=party_id), 303)
    return back_to(party, page=".training")
