"""The blueprint of the pages about scripts, and the functions that its views share."""

from typing import Any

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.core.scopes import campaign_for
from phonebank.models import Campaign, Script
from phonebank.scripts.campaign_scripts import script_for

scripts = Blueprint("scripts", __name__, url_prefix="/campaigns/<int:campaign_id>/scripts")

OVERTAKEN = (
    "Someone has changed this script since you opened it, so nothing is saved yet. Open it in"
    " another tab to see their version. Save here again to replace it with yours."
)


def load_script(campaign_id: int, script_id: int) -> tuple[Campaign, Script]:
    """Return the campaign and the script with these ids. Raises NotFoundError if there is no such
    campaign or script, or if the signed-in person may not see the campaign. Raises NotAllowedError
    for a viewer of the campaign."""
    campaign = campaign_for(current_user, campaign_id)
    return campaign, script_for(campaign, script_id)


def signed_in_account() -> Any:
    """Return the signed-in organiser's account itself, and not the proxy that Flask-Login puts
    around the account."""
    return current_user._get_current_object()


def redirect_to(page: str, campaign: Campaign, script: Script) -> ResponseReturnValue:
    """Redirect to a page of the script. `page` is the name of the page's view, such as "show"."""
    return redirect(url_for(f"scripts.{page}", campaign_id=campaign.id, script_id=script.id))
