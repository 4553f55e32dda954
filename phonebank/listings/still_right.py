"""Asks the host of an event, in the last two days before the event, whether everything about it is
still right. To answer yes, the host opens a link and presses a button. The host need not sign in,
because the token in the link proves that the link was sent to the host."""

from datetime import timedelta

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer

from phonebank.accounts.sign_in_mail import sign_in_link
from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.core.links import link_to
from phonebank.core.mail import Message
from phonebank.listings.listings import when_of
from phonebank.models import Account, Listing

SALT = "still right"
# The sign-in link in the e-mail works for this long.
SIGN_IN_FOR = timedelta(days=2)


def token_for(listing: Listing) -> str:
    """Return a token with which the host can confirm this listing. The token stops working after a
    change that guests are told of, such as a new time or a new address."""
    return _serializer().dumps([listing.id, listing.host_id, listing.sequence])


def listing_of_link(token: str) -> Listing:
    """Return the listing that the host may confirm with this token.

    Raises NotFoundError if the token is forged, if the listing has been deleted or has another host
    now, or if the host's account is deactivated. Also raises NotFoundError if the token was made
    before a change that guests are told of, such as a cancellation, a new time or a new place.
    """
    try:
        listing_id, host_id, sequence = _serializer().loads(token)
    except BadData:
        raise _no_longer() from None
    listing = db.session.get(Listing, listing_id)
    if listing is None or (listing.host_id, listing.sequence) != (host_id, sequence):
        raise _no_longer()
    if not db.session.get_one(Account, host_id).active:
        raise _no_longer()
    return listing


def question_to_host(listing: Listing) -> Message:
    """Return the e-mail that asks the host whether everything is still right."""
    host = db.session.get_one(Account, listing.host_id)
    page = (
        f"/parties/{listing.party_id}/guests"
        if listing.party_id
        else f"/campaigns/{listing.campaign_id}/events"
    )
    return Message(
        host.email,
        f"Still right? {listing.title}",
        f"Your event is on {when_of(listing)}, {'by video' if listing.by_video else listing.area}, "
        f"with {listing.places} {'place' if listing.places == 1 else 'places'}. Is all of that "
        "still right?\n\n"
        f"Yes, it's all right:\n{link_to('near.ask_if_right', token=token_for(listing))}\n\n"
        f"No, I want to change or cancel it:\n{sign_in_link(host, page, SIGN_IN_FOR)}\n",
        id=f"still-right-{listing.id}-{listing.sequence}",
    )


def _no_longer() -> NotFoundError:
    return NotFoundError(
        "This link no longer works, perhaps because the event was moved or cancelled.",
        "Sign in to look at your event.",
    )


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=SALT)
