"""The views behind the host's buttons for a party's callers, such as the buttons that admit, rename
or remove a caller."""

from flask import flash, request
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.core.access import open_to
from phonebank.core.db import retry_on_deadlock
from phonebank.hosts.blueprint import back_to, pages
from phonebank.models import RoleName
from phonebank.parties import participants, services
from phonebank.parties.help_requests import mark_seen
from phonebank.roster.admit import admit, set_door
from phonebank.roster.admit import admit_all as admit_everyone
from phonebank.roster.remove import remove
from phonebank.roster.rename import hide
from phonebank.roster.rooms import lock_in_room


@pages.post("/<int:party_id>/door")
@open_to(RoleName.HOST)
def door(party_id: int) -> ResponseReturnValue:
    party = services.party_for(current_user, party_id, to_change=True)
    set_door(party, request.form.get("open") == "yes")
    return back_to(party)


@pages.post("/<int:party_id>/admit-all")
@open_to(RoleName.HOST)
def admit_all(party_id: int) -> ResponseReturnValue:
    party = services.party_for(current_user, party_id, to_change=True)
    admit_everyone(party)
    return back_to(party)


@pages.post(
    "/<int:party_id>/callers/<int:caller_id>/<any(admit, hide, show, remove, helped):action>"
)
@open_to(RoleName.HOST)
@retry_on_deadlock
def do_with_caller(party_id: int, caller_id: int, action: str) -> ResponseReturnValue:
    party = services.party_for(current_user, party_id, to_change=True)
    caller = participants.caller_in(party, caller_id)
    if action == "admit":
        if caller.held:
            return back_to(party, f"Only an organiser can let {caller.first_name} in.")
        if not admit([caller]):
            flash(f"{caller.first_name} is no longer waiting.", "info")
    elif action == "remove":
        remove(caller)
    elif action == "helped":
        mark_seen(caller)
    else:
        hide(caller, action == "hide")
    return back_to(party)


@pages.post("/<int:party_id>/callers/<int:caller_id>/name")
@open_to(RoleName.HOST)
def rename_caller(party_id: int, caller_id: int) -> ResponseReturnValue:
    party = services.party_for(current_user, party_id, to_change=True)
    caller = participants.caller_in(party, caller_id)
    lock_in_room(caller)
    name, was = request.form.get("name", ""), request.form.get("was", caller.first_name)
    if was != caller.first_name and name != caller.first_name:
        words = f"While this page was open, {was}'s name was changed to {caller.first_name}."
        flash(f"{words} We kept that name. You can change it again.", "error")
        return back_to(party)
    participants.rename_caller(caller, name)
    return back_to(party)
