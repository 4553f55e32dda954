"""The host's pages about strangers who want to come to a party. One page has the guests, and a form
for the details that strangers see. The other page is a kit to print."""

from contextlib import suppress

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from redis.exceptions import RedisError
from sqlalchemy import select

from phonebank.callouts.pledges import is_pledged
from phonebank.core.access import open_to
from phonebank.core.config import current_config
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError, NotFoundError
from phonebank.core.jobs import enqueue
from phonebank.core.moment_field import MoveForm
from phonebank.core.qr_codes import qr_svg
from phonebank.hosts.blueprint import describe_start, pages
from phonebank.hosts.listing_forms import ListingForm
from phonebank.listings import guests, listings
from phonebank.listings.jobs import send_due_reminders
from phonebank.listings.mails import listing_link
from phonebank.listings.times import is_over
from phonebank.models import (
    Account,
    Campaign,
    CampaignState,
    GuestState,
    Listing,
    ListingState,
    Party,
    Place,
    RoleName,
    now,
)
from phonebank.parties.codes import invitation, join_link
from phonebank.parties.services import party_for
from phonebank.rules.time_zones import time_zone
from phonebank.trainings.marks import must_train

ANSWERS = {
    "let-come": (guests.let_come, "{} is coming, and will get an e-mail within a minute."),
    "refuse": (guests.refuse, "{} will get an e-mail that says “not this time”."),
    "block": (guests.block, "{} can't come to any event of this campaign, and won't be told."),
}


@pages.route("/<int:party_id>/guests", methods=["GET", "POST"])
@open_to(RoleName.HOST)
def guest_list(party_id: int) -> ResponseReturnValue:
    """Show the party's guests, and the form for what strangers see of the party. A POST stores what
    the host typed about the party."""
    party = party_for(current_user, party_id)
    listing = listings.listing_of(party)
    form = ListingForm()
    if not form.is_submitted():
        return _render(party, listing, form)
    status = 422
    if form.validate():
        try:
            return _store(party, listing, form)
        except InvalidInputError as error:
            db.session.rollback()
            form.form_errors.append(f"{error.message} {error.what_to_do}".strip())
    return _render(party, listing, form), status


def _store(party: Party, listing: Listing | None, form: ListingForm) -> ResponseReturnValue:
    campaign = db.session.get_one(Campaign, party.campaign_id)
    if listing is not None and not form.address.data and not _may_read_address(party):
        # An organiser who may not read the address leaves the field empty. The address stays.
        form.address.data = listings.street_address(listing)
    was_returned = listing is not None and listing.returned_because is not None
    details = form.details(campaign.country, listing, _place_of(listing))
    has_more_places = listing is not None and details.places > listing.places
    if listing is not None and listing.state == ListingState.DRAFT and "draft" in request.form:
        listings.change_details(listing, details)
        words = "Saved. People near you still can't find your party."
    elif listing is None or listing.state == ListingState.DRAFT:
        listing = listings.list_party(current_user, party, details)
        if listing.state == ListingState.SHOWN:
            words = "People near you can find your party now."
        else:
            words = (
                "An organiser, or a volunteer who checks parties, will check yours. Then people "
                "near you will be able to find it."
            )
    elif listings.change_details(listing, details):
        words = "Changed. Your guests will get an e-mail about it."
    elif was_returned:
        words = "Saved. Somebody will check your party again before people can find it."
    else:
        words = "Saved."
    if has_more_places:
        guests.fill_new_places(listing)
    return _done(party, words)


@pages.post('/<int:party_id>/guests/<int:guest_id>/<any("let-come", "refuse", "block"):answer>')
@open_to(RoleName.HOST)
def answer_guest(party_id: int, guest_id: int, answer: str) -> ResponseReturnValue:
    """Accept, refuse or block a guest."""
    party, listing = _listed(party_id)
    act, words = ANSWERS[answer]
    guest = act(listing, guest_id)
    return _done(party, words.format(guest.first_name))


@pages.post("/<int:party_id>/guests/right")
@open_to(RoleName.HOST)
def still_right(party_id: int) -> ResponseReturnValue:
    """Record that the host has just confirmed the details in the party's listing."""
    party, listing = _listed(party_id)
    listings.confirm_details(listing)
    return _done(party, "Thank you. People can now see that your party was confirmed today.")


@pages.post("/<int:party_id>/guests/move")
@open_to(RoleName.HOST)
def move(party_id: int) -> ResponseReturnValue:
    """Move the party to another time. A job then e-mails the accepted guests, and the guests who
    wait for an answer or a place."""
    party, listing = _listed(party_id)
    form = MoveForm()
    if not form.validate():
        return _render(party, listing, ListingForm(formdata=None), form), 422
    try:
        before = listing.starts_at
        listings.move(listing, form.starts(time_zone(listing.time_zone)))
    except InvalidInputError as error:
        db.session.rollback()
        form.starts_at.errors = [f"{error.message} {error.what_to_do}"]
        return _render(party, listing, ListingForm(formdata=None), form), 422
    if listing.starts_at == before:
        return _done(party, "The party starts at this time already.")
    words = "Everyone who is coming or has asked will get an e-mail with the new time."
    return _done(party, f"Moved. {words}")


@pages.post("/<int:party_id>/guests/cancel")
@open_to(RoleName.HOST)
def cancel_event(party_id: int) -> ResponseReturnValue:
    """Cancel the party. A job then e-mails the accepted guests, and the guests who wait for an
    answer or a place. If the party is cancelled already, nobody gets an e-mail."""
    party, listing = _listed(party_id)
    if not listings.cancel(listing):
        return _done(party, "The party is cancelled already. Nobody gets an e-mail.")
    return _done(party, "Cancelled. Everyone who was coming or had asked will get an e-mail.")


@pages.get("/<int:party_id>/kit")
@open_to(RoleName.HOST)
def kit(party_id: int) -> ResponseReturnValue:
    """Show the host's kit, ready to print: the code to join, the invitation, and advice."""
    party = party_for(current_user, party_id)
    campaign = db.session.get_one(Campaign, party.campaign_id)
    base_url = current_config().base_url
    link = join_link(base_url, party.code)
    listing = listings.listing_of(party)
    when = describe_start(party)
    return render_template(
        "parties/kit.html",
        party=party,
        campaign=campaign,
        when=when,
        link=link,
        qr=qr_svg(link),
        invitation=invitation(party.title, when, link, party.code, base_url, campaign.on_behalf_of),
        listing=listing,
        public_link=listing_link(listing)
        if listing is not None
        and listing.state == ListingState.SHOWN
        and not guests.is_off(listing, now())
        else None,
        coming=[g for g in guests.guests_of(listing) if g.state == GuestState.ACCEPTED]
        if listing is not None
        else [],
    )


def _render(
    party: Party, listing: Listing | None, form: ListingForm, move_form: MoveForm | None = None
) -> str:
    if not form.is_submitted() or move_form is not None:
        if listing is not None:
            known = listings.street_address(listing) if _may_read_address(party) else ""
            form.show(listing, known)
        elif not form.host_name.data:
            form.host_name.data = (current_user.name or "").split(" ")[0][:40]
            form.place.data = _place_in_address()
    campaign = db.session.get_one(Campaign, party.campaign_id)
    trains_first = (
        listing is not None
        and listing.state == ListingState.DRAFT
        and must_train(campaign, db.session.get_one(Account, party.host_id))
    )
    found = guests.guests_of(listing) if listing is not None else []
    return render_template(
        "parties/guests.html",
        party=party,
        listing=listing,
        form=form,
        move_form=move_form or MoveForm(formdata=None),
        asking=[g for g in found if g.state == GuestState.ASKED],
        queued=[g for g in found if g.state == GuestState.QUEUED],
        coming=[g for g in found if g.state == GuestState.ACCEPTED],
        when=describe_start(party),
        public_link=listing_link(listing) if listing is not None else None,
        trains_first=trains_first,
        is_pledged=is_pledged(party),
        needs_address=listing is not None and not listing.by_video and listing.address is None,
        over=party.has_ended
        or is_over(party.starts_at, now())
        or campaign.state == CampaignState.ENDED,
    )


def _place_in_address() -> str:
    """The parameter `near` in the page's address names a place. Return this place as a host would
    type it, or "" if there is no such place. The link “Host a party here” has this parameter."""
    country, _, code = request.args.get("near", "").partition("/")
    place = db.session.scalar(
        select(Place).where(Place.country == country.upper(), Place.code == code)
    )
    if place is None:
        return ""
    return place.code if place.population is None else place.name


def _listed(party_id: int) -> tuple[Party, Listing]:
    party = party_for(current_user, party_id)
    listing = listings.listing_of(party)
    if listing is None:
        raise NotFoundError("Strangers can't find this party yet.", "Fill in the form first.")
    return party, listing


def _may_read_address(party: Party) -> bool:
    """Whether the signed-in person is the host or a co-host. An organiser may also run the party,
    but does not need to know where people live."""
    return party.host_id == current_user.id or current_user in party.cohosts


def _place_of(listing: Listing | None) -> Place | None:
    if listing is None:
        return None
    return db.session.scalar(
        select(Place).where(Place.country == listing.country, Place.code == listing.place_code)
    )


def _done(party: Party, words: str) -> ResponseReturnValue:
    db.session.commit()
    with suppress(RedisError):  # once Redis is back, the clock sends the e-mails within a minute
        enqueue(send_due_reminders)
    flash(words, "success")
    return redirect(url_for(".guest_list", party_id=party.id), 303)
