"""Refuses a change to a campaign, for example an upload of people, once the details of the
campaign's people are being erased or have been erased."""

from phonebank.core.errors import ConflictError
from phonebank.models import Campaign


def refuse_erased(campaign: Campaign) -> None:
    """Raise ConflictError if the details of the campaign's people have been erased or are being
    erased."""
    if campaign.erasing_since is not None:
        raise ConflictError(
            "This campaign may not keep people's details any longer, so they are erased.",
            "Make a new campaign.",
        )
