"""Strangers who ask to come to an event: the request, its confirmation, the host's answer, and the
waiting list. These functions do not commit.

A listing is locked before a guest gets a place there, so that no place is given twice.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import insert

from phonebank.core.db import db
from phonebank.core.email_address import normalise_email
from phonebank.core.errors import ConflictError, GoneError, NotFoundError
from phonebank.core.locks import get_locked, lock_row
from phonebank.core.secret_text import keyed_hashes
from phonebank.listings.listings import places_taken, street_address
from phonebank.listings.mail_queue import forget_reminders_of, queue_mail
from phonebank.listings.times import is_over
from phonebank.models import (
    AddressSight,
    BlockedGuest,
    Caller,
    CallerState,
    Campaign,
    CampaignState,
    Guest,
    GuestMail,
    GuestState,
    Listing,
    ListingState,
    MailKind,
    now,
)
from phonebank.parties.display_names import clean_name
from phonebank.parties.profanity import refuse_bad_words
from phonebank.roster.admit import admit

# A person may have this many open requests, so that nobody keeps places all over a city.
OPEN_AT_MOST = 3


def shown_listing(listing_id: int) -> Listing:
    """Return a listing that strangers can see. Raises NotFoundError if there is no such listing, or
    if the listing is a draft or waits for a check or a change. Raises GoneError if the event is
    cancelled, hidden or over, or if its campaign has ended or is being erased."""
    listing = db.session.get(Listing, listing_id)
    if listing is None or listing.state in (ListingState.DRAFT, ListingState.WAITING):
        raise NotFoundError("We can't find this event.", "Look for other events near you.")
    if listing.state != ListingState.SHOWN or is_off(listing, now()):
        raise GoneError("This event isn't listed any more.", "Look for other events near you.")
    return listing


def is_off(listing: Listing, at: datetime) -> bool:
    """Whether the event takes no more requests, because it is cancelled, hidden or over, or because
    its campaign has ended or is being erased."""
    campaign = db.session.get_one(Campaign, listing.campaign_id)
    return (
        listing.state in (ListingState.CANCELLED, ListingState.HIDDEN)
        or is_over(listing.starts_at, at)
        or campaign.state == CampaignState.ENDED
        or campaign.erasing_since is not None
    )


def guest_of_link(token: str) -> Guest:
    """Return the guest whose link has this token. Raises NotFoundError if there is no such
    guest."""
    guest = db.session.scalar(select(Guest).where(Guest.token == token))
    if guest is None:
        raise NotFoundError(
            "This link isn't right.", "Open the link in our latest e-mail, or ask to come again."
        )
    return guest


def ask(listing: Listing, first_name: str, email: str, wants_news: bool = False) -> Guest:
    """Store a stranger's request to come to an event.

    If the event is by video, the guest is accepted at once, or put on the waiting list if the event
    is full. For other events, the guest must then confirm the request (`confirm`) with the link in
    an e-mail, which the calling code sends. A blocked person gets no place, and is not told (see
    `shown_state`). If somebody with this address has already asked to come to the event, that
    earlier guest is returned. If that guest had cancelled, the new request reopens the old one.
    `wants_news` says whether the guest agrees to get the campaign's news.

    Raises InvalidInputError for a name or an address that cannot be used, and the errors of
    `shown_listing`.
    """
    name = clean_name(first_name, "first name")
    refuse_bad_words(name)
    address = normalise_email(email)
    lock_row(listing)
    shown_listing(listing.id)
    guest = db.session.scalar(
        select(Guest).where(Guest.listing_id == listing.id, Guest.email == address)
    )
    if guest is None:
        guest = Guest(listing_id=listing.id, first_name=name, email=address, state=GuestState.NEW)
        db.session.add(guest)
        db.session.flush()
    elif guest.state == GuestState.CANCELLED:
        guest.state = GuestState.NEW
    if wants_news and guest.news_consent_at is None:
        guest.news_consent_at = now()
    if listing.by_video and guest.state == GuestState.NEW:
        guest.waiting_since = now()
        if is_blocked(listing.campaign_id, address):
            _turn_away(listing, guest)
        else:
            _give_place(listing, guest)
    return guest


def invite(listing: Listing, first_name: str, email: str) -> Guest:
    """Return the guest with this address, or a new guest if nobody with the address has asked to
    come to this event. The person took a place at the event during a call-out (a meeting at which
    people pledge to host parties). A new guest must still confirm the place (`confirm`) with the
    link in an e-mail, which the calling code sends."""
    lock_row(listing)
    guest = db.session.scalar(
        select(Guest).where(Guest.listing_id == listing.id, Guest.email == email)
    )
    if guest is None:
        guest = Guest(
            listing_id=listing.id, first_name=first_name, email=email, state=GuestState.NEW
        )
        db.session.add(guest)
        db.session.flush()
    return guest


def confirm(guest: Guest) -> None:
    """Show a guest's request to the host, after the guest has confirmed the request with the link
    in their e-mail. If the event is full, put the guest on the waiting list instead. If the event
    is not a party, there is no host to ask, so the guest is accepted at once if there is a place.
    The host never sees the request of a blocked person, who is not told (see `shown_state`).

    A second confirmation changes nothing. Raises GoneError if nobody can ask to come any more
    (`is_off`), and ConflictError if the person has three other open requests.
    """
    listing = _lock(guest)
    if guest.state != GuestState.NEW:
        return
    at = now()
    if is_off(listing, at):
        raise GoneError("This event isn't listed any more.", "Look for other events near you.")
    if _open_requests(guest, at) >= OPEN_AT_MOST:
        raise ConflictError(
            f"You have {OPEN_AT_MOST} open requests already.",
            "Cancel one of them, by the link in its e-mail, then come back.",
        )
    guest.confirmed_at = at
    guest.waiting_since = at
    if is_blocked(listing.campaign_id, guest.email):
        _turn_away(listing, guest)
    elif listing.party_id is None:
        _give_place(listing, guest)
    elif places_taken(listing) >= listing.places:
        _queue(listing, guest)
    else:
        guest.state = GuestState.ASKED


def let_come(listing: Listing, guest_id: int) -> Guest:
    """Accept a guest. From now on, the guest may see the event's street address. If the guest is
    accepted already, nothing changes.

    Raises NotFoundError for a guest of another event, and for a guest who has not confirmed their
    request. Raises ConflictError if no place is left, if the event is cancelled or over, or if the
    event needs a street address and has none. Also raises ConflictError if the guest has cancelled,
    was refused or is blocked.
    """
    guest = _guest_in(listing, guest_id)
    if guest.state == GuestState.ACCEPTED:
        return guest
    if guest.state not in (GuestState.ASKED, GuestState.QUEUED):
        raise ConflictError(f"{guest.first_name} is no longer asking to come.", "Reload the page.")
    if listing.state == ListingState.CANCELLED or is_over(listing.starts_at, now()):
        raise ConflictError("This event isn't on any more.", "Make a new one.")
    where = "under “Change the party's details”"
    if listing.state == ListingState.DRAFT:
        where = "and press “Save, but not on the map”"
    if places_taken(listing) >= listing.places:
        raise ConflictError("All places are taken.", f"Offer more places first, {where}.")
    if not listing.by_video and listing.address is None:
        raise ConflictError(
            "Your guests need an address.",
            f"Type the address first, {where}. Only your guests and co-hosts will see it.",
        )
    guest.state = GuestState.ACCEPTED
    queue_mail(guest, listing, MailKind.ACCEPTED, now())
    return guest


def refuse(listing: Listing, guest_id: int) -> Guest:
    """Refuse a guest, and tell them by e-mail. If the guest has cancelled, or was refused or
    blocked before, nothing changes. If the guest had a place, the first guest on the waiting list
    gets that place. For a party at a home, the host is asked about the waiting guest instead.
    Raises NotFoundError for a guest of another event, and for a guest who has not confirmed their
    request."""
    guest = _guest_in(listing, guest_id)
    if guest.state in (GuestState.ASKED, GuestState.QUEUED, GuestState.ACCEPTED):
        had_place = guest.state == GuestState.ACCEPTED
        guest.state = GuestState.REFUSED
        forget_reminders_of(guest)
        queue_mail(guest, listing, MailKind.REFUSED, now())
        if had_place:
            _fill_place(listing)
    return guest


def block(listing: Listing, guest_id: int) -> Guest:
    """Block a guest from all events of the campaign. The guest is not told. The guest's page is
    then that of a guest who waits (see `shown_state`). If the guest had cancelled, had been refused
    or had not confirmed their request, the page does not change. Each place that the guest had at
    one of the campaign's events goes to the first guest on that event's waiting list, as in
    `refuse`. Raises NotFoundError for a guest of another event, and for a guest who has not
    confirmed their request."""
    theirs = _listings_of_person(listing.campaign_id, guest_id)
    for one in theirs:
        lock_row(one)
    guest = _guest_in(listing, guest_id)
    had_place = _listings_with_place(guest.email)
    db.session.execute(
        insert(BlockedGuest)
        .values(
            campaign_id=listing.campaign_id,
            email_hash=keyed_hashes(guest.email)[0],
            blocked_at=now(),
        )
        .on_conflict_do_nothing()
    )
    db.session.execute(
        update(Guest)
        .where(
            Guest.email == guest.email,
            Guest.listing_id.in_([one.id for one in theirs]),
            Guest.state.in_((GuestState.ASKED, GuestState.QUEUED, GuestState.ACCEPTED)),
        )
        .values(state=GuestState.BLOCKED)
    )
    db.session.refresh(guest)
    forget_reminders_of(guest)
    for one in theirs:
        if one.id in had_place:
            _fill_place(one)
    return guest


def _listings_of_person(campaign_id: int, guest_id: int) -> Sequence[Listing]:
    """Return the campaign's listings that have a guest with the e-mail address of this guest. The
    listings are sorted by id, so that all transactions lock them in the same order."""
    email = select(Guest.email).where(Guest.id == guest_id).scalar_subquery()
    query = (
        select(Listing)
        .join(Guest, Guest.listing_id == Listing.id)
        .where(Listing.campaign_id == campaign_id, Guest.email == email)
    )
    return db.session.scalars(query.order_by(Listing.id)).all()


def _listings_with_place(email: str) -> set[int]:
    """Return the ids of the listings at which the person with this address is accepted."""
    query = select(Guest.listing_id).where(Guest.email == email, Guest.state == GuestState.ACCEPTED)
    return set(db.session.scalars(query))


def cancel(guest: Guest) -> None:
    """Record that a guest is not coming. If the guest had a place, the first guest on the waiting
    list gets that place. For a party at a home, the host is asked about the waiting guest instead.
    For a guest who was refused, nothing changes."""
    listing = _lock(guest)
    had_place = guest.state == GuestState.ACCEPTED
    if guest.state == GuestState.REFUSED:
        return
    guest.state = GuestState.CANCELLED
    guest.coming_at = None
    forget_reminders_of(guest)
    if had_place:
        _fill_place(listing)


def say_coming(guest: Guest) -> None:
    """Store an accepted guest's confirmation that they will come. For any other guest, nothing
    changes."""
    _lock(guest)
    if guest.state == GuestState.ACCEPTED:
        guest.coming_at = now()


def stop_reminders(guest: Guest) -> None:
    """Send this guest no more reminders."""
    _lock(guest)
    guest.reminders_stopped_at = guest.reminders_stopped_at or now()
    forget_reminders_of(guest)


def address_for(guest: Guest, listing: Listing, how: str) -> str:
    """Return the street address for an accepted guest, and record that the guest was given the
    address. Return "" for any other guest. Also return "" if there is no address, or if it can no
    longer be decrypted. `how` is "page", "mail" or "calendar"."""
    if guest.state != GuestState.ACCEPTED or guest.listing_id != listing.id:
        return ""
    address = street_address(listing)
    if address:
        db.session.add(AddressSight(guest_id=guest.id, how=how))
    return address


def greet_at_door(guest_id: int, caller: Caller) -> None:
    """Admit the caller as this guest, if the guest is accepted at the caller's party and nobody
    else has come in with the guest's link. From now on, only this caller can come in with that
    link.

    A caller whom only an organiser may admit keeps waiting, even with a guest's link.
    """
    guest = get_locked(Guest, guest_id)
    listing = db.session.get(Listing, guest.listing_id) if guest is not None else None
    if guest is None or listing is None or listing.party_id != caller.party_id:
        return
    if guest.state != GuestState.ACCEPTED or listing.party_id is None:
        return
    if guest.caller_id not in (None, caller.id):
        return  # the link was used on another device, which has the guest's place
    guest.caller_id = caller.id
    if caller.state == CallerState.WAITING:
        admit([caller])


def guests_of(listing: Listing) -> Sequence[Guest]:
    """Return the guests whom the host sees, in the order in which they began to wait for an answer
    or a place. The host sees only guests who are accepted, or who wait for an answer or a place."""
    seen = (GuestState.ASKED, GuestState.QUEUED, GuestState.ACCEPTED)
    query = (
        select(Guest)
        .where(Guest.listing_id == listing.id, Guest.state.in_(seen))
        .order_by(Guest.waiting_since, Guest.id)
    )
    return db.session.scalars(query).all()


def shown_state(guest: Guest, listing: Listing) -> GuestState:
    """Return the state that the guest's page shows. Blocked people are not told that they are
    blocked, so their page shows a state in which any guest could be. If the event has a host who
    answers, the page says that the host has not answered yet. It says that the guest is on the
    waiting list if there is no such host, or if an e-mail has said so."""
    if guest.state != GuestState.BLOCKED:
        return guest.state
    said = exists().where(GuestMail.guest_id == guest.id, GuestMail.kind == MailKind.QUEUED)
    if _has_host_to_ask(listing) and not db.session.scalar(select(said)):
        return GuestState.ASKED
    return GuestState.QUEUED


def place_in_queue(guest: Guest) -> int:
    """Return the place on the waiting list that the guest's page shows, counted from 1."""
    query = select(func.count()).where(
        Guest.listing_id == guest.listing_id,
        Guest.state == GuestState.QUEUED,
        (Guest.waiting_since < guest.waiting_since)
        | ((Guest.waiting_since == guest.waiting_since) & (Guest.id < guest.id)),
    )
    return (db.session.scalar(query) or 0) + 1


def _give_place(listing: Listing, guest: Guest) -> None:
    if places_taken(listing) < listing.places:
        guest.state = GuestState.ACCEPTED
        queue_mail(guest, listing, MailKind.ACCEPTED, now())
    else:
        _queue(listing, guest)


def _queue(listing: Listing, guest: Guest) -> None:
    guest.state = GuestState.QUEUED
    queue_mail(guest, listing, MailKind.QUEUED, now())


def _turn_away(listing: Listing, guest: Guest) -> None:
    """Give a blocked guest no place. If another guest would now go onto the waiting list, the guest
    gets the e-mail that says so."""
    guest.state = GuestState.BLOCKED
    if not _has_host_to_ask(listing) or places_taken(listing) >= listing.places:
        queue_mail(guest, listing, MailKind.QUEUED, now())


def _has_host_to_ask(listing: Listing) -> bool:
    """Whether the host decides who comes. At any other event, guests get free places at once."""
    return listing.party_id is not None and not listing.by_video


def fill_new_places(listing: Listing) -> None:
    """Give the free places of a listing to the first guests on the waiting list, as `_fill_place`
    does. The calling code uses this function when the host has offered more places."""
    lock_row(listing)
    for _ in range(listing.places - places_taken(listing)):
        _fill_place(listing)


def _fill_place(listing: Listing) -> None:
    """Give a free place to the first guest on the waiting list. If nobody is waiting, if no place
    is free, or if the event is cancelled, nothing changes. If the event is a party at a home, the
    host is asked about this guest instead."""
    db.session.flush()
    if listing.state == ListingState.CANCELLED or places_taken(listing) >= listing.places:
        return
    first = db.session.scalars(
        select(Guest)
        .where(Guest.listing_id == listing.id, Guest.state == GuestState.QUEUED)
        .order_by(Guest.waiting_since, Guest.id)
        .limit(1)
    ).first()
    if first is None:
        return
    if _has_host_to_ask(listing):
        first.state = GuestState.ASKED
    else:
        first.state = GuestState.ACCEPTED
        queue_mail(first, listing, MailKind.ACCEPTED, now())


def _lock(guest: Guest) -> Listing:
    listing = db.session.get_one(Listing, guest.listing_id)
    lock_row(listing)
    lock_row(guest)
    return listing


def _guest_in(listing: Listing, guest_id: int) -> Guest:
    lock_row(listing)
    guest = get_locked(Guest, guest_id)
    if guest is None or guest.listing_id != listing.id or guest.state == GuestState.NEW:
        raise NotFoundError("We can't find this guest.", "Reload the page.")
    return guest


def is_blocked(campaign_id: int, email: str) -> bool:
    """Whether the person with this e-mail address is blocked from all events of the campaign."""
    query = select(BlockedGuest.campaign_id).where(
        BlockedGuest.campaign_id == campaign_id,
        BlockedGuest.email_hash.in_(keyed_hashes(email)),
    )
    return db.session.scalar(query) is not None


def _open_requests(guest: Guest, at: datetime) -> int:
    """Return how many other requests of this guest wait for an answer or a place. If the guest has
    been blocked, the blocked requests count too. A request counts only if strangers can find the
    event, and if the event has not started."""
    waiting = (GuestState.ASKED, GuestState.QUEUED, GuestState.BLOCKED)
    query = (
        select(func.count())
        .select_from(Guest)
        .join(Listing, Listing.id == Guest.listing_id)
        .where(
            Guest.email == guest.email,
            Guest.id != guest.id,
            Guest.state.in_(waiting),
            Listing.state == ListingState.SHOWN,
            Listing.starts_at > at,
        )
    )
    return db.session.scalar(query) or 0
