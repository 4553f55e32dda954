"""The pages on which a stranger offers to host a party near a place, after a tap on “Host a
party here”. The stranger confirms the offer on a page whose link is sent by e-mail."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms.fields.choices import SelectChoice

from phonebank.core import mail
from phonebank.core.access import ANYONE, open_to
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.core.rate_limits import limiter, typed_email_key
from phonebank.listings import offers
from phonebank.listings.times import is_over
from phonebank.models import HostOfferState, now
from phonebank.movement.forms import OfferForm
from phonebank.movement.kept_searches import address_of
from phonebank.movement.near_views import COUNTRY, near
from phonebank.places.find import describe_place, place_at


@near.route(f"/<{COUNTRY}:country>/<code>/host", methods=["GET", "POST"])
@open_to(ANYONE)
@limiter.limit("20 per hour", methods=["POST"])
@limiter.limit("6 per hour", key_func=typed_email_key, methods=["POST"])
def offer(country: str, code: str) -> ResponseReturnValue:
    """Show the form with which a stranger offers to host a party near a place. A POST stores the
    offer, and e-mails the stranger a link to the page on which the stranger confirms the offer. If
    no campaign accepts offers near this place, redirect to the page on which hosts create
    parties."""
    place = place_at(country, code)
    campaigns = offers.campaigns_for(place)
    for_hosts = f"/parties/new?near={place.country.lower()}/{place.code}"
    if not campaigns:
        return redirect(for_hosts)
    form = OfferForm()
    form.campaign.choices = [SelectChoice(one.id, one.on_behalf_of) for one in campaigns]
    if len(campaigns) == 1:
        form.campaign.data = campaigns[0].id
        form.campaign.validators = []
    name = describe_place(place)
    if form.validate_on_submit():
        chosen = next(one for one in campaigns if one.id == form.campaign.data)
        try:
            made = offers.make_offer(
                chosen,
                place,
                form.first_name.data or "",
                form.email.data or "",
                form.day.data,
                form.at.data,
            )
        except InvalidInputError as error:
            db.session.rollback()
            form.form_errors.append(f"{error.message} {error.what_to_do}".strip())
        else:
            mail.send_one(offers.confirm_offer_message(made))
            db.session.commit()
            return render_template("movement/offered.html", offer=made, name=name)
    page = render_template(
        "movement/offer_form.html",
        form=form,
        campaigns=campaigns,
        name=name,
        back=address_of(place),
        for_hosts=for_hosts,
    )
    return page, 422 if form.is_submitted() else 200


@near.get("/offer/<token>")
@open_to(ANYONE)
def show_offer(token: str) -> ResponseReturnValue:
    """Show the state of an offer. The link to this page is in the e-mail to the person who made the
    offer."""
    found = offers.offer_of_link(token)
    return render_template(
        "movement/offer.html",
        offer=found,
        listing=offers.listing_of_offer(found),
        trains_first=offers.trains_first(found),
        started=found.starts_at <= now(),
        over=is_over(found.starts_at, now()),
        campaign=found.campaign,
        when=offers.when_of_offer(found),
        area=offers.area_of_offer(found),
    )


@near.post("/offer/<token>")
@open_to(ANYONE)
@limiter.limit("30 per minute")
def confirm_offer(token: str) -> ResponseReturnValue:
    """Confirm an offer. Only the button on the offer's page confirms the offer, because mail
    scanners open links too."""
    found = offers.offer_of_link(token)
    was_new = found.state == HostOfferState.NEW
    offers.confirm_offer(found)
    db.session.commit()
    if was_new:
        flash("Thank you. We've sent your offer to the organisers.", "success")
    return redirect(url_for(".show_offer", token=token), 303)
