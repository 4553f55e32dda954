"""A campaign's events that strangers can find: new ones wait for a look, reported ones are
hidden until an organiser looks."""

from flask import Blueprint, Flask, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.scopes import campaign_for
from phonebank.listings import checks
from phonebank.listings.listings import listing_for, when_of
from phonebank.listings.nearest import KINDS
from phonebank.models import RoleName
from phonebank.organisers.responses import commit_and_redirect

listings = Blueprint("listings", __name__, url_prefix="/campaigns/<int:campaign_id>/events")

ACTIONS = {
    "show": (checks.approve, "listing shown", "People can find it."),
    "hide": (checks.hide, "listing hidden", "Nobody new can find it. Its guests still come."),
}


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(listings)


@listings.get("")
@open_to(RoleName.ORGANISER)
def index(campaign_id: int) -> ResponseReturnValue:
    """Show the events to come, those that need a look first."""
    campaign = campaign_for(current_user, campaign_id)
    return render_template(
        "listings/index.html",
        campaign=campaign,
        found=checks.listings_in(campaign),
        needs_look=checks.needs_look,
        when_of=when_of,
        kinds=KINDS,
        hides=checks.REPORTS_THAT_HIDE,
    )


@listings.post('/<int:listing_id>/<any("show", "hide"):action>')
@open_to(RoleName.ORGANISER)
def do(campaign_id: int, listing_id: int, action: str) -> ResponseReturnValue:
    """Show or hide one event. Its reports are settled."""
    campaign = campaign_for(current_user, campaign_id)
    listing = listing_for(campaign, listing_id)
    act, recorded, words = ACTIONS[action]
    act(listing)
    record_audit(
        recorded,
        account=current_user,
        campaign=campaign,
        subject_kind="listing",
        subject_id=listing.id,
    )
    return commit_and_redirect(url_for(".index", campaign_id=campaign_id), words)
