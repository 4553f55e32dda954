"""The background jobs of listings: send e-mails, erase old addresses, and cancel the events of
parties that were ended."""

import logging
import time
from datetime import timedelta
from functools import partial

from sqlalchemy import delete, select, update

from phonebank.core import mail
from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.core.locks import get_locked
from phonebank.core.mail import AddressRefusedError, MailNotSentError, Message, MessagePutOffError
from phonebank.listings import editors, listings, offers, send, still_right
from phonebank.models import (
    Campaign,
    Guest,
    HostOffer,
    Listing,
    ListingState,
    Party,
    PartyState,
    now,
)
from phonebank.parties.promises import send_kit

log = logging.getLogger(__name__)

# Seconds. The clock enqueues the job every minute.
WORKS_FOR = 50.0
# An event's street address is kept for this long after the event.
ADDRESS_KEPT_FOR = timedelta(days=7)
# The host is asked this long before the event whether everything is still right.
ASKED_BEFORE = timedelta(days=2)
_TRAIN_FIRST = (
    "People near you can't find your party yet, because hosts of this campaign must go to a "
    "training first. Ask the organisers when the next training is. When you have made your "
    "practice call there, tap “Keep my calls”, enter this e-mail address, open the link that we "
    "e-mail you, and tap the button there. When you have been marked as trained, press “Put it on "
    "the map” on the party's page.\n\n"
)


@job(CHORES, timeout=120)
def send_due_reminders() -> None:
    """Cancel the coming events of parties that were ended, and send the e-mails that are due.
    E-mails for which this run has no time are sent by the next run, a minute later. If one kind of
    e-mail cannot be sent, the run still tries the other kinds."""
    _cancel_listings_of_ended_parties()
    ends_at = time.monotonic() + WORKS_FOR
    with mail.batch() as batch:
        for send_kind in (
            partial(_send_to_guests, ends_at),
            _ask_hosts_if_right,
            _send_kits,
            _send_alerts,
            partial(_tell_editors, ends_at),  # last, because it can wait
        ):
            try:
                send_kind(batch.send)
            except MailNotSentError:
                db.session.rollback()  # the next run tries again


def _send_to_guests(ends_at: float, send_mail: send.Send) -> None:
    while time.monotonic() < ends_at and send.send_next(now(), send_mail):
        pass


def _send_alerts(send_mail: send.Send) -> None:
    send.send_alerts(now(), send_mail)


def _is_settled(send_mail: send.Send, message: Message) -> bool:
    """Send a message, and return True. Return False if the mail server does not take this message
    now, so that the next run must try again. If the message's address is refused for good, write
    this to the log and return True. Raises MailNotSentError if the mail server takes no message at
    all."""
    try:
        send_mail(message)
    except MessagePutOffError:
        return False
    except AddressRefusedError:
        log.error("an e-mail was given up: %s", message.id or "to an editor")
    return True


@job(CHORES, timeout=120)
def erase_old_addresses() -> None:
    """Erase the street addresses of events that started more than a week ago. If a campaign's
    personal data is being erased, erase the street addresses of all its events, and delete their
    guests. Also delete the offers to host that are no longer needed (`forget_offers`)."""
    db.session.execute(
        update(Listing)
        .where(Listing.address.is_not(None), Listing.starts_at < now() - ADDRESS_KEPT_FOR)
        .values(address=None)
    )
    erased = select(Listing.id).join(Campaign).where(Campaign.erasing_since.is_not(None))
    db.session.execute(delete(Guest).where(Guest.listing_id.in_(erased)))
    db.session.execute(update(Listing).where(Listing.id.in_(erased)).values(address=None))
    offers.forget_offers(now())
    db.session.commit()


def _cancel_listings_of_ended_parties() -> None:
    """Cancel each coming event whose party was ended. The guests of a cancelled event then get an
    e-mail."""
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


def _tell_editors(ends_at: float, send_mail: send.Send) -> None:
    """E-mail the editors and trainers who have an event to check."""
    for editor in editors.editors_to_tell(now()):
        if time.monotonic() >= ends_at:
            break
        is_due = editors.mark_told(editor.email, now())
        if is_due and _is_settled(send_mail, editors.message_to_editor(editor)):
            db.session.commit()
        else:
            db.session.rollback()


def _send_kits(_: send.Send) -> None:
    for offer_id in offers.unsent_kits():
        try:
            _send_kit(offer_id)
        except MessagePutOffError:
            db.session.rollback()


def _send_kit(offer_id: int) -> None:
    """Send the host of an accepted offer an e-mail with a link to the new party. If this was done
    before, do nothing."""
    offer = get_locked(HostOffer, offer_id)
    if offer is not None and offer.kit_sent_at is None and offer.party_id is not None:
        try:
            send_kit(
                db.session.get_one(Party, offer.party_id),
                offer.first_name,
                "Thank you for your offer to host.",
                offers.area_of_offer(offer),
                "parties.guest_list",
                f"{_TRAIN_FIRST if offers.is_draft(offer) else ''}"
                "Open your party, and type your address there before you accept guests. The same "
                "page has your kit to print:",
            )
        except AddressRefusedError:
            log.error("the kit for offer %s was given up", offer_id)
        offer.kit_sent_at = now()
    db.session.commit()


def _ask_hosts_if_right(send_mail: send.Send) -> None:
    """Ask each host by e-mail, two days before their event, whether everything about the event is
    still correct. If the listing is not a day old by then, ask the host when it is a day old, but
    not after the event has started. Hosts are asked only about events that strangers can find."""
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
        listing.asked_if_right_at = at
        if _is_settled(send_mail, still_right.question_to_host(listing)):
            db.session.commit()
        else:
            db.session.rollback()
