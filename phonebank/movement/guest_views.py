"""The pages on which a stranger asks to come to an event, and each guest's own page."""

import logging

from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField
from wtforms.validators import DataRequired

from phonebank.accounts.sign_in_mail import sign_in_link
from phonebank.core import mail
from phonebank.core.access import ANYONE, open_to
from phonebank.core.after_response import run_after
from phonebank.core.config import current_config
from phonebank.core.db import db
from phonebank.core.email_field import NormalEmailField
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.core.rate_limits import client_key, limiter, typed_email_key
from phonebank.listings import alerts, checks, guests, mails, nearest
from phonebank.listings.listings import when_of
from phonebank.listings.times import is_over
from phonebank.models import (
    Account,
    Campaign,
    Guest,
    GuestState,
    Listing,
    ListingState,
    Party,
    Training,
    now,
)
from phonebank.movement.kept_searches import address_of
from phonebank.movement.near_views import COUNTRY, near
from phonebank.parties.codes import join_link
from phonebank.places.find import describe_place, place_at
from phonebank.trainings import rooms

log = logging.getLogger(__name__)

guest_pages = Blueprint("guest", __name__, url_prefix="/guest")


class AskForm(FlaskForm):
    """The form with which a stranger asks to come to an event: first name, e-mail address, and
    whether to get news of the campaign too."""

    first_name = StringField("Your first name", [DataRequired("Type your first name.")])
    email = NormalEmailField("E-mail address")
    news = BooleanField("Send me news of the campaign too")


class TellMeForm(FlaskForm):
    """The form for the e-mail address of a person who wants an e-mail when there is an event near a
    place."""

    email = NormalEmailField("E-mail address")


@near.route("/event/<int:listing_id>", methods=["GET", "POST"])
@open_to(ANYONE)
@limiter.limit("30 per minute; 300 per hour", methods=["POST"])
@limiter.limit("6 per hour", key_func=typed_email_key, methods=["POST"])
def event(listing_id: int) -> ResponseReturnValue:
    """Show an event, with the form with which a stranger asks to come. A POST stores the
    request."""
    listing = guests.shown_listing(listing_id)
    form = AskForm()
    if form.validate_on_submit():
        try:
            return _ask(listing, form)
        except InvalidInputError as error:
            form.first_name.errors = [f"{error.message} {error.what_to_do}"]
    status = 422 if form.is_submitted() else 200
    return _render_event(listing, form), status


def _ask(listing: Listing, form: AskForm) -> ResponseReturnValue:
    guest = guests.ask(
        listing, form.first_name.data or "", form.email.data or "", bool(form.news.data)
    )
    if not listing.by_video:
        # The page says the same to everybody, even if this address has asked before.
        mail.send_one(mails.confirm_message(guest, listing))
        db.session.commit()
        return render_template(
            "movement/asked.html", listing=listing, email=guest.email, when=when_of(listing)
        )
    is_in = guest.state == GuestState.ACCEPTED
    db.session.commit()
    party = _party_of(listing)
    return render_template(
        "movement/asked.html",
        listing=listing,
        email=guest.email,
        when=when_of(listing),
        # Anybody may come to an event by video. So the page shows the code at once, before the
        # guest has opened the mailed link.
        code=party.code if party is not None and is_in else None,
        link=join_link(current_config().base_url, party.code) if party and is_in else None,
        state=guests.shown_state(guest, listing),
    )


def _render_event(listing: Listing, form: AskForm) -> str:
    at = now()
    campaign = db.session.get_one(Campaign, listing.campaign_id)
    (shown,) = nearest.near_of([listing], at)
    return render_template(
        "movement/event.html", listing=listing, event=shown, campaign=campaign, form=form
    )


@near.route("/event/<int:listing_id>/report", methods=["GET", "POST"])
@open_to(ANYONE)
@limiter.limit("10 per hour", methods=["POST"])
def report(listing_id: int) -> ResponseReturnValue:
    """Show the form with which a stranger reports what is wrong with an event. A POST stores the
    report."""
    listing = guests.shown_listing(listing_id)
    if request.method == "GET":
        return render_template("movement/report.html", listing=listing, reasons=checks.REASONS)
    checks.report(listing, request.form.get("reason", ""), client_key())
    db.session.commit()
    return render_template("movement/report.html", listing=listing, done=True)


@near.route(f"/<{COUNTRY}:country>/<code>/tell-me", methods=["GET", "POST"])
@open_to(ANYONE)
@limiter.limit("10 per hour", methods=["POST"])
def tell_me(country: str, code: str) -> ResponseReturnValue:
    """Show the form with which a person asks for one e-mail when there is an event near this place.
    A POST stores the person's e-mail address."""
    place = place_at(country, code)
    form = TellMeForm()
    done = form.validate_on_submit()
    if done:
        alerts.wait_for_event(form.email.data or "", place)
        db.session.commit()
    page = render_template(
        "movement/tell_me.html",
        form=form,
        done=done,
        name=describe_place(place),
        back=address_of(place),
    )
    return page, 422 if form.is_submitted() and not done else 200


@guest_pages.get("/<token>")
@open_to(ANYONE)
def show(token: str) -> ResponseReturnValue:
    """Show a guest the state of their request (`guests.shown_state`). An accepted guest also sees
    the event's street address, if it has one. If the event is cancelled or over, the page does not
    show the address."""
    guest = guests.guest_of_link(token)
    listing = db.session.get_one(Listing, guest.listing_id)
    is_on = _is_on(listing)
    address = guests.address_for(guest, listing, "page") if is_on else ""
    db.session.commit()
    party = _party_of(listing)
    state = guests.shown_state(guest, listing)
    may_join = is_on and guest.state == GuestState.ACCEPTED and party is not None
    return render_template(
        "movement/guest.html",
        guest=guest,
        state=state,
        listing=listing,
        when=when_of(listing),
        address=address,
        is_on=is_on,
        over=is_over(listing.starts_at, now()),
        may_ask=listing.state == ListingState.SHOWN and not guests.is_off(listing, now()),
        place=guests.place_in_queue(guest) if state == GuestState.QUEUED else None,
        code=party.code if may_join and party is not None and listing.by_video else None,
        may_join=may_join,
        room=_room_for(guest, listing) if is_on else None,
    )


def _room_for(guest: Guest, listing: Listing) -> Training | None:
    """Return the training's room if the event is a training, the guest is accepted, and the room is
    open now. Otherwise return None."""
    room = rooms.room_of(listing) if guest.state == GuestState.ACCEPTED else None
    return room if room is not None and rooms.is_on(room, now()) else None


# For each button: what it does, the message on the next page, and the guest's states in which the
# message is true. A guest may tap a button on a page that is older than the host's answer, so the
# guest's state afterwards can be another one.
ACTIONS = {
    "coming": (guests.say_coming, "Good. See you there.", (GuestState.ACCEPTED,)),
    "cancel": (
        guests.cancel,
        "You've cancelled. Thank you for saying so.",
        (GuestState.CANCELLED,),
    ),
    "stop": (guests.stop_reminders, "You won't get any more reminders.", tuple(GuestState)),
}


@guest_pages.post('/<token>/<any("coming", "cancel", "stop"):action>')
@open_to(ANYONE)
def do(token: str, action: str) -> ResponseReturnValue:
    """Store what a guest tapped: that they are coming, that they cancel, or that they want no more
    reminders. A guest who is not accepted cannot say that they are coming, and a guest who was
    refused cannot cancel. Such a tap changes nothing."""
    guest = guests.guest_of_link(token)
    act, words, true_in = ACTIONS[action]
    act(guest)
    db.session.commit()
    listing = db.session.get_one(Listing, guest.listing_id)
    if guest.state in true_in and (action != "coming" or _is_on(listing)):
        flash(words, "success")
    return redirect(url_for(".show", token=token), 303)


@guest_pages.post("/<token>/confirm")
@open_to(ANYONE)
def confirm(token: str) -> ResponseReturnValue:
    """Confirm the guest's request to come. If the host must answer the request, e-mail the host. To
    open the mailed link is not enough, because mail scanners open links too."""
    guest = guests.guest_of_link(token)
    was_new = guest.state == GuestState.NEW
    guests.confirm(guest)
    asks = was_new and guest.state == GuestState.ASKED
    guest_id = guest.id
    db.session.commit()
    response = make_response(redirect(url_for(".show", token=token), 303))
    if asks:
        run_after(response, lambda: _tell_host(guest_id))
    return response


def _tell_host(guest_id: int) -> None:
    guest = db.session.get_one(Guest, guest_id)
    listing = db.session.get_one(Listing, guest.listing_id)
    host = db.session.get_one(Account, listing.host_id)
    link = sign_in_link(host, f"/parties/{listing.party_id}/guests")
    try:
        mail.send_one(mails.message_to_host(host.email, guest, listing, link))
    except mail.MailNotSentError:
        log.warning("a host was not told of a guest; their page shows it")


@guest_pages.post("/<token>/join")
@open_to(ANYONE)
def join(token: str) -> ResponseReturnValue:
    """Redirect an accepted guest to the party's page for joining. When the guest joins there,
    `guests.greet_at_door` admits them, with some exceptions. Raises ConflictError if the guest is
    not accepted, or if the event is not a party."""
    guest = guests.guest_of_link(token)
    listing = db.session.get_one(Listing, guest.listing_id)
    party = _party_of(listing)
    if guest.state != GuestState.ACCEPTED or party is None:
        raise ConflictError("This link doesn't lead to a party.", "Ask the host.")
    session["guest"] = guest.id
    return redirect(url_for("callers.join_by_code", code=party.code), 303)


@guest_pages.get("/<token>/event.ics")
@open_to(ANYONE)
def calendar(token: str) -> ResponseReturnValue:
    """Return the event as a file for the guest's calendar."""
    guest = guests.guest_of_link(token)
    listing = db.session.get_one(Listing, guest.listing_id)
    address = guests.address_for(guest, listing, "calendar")
    file = mails.calendar_for(guest, listing, address, now())
    db.session.commit()
    return Response(
        file,
        mimetype="text/calendar",
        headers={"Content-Disposition": 'attachment; filename="event.ics"'},
    )


def _is_on(listing: Listing) -> bool:
    return listing.state != ListingState.CANCELLED and not is_over(listing.starts_at, now())


def _party_of(listing: Listing) -> Party | None:
    return db.session.get(Party, listing.party_id) if listing.party_id else None
