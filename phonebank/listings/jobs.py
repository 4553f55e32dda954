"""The background jobs of listings: e-mails, forgotten addresses, cancelled parties."""

import time
from datetime import timedelta

from sqlalchemy import delete, select, update

from phonebank.accounts.sign_in_mail import sign_in_link
from phonebank.core import mail
from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.core.mail import MailNotSentError, Message
from phonebank.listings import listings, send
from phonebank.models import (
    Account,
    Campaign,
    Guest,
    Listing,
    ListingState,
    Party,
    PartyState,
    now,
)

# Seconds. The clock puts the job on its queue each minute.
WORKS_FOR = 50.0
# How long after the event its address is kept.
ADDRESS_KEPT_FOR = timedelta(days=7)
# The host is asked so long before the event whether everything is still right.
ASKED_BEFORE = timedelta(days=2)
LINK_LIVES_FOR = timedelta(days=2)


@job(CHORES, timeout=120)
def send_due_reminders() -> None:
    """Send every e-mail that guests are due, over one connection. What is left goes on a minute
    later."""
    _cancel_listings_of_ended_parties()
    ends_at = time.monotonic() + WORKS_FOR
    with mail.batch() as batch:
        try:
            while time.monotonic() < ends_at and send.send_next(now(), batch.send):
                pass
            _ask_hosts_if_right(batch.send)
            send.send_alerts(now(), batch.send)
        except MailNotSentError:
            db.session.rollback()  # the next run tries again


@job(CHORES, timeout=120)
def erase_old_addresses() -> None:
    """Erase the addresses of events that were a week ago, and the guests of campaigns whose people
    are erased."""
    db.session.execute(
        update(Listing)
        .where(Listing.address.is_not(None), Listing.starts_at < now() - ADDRESS_KEPT_FOR)
        .values(address=None)
    )
    erased = select(Listing.id).join(Campaign).where(Campaign.erasing_since.is_not(None))
    db.session.execute(delete(Guest).where(Guest.listing_id.in_(erased)))
    db.session.execute(update(Listing).where(Listing.id.in_(erased)).values(address=None))
    db.session.commit()


def _cancel_listings_of_ended_parties() -> None:
    """Cancel events whose party was ended before it began, so that the guests are told."""
    query = (
        select(Listing.id)
        .join(Party, Party.id == Listing.party_id)
        .where(
            Party.state == PartyState.ENDED,
            Listing.state != ListingState.CANCELLED,
            Listing.starts_at > now(),
        )
    )
    for listing_id in db.session.scalars(query).all():
        listings.cancel(db.session.get_one(Listing, listing_id))
        db.session.commit()


def _ask_hosts_if_right(send_mail: send.Send) -> None:
    """Ask each host, two days before, whether everything is still right."""
    at = now()
    query = select(Listing.id).where(
        Listing.state == ListingState.SHOWN,
        Listing.asked_if_right_at.is_(None),
        Listing.starts_at.between(at, at + ASKED_BEFORE),
        Listing.created_at < at - timedelta(days=1),
    )
    for listing_id in db.session.scalars(query.order_by(Listing.starts_at)).all():
        listing = db.session.get(Listing, listing_id, with_for_update={"skip_locked": True})
        if listing is None or listing.asked_if_right_at is not None:
            continue
        host = db.session.get_one(Account, listing.host_id)
        page = (
            f"/parties/{listing.party_id}/guests"
            if listing.party_id
            else f"/campaigns/{listing.campaign_id}/events"
        )
        link = sign_in_link(host, page, LINK_LIVES_FOR)
        listing.asked_if_right_at = at
        send_mail(
            Message(
                host.email,
                f"Still right? {listing.title}",
                f"Your event is on {listings.when_of(listing)}. Is everything still right: the "
                f"day, the place, the number of places? Say so, or change it, here:\n\n{link}\n",
                id=f"still-right-{listing.id}-{listing.sequence}",
            )
        )
        db.session.commit()
