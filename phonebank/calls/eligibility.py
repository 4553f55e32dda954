"""Checks that a caller's campaign and party are calling right now."""

from phonebank.core.db import db
from phonebank.core.errors import GoneError, NotAllowedError, NotRunningError
from phonebank.models import Caller, Campaign, CampaignState, Party


class NotAdmittedError(NotAllowedError):
    """The error of a caller who waits in the lobby, or was removed since the request began."""

    title = "You're not in"

    def __init__(self) -> None:
        super().__init__(
            "Nobody has let you in yet, or you've been removed.",
            "Ask your host, or the person who sent you the link.",
        )


def running_campaign(caller: Caller) -> Campaign:
    """Return the caller's campaign, while the campaign and the caller's party are calling.

    Raises NotRunningError while one of them is paused, GoneError once one has ended.
    """
    campaign = db.session.get_one(Campaign, caller.campaign_id)
    if campaign.state == CampaignState.ENDED:
        raise GoneError("This campaign has ended.", "Thank you for every call you made.")
    if not campaign.is_running:
        raise NotRunningError("The campaign is paused right now.", "Keep this page open.")
    party = db.session.get(Party, caller.party_id) if caller.party_id else None
    if party is not None and party.has_ended:
        raise GoneError("The party has ended.", "Thank you for every call you made.")
    if party is not None and party.paused:
        raise NotRunningError(
            "Your host has paused calling.", "You can continue when they resume it."
        )
    return campaign
