"""The page on which an organiser manages a campaign's public events. A new host's parties are
hidden from strangers until somebody has checked one of them. An event that three strangers have
reported is also hidden, until somebody shows it again."""

from flask import Blueprint, Flask, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from wtforms.fields.choices import SelectChoice

from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.after_response import run_after
from phonebank.core.errors import InvalidInputError
from phonebank.core.mail import send_one
from phonebank.core.moment_field import MoveForm
from phonebank.core.scopes import campaign_for
from phonebank.listings import checks, offers
from phonebank.listings.listings import cancel, list_event, listing_for, move, when_of
from phonebank.listings.nearest import KINDS
from phonebank.models import (
    Campaign,
    CampaignState,
    Listing,
    ListingKind,
    RoleName,
    VolunteerRoleKind,
)
from phonebank.organisers.listings.forms import EventForm
from phonebank.organisers.responses import commit_and_redirect
from phonebank.rules.countries import zone_of_country
from phonebank.rules.time_zones import time_zone
from phonebank.trainings.rooms import open_room, rooms_in
from phonebank.volunteers.roles import roles_in

listings = Blueprint("listings", __name__, url_prefix="/campaigns/<int:campaign_id>/events")

ACTIONS = {
    "show": (checks.approve, "listing shown", "People can find this event now."),
    "hide": (
        checks.hide,
        "listing hidden",
        "Nobody new can find this event. Its guests keep their places.",
    ),
}


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(listings)


@listings.get("")
@open_to(RoleName.ORGANISER)
def index(campaign_id: int) -> ResponseReturnValue:
    """Show the offers of strangers to host a party, and the campaign's events that are not over.
    Drafts are left out. Events that an organiser must check come first."""
    campaign = campaign_for(current_user, campaign_id)
    return render_template(
        "listings/index.html",
        campaign=campaign,
        found=checks.listings_in(campaign),
        when_of=when_of,
        kinds=KINDS,
        rooms=rooms_in(campaign),
        hides=checks.REPORTS_THAT_HIDE,
        move_form=MoveForm(formdata=None),
        offers=[
            (one, offers.area_of_offer(one), offers.when_of_offer(one))
            for one in offers.offers_in(campaign)
        ],
    )


@listings.post('/offers/<int:offer_id>/<any("accept", "refuse"):answer>')
@open_to(RoleName.ORGANISER)
def answer_offer(campaign_id: int, offer_id: int, answer: str) -> ResponseReturnValue:
    """Accept or refuse a stranger's offer to host a party. The stranger gets an e-mail about it."""
    campaign = campaign_for(current_user, campaign_id)
    if answer == "accept":
        offer = offers.accept_offer(campaign, offer_id, current_user)
        words = (
            f"{offer.first_name} is a host now, and will get an e-mail about the party within a "
            "minute."
        )
        if offers.is_draft(offer):
            words += " They must go to a training before their party is on the map."
    else:
        offer = offers.refuse_offer(campaign, offer_id)
        words = f"Refused. {offer.first_name} will get an e-mail about it."
    record_audit(
        "offer to host accepted" if answer == "accept" else "offer to host refused",
        account=current_user,
        campaign=campaign,
        subject_kind="host offer",
        subject_id=offer.id,
    )
    message = offers.refused_message(offer) if answer == "refuse" else None
    response = make_response(commit_and_redirect(url_for(".index", campaign_id=campaign.id), words))
    if message is not None:
        run_after(response, lambda: send_one(message))
    return response


@listings.route("/new", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def new(campaign_id: int) -> ResponseReturnValue:
    """Show the form for an event that is not a party. A POST makes the event public, so that
    strangers can find it at once."""
    campaign = campaign_for(current_user, campaign_id)
    form = EventForm(host_name=(current_user.name or "").split(" ")[0])
    trainers = {
        role.id: role for role in roles_in(campaign) if role.kind == VolunteerRoleKind.TRAINER
    }
    form.trainer.choices = [
        SelectChoice(0, "Nobody yet"),
        *(SelectChoice(role.id, role.first_name) for role in trainers.values()),
    ]
    if form.validate_on_submit():
        try:
            listing = list_event(
                current_user,
                campaign,
                ListingKind(form.kind.data),
                form.event(zone_of_country(campaign.country)),
                form.details(campaign.country),
            )
            if listing.kind == ListingKind.TRAINING:
                open_room(listing, trainers.get(form.trainer.data))
        except InvalidInputError as error:
            form.form_errors.append(f"{error.message} {error.what_to_do}".strip())
        else:
            return _done(campaign, listing, "event listed", "People can find this event now.")
    status = 422 if form.is_submitted() else 200
    return render_template("listings/new.html", campaign=campaign, form=form), status


@listings.post("/<int:listing_id>/cancel")
@open_to(RoleName.ORGANISER)
def cancel_event(campaign_id: int, listing_id: int) -> ResponseReturnValue:
    """Cancel an event, and e-mail everyone who is coming or has asked to come. If the event is
    cancelled already, nobody gets an e-mail."""
    campaign = campaign_for(current_user, campaign_id)
    listing = listing_for(campaign, listing_id)
    if not cancel(listing):
        return commit_and_redirect(
            url_for(".index", campaign_id=campaign.id),
            "The event is cancelled already. Nobody gets an e-mail.",
            "info",
        )
    return _done(campaign, listing, "event cancelled", "Cancelled. Every guest will get an e-mail.")


@listings.post("/<int:listing_id>/move")
@open_to(RoleName.ORGANISER)
def move_event(campaign_id: int, listing_id: int) -> ResponseReturnValue:
    """Move an event to another time, and e-mail everyone who is coming or has asked to come. If the
    event is at that time already, nobody gets an e-mail."""
    campaign = campaign_for(current_user, campaign_id)
    listing = listing_for(campaign, listing_id)
    form = MoveForm()
    if not form.validate():
        raise InvalidInputError("Choose a day and an hour.")
    before = listing.starts_at
    move(listing, form.starts(time_zone(listing.time_zone)))
    if listing.starts_at == before:
        return commit_and_redirect(
            url_for(".index", campaign_id=campaign.id),
            "The event is at that time already. Nobody gets an e-mail.",
            "info",
        )
    return _done(campaign, listing, "event moved", "Moved. Every guest will get an e-mail.")


@listings.post('/<int:listing_id>/<any("show", "hide"):action>')
@open_to(RoleName.ORGANISER)
def do(campaign_id: int, listing_id: int, action: str) -> ResponseReturnValue:
    """Show one event to strangers, or hide it from them. The event's open reports are marked as
    seen."""
    campaign = campaign_for(current_user, campaign_id)
    listing = listing_for(campaign, listing_id)
    act, recorded, words = ACTIONS[action]
    act(listing, request.form.get("shown", ""))
    if action == "show" and campaign.state == CampaignState.ENDED:
        words = "Nobody can find this event, because the campaign has ended."
    return _done(campaign, listing, recorded, words)


def _done(campaign: Campaign, listing: Listing, recorded: str, words: str) -> ResponseReturnValue:
    record_audit(
        recorded,
        account=current_user,
        campaign=campaign,
        subject_kind="listing",
        subject_id=listing.id,
    )
    return commit_and_redirect(url_for(".index", campaign_id=campaign.id), words)
