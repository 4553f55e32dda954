"""Sends the due e-mails to guests, and the e-mails to people who wait for an event near them.

One transaction locks an e-mail's row, sends the e-mail, and marks the row as done or deletes it. So
two workers never send the same e-mail at the same time. If a worker is killed before it has sent an
e-mail, the next worker sends the e-mail. If a worker is killed after the mail server has accepted
an e-mail, but before the commit, the e-mail is sent again with the same Message-ID.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select

from phonebank.core.config import current_config
from phonebank.core.db import db
from phonebank.core.mail import AddressRefusedError, MailNotSentError, Message, MessagePutOffError
from phonebank.listings.listings import WAITING, when_of
from phonebank.listings.mails import listing_link, message_to_guest
from phonebank.listings.nearest import NEAR, nearest
from phonebank.listings.times import is_over
from phonebank.models import (
    Guest,
    GuestMail,
    GuestState,
    Listing,
    ListingState,
    MailKind,
    NearAlert,
)
from phonebank.rules.time_zones import time_zone

log = logging.getLogger(__name__)

Send = Callable[[Message], None]

# An address that waits for an event gets one e-mail and is then deleted. Without an event it is
# deleted after this time.
ALERT_LIVES_FOR = timedelta(days=60)
# An e-mail that cannot be sent is tried again for this long.
TRIED_FOR = timedelta(hours=6)
# If the mail server does not take an e-mail because of its recipient, the others go first for this
# long. Servers that make unknown senders wait (greylisting) mostly ask for five minutes.
PUT_OFF_FOR = timedelta(minutes=5)
# For each kind of e-mail, the states in which a guest still gets it.
_FOR = {
    MailKind.ACCEPTED: (GuestState.ACCEPTED,),
    MailKind.REFUSED: (GuestState.REFUSED,),
    MailKind.QUEUED: (GuestState.QUEUED, GuestState.BLOCKED),
    MailKind.CHANGED: (GuestState.ACCEPTED, *WAITING),
    MailKind.CANCELLED: (GuestState.ACCEPTED, *WAITING),
    MailKind.DAY_BEFORE: (GuestState.ACCEPTED,),
    MailKind.SOON: (GuestState.ACCEPTED,),
    MailKind.THANKS: (GuestState.ACCEPTED,),
}


def send_next(at: datetime, send: Send) -> bool:
    """Take the e-mail to a guest that has been due for the longest time, send it if it is still
    wanted, and commit. E-mails that are put off, or that another worker has locked, are passed
    over. `at` is the current time (aware). Return False if no e-mail is left to take.

    An e-mail is given up if its address is refused for good, or if it still can't be sent when it
    has been due for TRIED_FOR. Until then, an e-mail that the mail server does not take now is
    tried again after PUT_OFF_FOR. Raises MailNotSentError if the mail server takes no e-mail at
    all.
    """
    mail = db.session.scalars(
        select(GuestMail)
        .where(
            GuestMail.done_at.is_(None),
            GuestMail.due_at <= at,
            or_(GuestMail.put_off_until.is_(None), GuestMail.put_off_until <= at),
        )
        .order_by(GuestMail.due_at, GuestMail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if mail is None:
        db.session.rollback()
        return False
    guest = db.session.get_one(Guest, mail.guest_id)
    listing = db.session.get_one(Listing, guest.listing_id)
    if is_wanted(mail, guest, listing, at):
        try:
            # A message that was not sent has told the guest nothing, so nothing is recorded. The
            # lock on the e-mail's row stays.
            with db.session.begin_nested():
                message = message_to_guest(mail.kind, guest, listing, at)
                send(replace(message, id=f"guest-{guest.id}-{mail.kind}-{mail.id}"))
        except MailNotSentError as error:
            if at - mail.due_at < TRIED_FOR and not isinstance(error, AddressRefusedError):
                if not isinstance(error, MessagePutOffError):
                    raise
                mail.put_off_until = at + PUT_OFF_FOR
                db.session.commit()
                return True
            log.error("an e-mail to a guest was given up")
        else:
            mail.was_sent = True
    mail.done_at = at
    db.session.commit()
    return True


def is_wanted(mail: GuestMail, guest: Guest, listing: Listing, at: datetime) -> bool:
    """Whether an e-mail that is due is still true and useful."""
    if guest.state not in _FOR[mail.kind]:
        return False
    if mail.kind == MailKind.CANCELLED:
        return listing.state == ListingState.CANCELLED
    if listing.state == ListingState.CANCELLED or mail.sequence < listing.sequence:
        # The event has changed or is cancelled since this e-mail was queued, and the guest gets a
        # newer e-mail about that.
        return mail.kind == MailKind.ACCEPTED and listing.state != ListingState.CANCELLED
    if mail.kind == MailKind.DAY_BEFORE:
        # The e-mail says “tomorrow”.
        here = time_zone(listing.time_zone)
        is_before = at.astimezone(here).date() < listing.starts_at.astimezone(here).date()
        soon = at >= listing.starts_at - timedelta(hours=3)
        return guest.reminders_stopped_at is None and is_before and not soon
    if mail.kind == MailKind.SOON:
        return guest.reminders_stopped_at is None and at < listing.starts_at
    if mail.kind == MailKind.THANKS:
        return guest.reminders_stopped_at is None
    return not is_over(listing.starts_at, at)


def send_alerts(at: datetime, send: Send) -> int:
    """Find each person who waits for an event and now has an event with a free place nearby. E-mail
    the person, and delete the person's address. The address is also deleted if the mail server
    refuses it for good, or if the person has waited longer than ALERT_LIVES_FOR. Return how many
    people got an e-mail. Each person is handled in a separate transaction. If the mail server does
    not take one e-mail now, the next run tries it again. Raises MailNotSentError if the server
    takes no e-mail at all."""
    db.session.execute(delete(NearAlert).where(NearAlert.created_at < at - ALERT_LIVES_FOR))
    db.session.commit()
    sent = 0
    for alert_id in db.session.scalars(select(NearAlert.id).order_by(NearAlert.id)).all():
        alert = db.session.get(NearAlert, alert_id, with_for_update={"skip_locked": True})
        if alert is None:
            continue
        found = [
            event
            for km, event in nearest((alert.latitude, alert.longitude), at)
            if km <= NEAR and event.left
        ]
        if found:
            listing = db.session.get_one(Listing, found[0].id)
            try:
                send(_alert(alert, listing))
                sent += 1
            except MessagePutOffError:
                db.session.rollback()
                continue
            except AddressRefusedError:
                log.error("an e-mail about an event nearby was given up")
            db.session.delete(alert)
        db.session.commit()
    return sent


def _alert(alert: NearAlert, listing: Listing) -> Message:
    near = f"{current_config().base_url}/near/{alert.country.lower()}/{alert.place_code}"
    return Message(
        alert.email,
        f"There is an event near {alert.area}",
        f"Hello,\n\nyou asked us to tell you when there is an event near {alert.area}:\n\n"
        f"{listing.title}\n{when_of(listing)}, with {listing.host_name}\n"
        f"{listing_link(listing)}\n\nAll near you:\n{near}\n\n"
        f"This is our only e-mail about events near {alert.area}. We've deleted this request, "
        "with the address in it.\n",
        id=f"near-{alert.id}",
    )
