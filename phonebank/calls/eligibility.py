"""Checks that calling is under way in a caller's campaign and party."""

from datetime import datetime

from phonebank.core.errors import GoneError, NotAllowedError, NotRunningError
from phonebank.models import Caller, Campaign, CampaignState, now


class NotAdmittedError(NotAllowedError):
    """The error that is raised if a caller is waiting to be admitted, or has been removed."""

    title = "You're not in"

    def __init__(self) -> None:
        super().__init__(
            "Nobody has let you in yet, or you've been removed.",
            "Ask your host, or the person who sent you the link.",
        )


class NotStartedError(NotRunningError):
    """The error that is raised if no organiser has started the campaign yet."""

    title = "Not started yet"

    def __init__(self) -> None:
        super().__init__(
            "The campaign hasn't started yet. An organiser will start it.", "Keep this page open."
        )


class OnBreakError(NotRunningError):
    """The error that is raised while a party is on a break. `next_at` (aware UTC) is when the break
    ends, or None if the host has not set an end."""

    title = "Break"

    def __init__(self, next_at: datetime | None) -> None:
        self.next_at = next_at
        super().__init__(
            "Your host has called a break.",
            "Keep this page open. You'll continue when the break ends.",
        )


def running_campaign(caller: Caller) -> Campaign:
    """Return the caller's campaign if calling is under way in it and in the caller's party.

    Raises NotRunningError if the campaign is paused or has not started. Raises OnBreakError if the
    party is on a break. Raises GoneError if the campaign or the party has ended.
    """
    campaign, party = caller.campaign, caller.party
    if campaign.state == CampaignState.ENDED:
        raise GoneError("This campaign has ended.", "Thank you for every call you made.")
    if campaign.state == CampaignState.DRAFT:
        raise NotStartedError()
    if not campaign.is_running:
        raise NotRunningError("The campaign is paused right now.", "Keep this page open.")
    if party is not None and party.has_ended:
        raise GoneError("The party has ended.", "Thank you for every call you made.")
    if party is not None and party.is_paused(now()):
        raise OnBreakError(None if party.paused else party.break_until)
    return campaign
