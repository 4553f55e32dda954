"""Shows an event to strangers, changes what they see of it, and cancels it. These functions do not
commit."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.core.secret_text import decrypt, encrypt
from phonebank.listings.mail_queue import forget_reminders, queue_for_guests
from phonebank.listings.times import is_over
from phonebank.models import (
    Account,
    Campaign,
    CampaignState,
    Guest,
    GuestState,
    Listing,
    ListingKind,
    ListingState,
    MailKind,
    Party,
    Place,
    now,
)
from phonebank.parties.display_names import clean_name
from phonebank.parties.profanity import refuse_bad_words
from phonebank.parties.services import end_party, organises
from phonebank.places.find import describe_place
from phonebank.places.typed import key_of
from phonebank.rules.languages import LANGUAGES
from phonebank.rules.local_moments import describe_moment, describe_moment_anywhere
from phonebank.trainings.marks import refuse_untrained_host

PLACES_AT_MOST = 500
ADDRESS_AT_MOST = 300  # characters
# Guests who wait for the host, or for a place. Blocked guests are not told that they wait in vain,
# so they get the same e-mails.
WAITING = (GuestState.ASKED, GuestState.QUEUED, GuestState.BLOCKED)


@dataclass(frozen=True)
class Details:
    """What a host says about an event. `address` is the street address, or "" for an event by
    video. `places` is the number of guests for whom there is room. `step_free` says whether guests
    can come in without steps, and is None if the host does not know. `languages` are codes (ISO
    639)."""

    by_video: bool
    place: Place
    address: str
    places: int
    step_free: bool | None
    languages: tuple[str, ...]
    host_name: str


@dataclass(frozen=True)
class Event:
    """The title and the start of an event. `starts_at` is aware, and `time_zone` is an IANA
    name."""

    title: str
    starts_at: datetime
    time_zone: str


def listing_of(party: Party) -> Listing | None:
    """Return the party's listing, or None if there is none yet."""
    return db.session.scalar(select(Listing).where(Listing.party_id == party.id))


def listing_for(campaign: Campaign, listing_id: int) -> Listing:
    """Return the campaign's listing with this id. Raises NotFoundError if the campaign has no such
    listing."""
    listing = db.session.get(Listing, listing_id)
    if listing is None or listing.campaign_id != campaign.id:
        raise NotFoundError("We can't find this event.", "Go back to the list of events.")
    return listing


def draft_party(
    party: Party, host_name: str, place: Place, places: int, state: ListingState
) -> Listing:
    """Store and return a listing for a party that somebody has promised to host. The listing has no
    street address yet. If `state` is DRAFT, strangers can't find the listing. People who took a
    place at the party during a call-out can still ask to come. `places` is the number of guests for
    whom there is room."""
    campaign = db.session.get_one(Campaign, party.campaign_id)
    listing = Listing(
        campaign_id=party.campaign_id,
        party_id=party.id,
        host_id=party.host_id,
        kind=ListingKind.PARTY,
        state=state,
        title=party.title,
        host_name=host_name,
        starts_at=party.starts_at,
        time_zone=party.time_zone,
        by_video=False,
        country=place.country,
        place_code=place.code,
        area=describe_place(place)[:200],
        latitude=place.latitude,
        longitude=place.longitude,
        places=places,
        languages=[campaign.language],
        checked_at=now() if state == ListingState.SHOWN else None,
    )
    db.session.add(listing)
    db.session.flush()
    return listing


def list_party(account: Account, party: Party, details: Details) -> Listing:
    """Show a party to strangers, at once or after somebody has checked it. If the party has a draft
    listing, the draft is filled in and used.

    If no listing of the host has ever been checked, the listing waits until an organiser, an editor
    or a trainer has checked it. Listings of other hosts, and listings by organisers, are shown at
    once.

    Raises InvalidInputError for a title or details that cannot be used. Raises ConflictError if the
    party is over or already listed. Also raises ConflictError if the campaign has ended or is being
    erased, or if the draft has more accepted guests than `details` has places. Raises
    NotAllowedError if the campaign requires a training that the host has not done. Organisers need
    no training.
    """
    lock_row(party)
    if party.has_ended or is_over(party.starts_at, now()):
        raise ConflictError("This party is over.", "Make a new party.")
    listing = listing_of(party)
    if listing is not None and listing.state != ListingState.DRAFT:
        raise ConflictError("This party is on the map already.", "Reload the page.")
    campaign = db.session.get_one(Campaign, party.campaign_id)
    if campaign.state == CampaignState.ENDED or campaign.erasing_since is not None:
        raise ConflictError("This campaign has ended.", "Host a party for another campaign.")
    if not organises(account, party):
        refuse_untrained_host(campaign, account)
    refuse_bad_words(party.title)
    is_known = organises(account, party) or _was_checked_before(party.host_id)
    if listing is None:
        listing = Listing(
            campaign_id=party.campaign_id,
            party_id=party.id,
            host_id=party.host_id,
            kind=ListingKind.PARTY,
            title=party.title,
            starts_at=party.starts_at,
            time_zone=party.time_zone,
        )
        _fill_in(listing, details)
    else:
        change_details(listing, details)  # accepted guests are told
    listing.state = ListingState.SHOWN if is_known else ListingState.WAITING
    listing.checked_at = now() if is_known else None
    db.session.add(listing)
    db.session.flush()
    return listing


def list_event(
    account: Account, campaign: Campaign, kind: ListingKind, event: Event, details: Details
) -> Listing:
    """Show strangers an organiser's event that is not a party, such as a training. Such an event is
    not at anybody's home, so no host has to accept its guests. After confirming their request, a
    guest gets a place, or is put on the waiting list if the event is full. For an event by video,
    the guest need not confirm the request.

    Raises InvalidInputError for a party, and for a title, a start or details that cannot be used.
    Raises ConflictError if the campaign has ended or is being erased.
    """
    if kind == ListingKind.PARTY:
        raise InvalidInputError("Put a party on the map from the party's own page.")
    if campaign.state == CampaignState.ENDED or campaign.erasing_since is not None:
        raise ConflictError("This campaign has ended.", "Choose another one.")
    title = clean_name(event.title, "title")
    refuse_bad_words(title)
    if event.starts_at <= now():
        raise InvalidInputError("That time has passed.", "Choose a later day and hour.")
    listing = Listing(
        campaign_id=campaign.id,
        host_id=account.id,
        kind=kind,
        title=title,
        starts_at=event.starts_at,
        time_zone=event.time_zone,
        state=ListingState.SHOWN,
        checked_at=now(),
    )
    _fill_in(listing, details)
    db.session.add(listing)
    db.session.flush()
    return listing


def change_details(listing: Listing, details: Details) -> bool:
    """Change what strangers and guests see. Return whether the change is one that guests are told
    of by e-mail. Accepted guests are told if the street address or the area has changed, or if the
    event is now by video or no longer by video. Guests who wait for an answer or a place are not
    told if only the street address has changed, because they do not know it. If the listing is a
    draft and no guest is accepted, nobody is told. If an editor sent the listing back, it waits for
    a check again.

    Raises InvalidInputError for details that cannot be used. Raises ConflictError if the event is
    cancelled or over, or if `details` has fewer places than there are accepted guests.
    """
    _lock_open(listing)
    taken = places_taken(listing)
    if details.places < taken:
        coming = "1 guest is" if taken == 1 else f"{taken} guests are"
        raise ConflictError(f"{coming} coming already.", "Offer at least that many places.")
    before, area = _what_guests_rely_on(listing), (listing.by_video, listing.area)
    _fill_in(listing, details)
    listing.returned_because = None  # it waits for a check again
    if before == _what_guests_rely_on(listing):
        return False
    if listing.state == ListingState.DRAFT and not taken:
        return False  # nobody has the event in a calendar yet
    listing.sequence += 1
    # Guests who wait for an answer do not know the street address.
    waiting = WAITING if area != (listing.by_video, listing.area) else ()
    queue_for_guests(listing, MailKind.CHANGED, (GuestState.ACCEPTED, *waiting), now())
    return True


def move(listing: Listing, starts_at: datetime) -> None:
    """Move an event to another time (aware). Every guest who is accepted, or waits for an answer or
    a place, gets an e-mail about the new time. Accepted guests get new reminders. If an editor sent
    the listing back, it waits for a check again. If the time is the same as before, nothing
    changes.

    Raises InvalidInputError for a time that has passed, and ConflictError if the event is cancelled
    or over.
    """
    party = _lock_open(listing)
    at = now()
    if starts_at <= at:
        raise InvalidInputError("That time has passed.", "Choose a later day and hour.")
    if starts_at == listing.starts_at:
        return
    listing.starts_at = starts_at
    listing.returned_because = None  # it waits for a check again
    if party is not None:
        party.starts_at = starts_at
    listing.sequence += 1
    listing.asked_if_right_at = None
    forget_reminders(listing)
    queue_for_guests(listing, MailKind.CHANGED, (GuestState.ACCEPTED, *WAITING), at)


def cancel(listing: Listing) -> bool:
    """Cancel an event. If the event is a party, end the party. Every guest who is accepted, or
    waits for an answer or a place, gets an e-mail. The street address is erased. If the event is
    already cancelled, change nothing and return False. Otherwise return True."""
    party = _lock(listing)
    if listing.state == ListingState.CANCELLED:
        return False
    listing.state = ListingState.CANCELLED
    listing.returned_because = None
    listing.sequence += 1
    forget_reminders(listing)
    queue_for_guests(listing, MailKind.CANCELLED, (GuestState.ACCEPTED, *WAITING), now())
    listing.address = None
    if party is not None:
        end_party(party)
    return True


def follow_title(party: Party) -> None:
    """Copy the title of a party to its listing, after the host has changed the title. If an editor
    sent the listing back, it waits for a check again. Raises InvalidInputError if strangers must
    not see the title, because it contains a slur or the street address."""
    listing = listing_of(party)
    if listing is None or listing.title == party.title:
        return
    lock_row(listing)
    refuse_bad_words(party.title)
    _refuse_address_in(party.title, street_address(listing))
    listing.title = party.title
    listing.returned_because = None  # it waits for a check again


def confirm_details(listing: Listing) -> None:
    """Record that the host has just confirmed the details of the event. Raises ConflictError if the
    event is cancelled or over, or if strangers cannot find it at the moment.
    """
    _lock_open(listing)
    if listing.state != ListingState.SHOWN:
        raise ConflictError(
            "People can't find this event at the moment.", "Ask an organiser to check it."
        )
    listing.checked_at = now()


def places_taken(listing: Listing) -> int:
    """Return how many guests are accepted."""
    query = select(func.count()).where(
        Guest.listing_id == listing.id, Guest.state == GuestState.ACCEPTED
    )
    return db.session.scalar(query) or 0


def street_address(listing: Listing) -> str:
    """Return the street address, or "" if there is none or it can no longer be decrypted."""
    return decrypt(listing.address) or "" if listing.address else ""


def when_of(listing: Listing) -> str:
    """Return the start in words, in the event's own time zone. For an event by video, the words
    also name the zone's city, because the guests may be in other zones."""
    words = describe_moment_anywhere if listing.by_video else describe_moment
    return words(listing.starts_at, listing.time_zone)


def _lock(listing: Listing) -> Party | None:
    party = db.session.get(Party, listing.party_id) if listing.party_id else None
    if party is not None:
        lock_row(party)
    lock_row(listing)
    return party


def _lock_open(listing: Listing) -> Party | None:
    party = _lock(listing)
    if listing.state == ListingState.CANCELLED:
        raise ConflictError("This event is cancelled.", "Make a new one.")
    if is_over(listing.starts_at, now()):
        raise ConflictError("This event is over.", "Make a new one.")
    return party


def _was_checked_before(host_id: int) -> bool:
    checked = exists().where(Listing.host_id == host_id, Listing.checked_at.is_not(None))
    return bool(db.session.scalar(select(checked)))


def _what_guests_rely_on(listing: Listing) -> tuple[object, ...]:
    return (listing.by_video, listing.area, street_address(listing))


def _fill_in(listing: Listing, details: Details) -> None:
    address = clean_address(details.address)
    if not details.by_video and not address:
        raise InvalidInputError(
            "Guests need an address.", "Type the street and the house number, or choose video."
        )
    if not 1 <= details.places <= PLACES_AT_MOST:
        raise InvalidInputError(
            f"The number of places must be from 1 to {PLACES_AT_MOST}.",
            "Type how many guests there is room for.",
        )
    _refuse_address_in(listing.title, address)
    name = clean_name(details.host_name, "first name")
    refuse_bad_words(name)
    place = details.place
    listing.by_video = details.by_video
    listing.host_name = name
    listing.country = place.country
    listing.place_code = place.code
    listing.area = describe_place(place)[:200]
    listing.latitude, listing.longitude = place.latitude, place.longitude
    if details.by_video:
        listing.address = None
    elif address != street_address(listing):
        listing.address = encrypt(address)
    listing.places = details.places
    listing.step_free = None if details.by_video else details.step_free
    listing.languages = [code for code in details.languages if code in LANGUAGES][:5]


def _refuse_address_in(title: str, address: str) -> None:
    if address and key_of(address.splitlines()[0]) in key_of(title):
        raise InvalidInputError(
            "The title has the address in it, and everybody can read the title.",
            "Choose another title.",
        )


def clean_address(text: str) -> str:
    """Return an address without extra spaces and without empty lines. Raises InvalidInputError for
    an address that is too long."""
    lines = [" ".join(line.split()) for line in text.replace("\0", "").splitlines()]
    address = "\n".join(line for line in lines if line)
    if len(address) > ADDRESS_AT_MOST:
        raise InvalidInputError(
            f"The address has {len(address)} characters.", f"Use up to {ADDRESS_AT_MOST}."
        )
    return address
