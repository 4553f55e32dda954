"""The texts of the e-mails to guests and hosts.

`message_to_guest` includes the street address only if the guest is accepted when the e-mail is
sent.
"""

from datetime import datetime
from urllib.parse import urlsplit

from phonebank.core.config import current_config
from phonebank.core.db import db
from phonebank.core.mail import Attachment, Message
from phonebank.listings.guests import address_for
from phonebank.listings.listings import when_of
from phonebank.models import (
    Campaign,
    Guest,
    GuestState,
    Listing,
    ListingState,
    MailKind,
    Party,
)
from phonebank.parties.calendar import CalendarEvent, event_file
from phonebank.parties.codes import join_link
from phonebank.parties.services import party_after
from phonebank.tallies.totals import caller_totals

# The kinds of e-mail that have the street address.
_WITH_ADDRESS = (MailKind.ACCEPTED, MailKind.CHANGED, MailKind.DAY_BEFORE, MailKind.SOON)
_WITH_CALENDAR = (MailKind.ACCEPTED, MailKind.CHANGED, MailKind.CANCELLED)
_SUBJECTS = {
    MailKind.ACCEPTED: "You're coming: {title}",
    MailKind.REFUSED: "{title}: not this time",
    MailKind.QUEUED: "You're on the waiting list: {title}",
    MailKind.CHANGED: "It has changed: {title}",
    MailKind.CANCELLED: "Cancelled: {title}",
    MailKind.DAY_BEFORE: "Tomorrow: {title}",
    MailKind.SOON: "Soon: {title}",
    MailKind.THANKS: "Thank you: {title}",
}


def guest_link(guest: Guest) -> str:
    """Return the web address of a guest's own page."""
    return f"{current_config().base_url}/guest/{guest.token}"


def listing_link(listing: Listing) -> str:
    """Return the web address of a listing's public page."""
    return f"{current_config().base_url}/near/event/{listing.id}"


def confirm_message(guest: Guest, listing: Listing) -> Message:
    """Return the e-mail that asks a guest to confirm their request. The e-mail has a link to the
    guest's page. The guest confirms with the button on that page."""
    return Message(
        guest.email,
        f"One more tap: {listing.title}",
        f"Hello {guest.first_name},\n\n"
        f"you asked to come to “{listing.title}” with {listing.host_name}, {when_of(listing)}.\n"
        f"Open this link, and tap the button to {_what_follows(listing)}:\n\n"
        f"{guest_link(guest)}\n\n"
        "If you didn't ask to come, ignore this e-mail. You won't get another.\n",
    )


def _what_follows(listing: Listing) -> str:
    return f"ask {listing.host_name} if you can come" if listing.party_id else "get your place"


def message_to_host(email: str, guest: Guest, listing: Listing, link: str) -> Message:
    """Return the e-mail that tells a host that somebody has asked to come. `link` leads to the
    host's page of guests."""
    private = "code" if listing.by_video else "address"
    return Message(
        email,
        f"{guest.first_name} asks to come: {listing.title}",
        f"{guest.first_name} would like to come on {when_of(listing)}.\n\n"
        f"Say yes or no here:\n\n{link}\n\n"
        f"They get the {private} only if you say yes.\n",
    )


def message_to_guest(kind: MailKind, guest: Guest, listing: Listing, at: datetime) -> Message:
    """Return the e-mail of this kind to a guest. If the e-mail contains the street address, a
    record of this is added to the database (`AddressSight`)."""
    address = address_for(guest, listing, "mail") if kind in _WITH_ADDRESS else ""
    words = _words(kind, guest, listing, address)
    attachments: tuple[Attachment, ...] = ()
    # Guests who wait for an answer have no entry of the event in their calendar.
    if kind in _WITH_CALENDAR and guest.state == GuestState.ACCEPTED:
        file = calendar_for(guest, listing, address, at)
        attachments = (Attachment("event.ics", file, "text/calendar"),)
    return Message(
        guest.email,
        _SUBJECTS[kind].format(title=listing.title),
        f"Hello {guest.first_name},\n\n{words}\n",
        attachments=attachments,
    )


def calendar_for(guest: Guest, listing: Listing, address: str, at: datetime) -> bytes:
    """Return the event as a calendar file for a guest. The file adds the event to the guest's
    calendar. If the event changes, a new file changes the entry. If the event is cancelled, a new
    file removes the entry."""
    link = guest_link(guest)
    host = urlsplit(current_config().base_url).hostname or "localhost"
    where = address.replace("\n", ", ") or (link if listing.by_video else listing.area)
    return event_file(
        CalendarEvent(
            uid=f"event-{listing.id}@{host}",
            title=listing.title,
            starts_at=listing.starts_at,
            time_zone=listing.time_zone,
            words=f"With {listing.host_name}. Your page: {link}",
            location=where,
            link=link,
            sequence=listing.sequence,
            is_cancelled=listing.state == ListingState.CANCELLED,
        ),
        at,
    )


def _words(kind: MailKind, guest: Guest, listing: Listing, address: str) -> str:
    link = guest_link(guest)
    when, host = when_of(listing), listing.host_name
    where = _where(listing, address)
    facts = f"{listing.title}\n{when}, with {host}\n{where}"
    page = f"Your page, where you can also cancel:\n{link}"
    stop = f"To get no more reminders, tap “No more reminders” here:\n{link}"
    match kind:
        case MailKind.ACCEPTED:
            opening = "you're in." if listing.by_video else f"{host} is glad that you're coming."
            return f"{opening}\n\n{facts}\n\nYou'll need a phone. Headphones help.\n\n{page}"
        case MailKind.REFUSED:
            return (
                f"{host} can't have you at “{listing.title}” this time. Look for others near "
                f"you:\n{current_config().base_url}/near"
            )
        case MailKind.QUEUED:
            return (
                f"“{listing.title}” on {when} is full, and you're on the waiting list. We'll write "
                f"as soon as there is a place for you.\n\n{page}"
            )
        case MailKind.CHANGED if guest.state != GuestState.ACCEPTED:
            return (
                f"the event that you asked to come to has changed. These are the details now:\n\n"
                f"{facts}\n\nYour request is still open. If you can't come any more, say so on "
                f"your page:\n{link}"
            )
        case MailKind.CHANGED:
            return (
                f"something about the event has changed. These are the details now:\n\n{facts}\n\n"
                f"The attached file is for your calendar. If you can't come any more, say so on "
                f"your page:\n{link}"
            )
        case MailKind.CANCELLED:
            file = (
                " If you've put it in your calendar, the attached file takes it out."
                if guest.state == GuestState.ACCEPTED
                else ""
            )
            return (
                f"“{listing.title}” on {when} is cancelled. We're sorry.{file}\n\n"
                f"Look for others near you:\n{current_config().base_url}/near"
            )
        case MailKind.DAY_BEFORE:
            ask = (
                "You've said that you're coming. If you can't come any more, tap “I can't come” "
                "on your page."
                if guest.coming_at
                else f"Are you still coming? Tell {host} on your page: tap “Yes, I'm still coming” "
                "or “I can't come”."
            )
            return f"tomorrow is the day.\n\n{facts}\n\n{ask}\n{link}\n\n{stop}"
        case MailKind.SOON:
            return f"see you soon.\n\n{facts}\n\n{page}\n\n{stop}"
        case MailKind.THANKS:
            return _thanks(guest, listing)


def _where(listing: Listing, address: str) -> str:
    if not listing.by_video:
        return f"Where:\n{address}" if address else f"Where: {listing.area}"
    if listing.party_id is None:
        return f"It's by video. {listing.host_name} sends you the link."
    return "It's by video. On the day, open your page and tap “Join now”."


def _thanks(guest: Guest, listing: Listing) -> str:
    campaign = db.session.get_one(Campaign, listing.campaign_id)
    party = db.session.get(Party, listing.party_id) if listing.party_id else None
    figures = ""
    if party is not None and guest.caller_id is not None:
        for share in caller_totals(party.id):
            if share.caller_id == guest.caller_id and share.calls:
                calls = "1 call" if share.calls == 1 else f"{share.calls} calls"
                talks = share.conversations
                figures = f"You made {calls}" + (
                    f" and had {talks} conversation{'' if talks == 1 else 's'}." if talks else "."
                )
    following = party_after(party) if party is not None else None
    if following is not None:
        link = join_link(current_config().base_url, following.code)
        step = f"{listing.host_name} is hosting again. Join here:\n{link}"
    else:
        step = f"Find the next one near you:\n{current_config().base_url}/near"
    # Nobody knows who came without using their link.
    helped = "helping" if figures else "offering to help"
    thanks = f"thank you for {helped} {campaign.on_behalf_of}."
    return "\n\n".join(part for part in (thanks, figures, step) if part)
