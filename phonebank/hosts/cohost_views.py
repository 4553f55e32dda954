"""The views that add and remove co-hosts. The forms for both are on the party's own page."""

from flask import request
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.core.access import open_to
from phonebank.core.rate_limits import account_key, limiter
from phonebank.hosts.blueprint import back_to, pages
from phonebank.models import RoleName
from phonebank.parties.cohosts import invite_cohost, remove_cohost
from phonebank.parties.services import party_for

# This limit counts for each account, because each invitation sends an e-mail to a typed address.
INVITATIONS = "20 per hour"


@pages.post("/<int:party_id>/cohosts")
@open_to(RoleName.HOST)
@limiter.limit(INVITATIONS, key_func=account_key)
def add_cohost(party_id: int) -> ResponseReturnValue:
    """Invite a co-host."""
    party = party_for(current_user, party_id)
    invited = invite_cohost(current_user, party, request.form.get("email", ""))
    return back_to(
        party, f"{invited.email} can now run this party too. We've e-mailed them a link."
    )


@pages.post("/<int:party_id>/cohosts/<int:account_id>/remove")
@open_to(RoleName.HOST)
def drop_cohost(party_id: int, account_id: int) -> ResponseReturnValue:
    """Remove a co-host."""
    party = party_for(current_user, party_id, to_change=True)
    remove_cohost(current_user, party, account_id)
    return back_to(party, "This person is no longer a co-host of this party.")
