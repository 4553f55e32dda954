"""The organiser's page that shows a campaign's parties and hosts."""

from flask import Blueprint, Flask, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.accounts.invitations import invite_host
from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.scopes import campaign_for
from phonebank.models import RoleName
from phonebank.organisers.responses import commit_and_redirect
from phonebank.parties.services import page_of_parties
from phonebank.parties.standings import standings
from phonebank.rules.local_moments import describe_moment
from phonebank.tallies.totals import party_totals
from phonebank.volunteers import ready
from phonebank.volunteers.ready import Step, ready_for

parties = Blueprint("campaign_parties", __name__, url_prefix="/campaigns/<int:campaign_id>")


def init_app(app: Flask) -> None:
    """Add the page."""
    app.register_blueprint(parties)


@parties.get("/parties")
@open_to(RoleName.ORGANISER)
def index(campaign_id: int) -> ResponseReturnValue:
    """Show a page of the campaign's parties with their figures (see `page_of_parties`). Show the
    campaign's hosts too."""
    campaign = campaign_for(current_user, campaign_id)
    page = max(1, request.args.get("page", 1, type=int))
    found, has_more = page_of_parties(campaign, page)
    return render_template(
        "campaigns/parties.html",
        campaign=campaign,
        parties=found,
        page=page,
        has_more=has_more,
        starts={party.id: describe_moment(party.starts_at, party.time_zone) for party in found},
        totals=party_totals(party.id for party in found),
        standings=standings(campaign.id),
        rules=ready,
        ready={step: ready_for(step, campaign) for step in Step},
    )


@parties.post("/hosts")
@open_to(RoleName.ORGANISER)
def invite(campaign_id: int) -> ResponseReturnValue:
    """Invite the person with the typed e-mail address to host parties for the campaign."""
    campaign = campaign_for(current_user, campaign_id)
    email, name = request.form.get("email", ""), request.form.get("name", "")
    host = invite_host(campaign, email, name, current_user)
    record_audit(
        "host invited",
        account=current_user,
        campaign=campaign,
        subject_kind="account",
        subject_id=host.id,
    )
    return commit_and_redirect(
        url_for(".index", campaign_id=campaign.id, _anchor="hosts"),
        f"{host.email} can now host parties for this campaign.",
    )
