"""Finds the page on which an organiser completes a step of a campaign's checklist. The checklist
has the steps that are needed before the first call."""

from flask import url_for

from phonebank.campaigns.checklist import Step
from phonebank.lists.screening import stopped_lists
from phonebank.models import Campaign


def step_address(campaign: Campaign, step: Step) -> str:
    """Return the address of the page on which an organiser completes this step, or changes it
    later."""
    if step.key == "screening" and len(stopped := stopped_lists(campaign)) == 1:
        return url_for(
            "lists.progress", campaign_id=campaign.id, list_id=stopped[0], _anchor="screening"
        )
    page = {
        "people": "lists.history" if step.done else "lists.new",
        "screening": "lists.history",
        "script": "scripts.index",
        "data": "campaigns.data_protection",
    }[step.key]
    return url_for(page, campaign_id=campaign.id)
