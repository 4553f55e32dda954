"""The page on which a host confirms that what strangers see of an event is still right. The host
needs one tap and does not sign in."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from phonebank.core.access import ANYONE, open_to
from phonebank.core.db import db
from phonebank.core.rate_limits import limiter
from phonebank.listings import still_right
from phonebank.listings.listings import confirm_details, places_taken, when_of
from phonebank.listings.times import is_over
from phonebank.models import now
from phonebank.movement.near_views import near


@near.get("/still-right/<token>")
@open_to(ANYONE)
def ask_if_right(token: str) -> ResponseReturnValue:
    """Show a host what strangers see of the host's event, with a button to confirm that the event
    is still right."""
    listing = still_right.listing_of_link(token)
    return render_template(
        "movement/still_right.html",
        listing=listing,
        when=when_of(listing),
        coming=places_taken(listing),
        over=is_over(listing.starts_at, now()),
        token=token,
    )


@near.post("/still-right/<token>")
@open_to(ANYONE)
@limiter.limit("30 per minute")
def confirm_it_is_right(token: str) -> ResponseReturnValue:
    """Record that the host has just confirmed the event. To open the link is not enough, because
    mail scanners open links too. Raises ConflictError if the event is cancelled or over, or if
    strangers cannot find it at the moment."""
    listing = still_right.listing_of_link(token)
    confirm_details(listing)
    db.session.commit()
    flash("Thank you. People can now see that your event was confirmed today.", "success")
    return redirect(url_for(".ask_if_right", token=token), 303)
