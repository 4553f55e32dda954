"""Refuses new people in a campaign whose people are being erased or have been erased."""

from phonebank.core.errors import ConflictError
from phonebank.models import Campaign


def refuse_erased(campaign: Campaign) -> None:
    """Raise ConflictError if the campaign's people are erased, or are being erased."""
    if campaign.erasing_since is not None:
        raise ConflictError(
            "The time is over for which this campaign could keep people, and they are erased.",
            "Make a new campaign.",
        )
