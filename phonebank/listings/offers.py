"""Strangers can offer to host a party near them. This module stores the offer, its confirmation on
a page whose link is e-mailed, and the organiser's answer. These functions do not commit.

A host admits callers, and callers see the people on the contact lists. So an offer makes nobody a
host before an organiser has accepted the offer.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from sqlalchemy import delete, exists, func, select

from phonebank.core.db import db
from phonebank.core.email_address import normalise_email
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError
from phonebank.core.links import link_to
from phonebank.core.locks import get_locked, lock_row
from phonebank.core.mail import Message
from phonebank.listings.guests import OPEN_AT_MOST, is_blocked
from phonebank.listings.listings import draft_party
from phonebank.models import (
    Account,
    Campaign,
    CampaignState,
    HostOffer,
    HostOfferState,
    Listing,
    ListingReport,
    ListingState,
    Party,
    Place,
    now,
)
from phonebank.parties.display_names import clean_name
from phonebank.parties.profanity import refuse_bad_words
from phonebank.parties.promises import keep_promise, read_start
from phonebank.places.find import describe_place, place_at
from phonebank.places.zones import zone_of_place
from phonebank.rules.local_moments import describe_moment
from phonebank.trainings.marks import must_train

# A new party has this many places until its host changes it.
PLACES = 8
# An unconfirmed offer is deleted after this time, and every offer this long after its day.
CONFIRMED_WITHIN = timedelta(days=1)
KEPT_FOR = timedelta(days=7)


def campaigns_for(place: Place) -> Sequence[Campaign]:
    """Return the campaigns for which strangers may offer to host near this place. These are the
    running campaigns that have had an event in the place's country that strangers could find."""
    is_public = exists().where(
        Listing.campaign_id == Campaign.id,
        Listing.country == place.country,
        Listing.checked_at.is_not(None),
    )
    return db.session.scalars(
        select(Campaign)
        .where(
            Campaign.state == CampaignState.RUNNING,
            Campaign.erasing_since.is_(None),
            is_public,
        )
        .order_by(Campaign.name, Campaign.id)
    ).all()


def make_offer(
    campaign: Campaign, place: Place, first_name: str, email: str, day: date | None, at: time | None
) -> HostOffer:
    """Store an offer to host. Organisers see the offer only after the person has confirmed it. To
    confirm it, the person opens a link in an e-mail and presses a button. The calling code sends
    this e-mail (`confirm_offer_message`).

    Raises InvalidInputError for a name, an address, a day or a time that cannot be used, and for a
    campaign that accepts no offers near this place.
    """
    name = clean_name(first_name, "first name")
    refuse_bad_words(name)
    if campaign not in campaigns_for(place):
        raise InvalidInputError(
            "This campaign takes no offers to host here.", "Choose another one."
        )
    zone = zone_of_place(place)
    offer = HostOffer(
        campaign_id=campaign.id,
        first_name=name,
        email=normalise_email(email),
        starts_at=read_start(day, at, zone),
        time_zone=zone,
        country=place.country,
        place_code=place.code,
        state=HostOfferState.NEW,
    )
    db.session.add(offer)
    db.session.flush()
    return offer


def offer_of_link(token: str) -> HostOffer:
    """Return the offer whose link has this token. Raises NotFoundError if there is none."""
    offer = db.session.scalar(select(HostOffer).where(HostOffer.token == token))
    if offer is None:
        raise NotFoundError("This link isn't right, or it is too old.", "Make a new offer.")
    return offer


def confirm_offer(offer: HostOffer) -> None:
    """Let the campaign's organisers see an offer, because the person has confirmed it. If the
    person is blocked, organisers never see the offer. A second confirmation changes nothing.

    Raises ConflictError if the offered start has passed, or if the person has three other open
    offers.
    """
    lock_row(offer)
    if offer.state != HostOfferState.NEW:
        return
    if offer.starts_at <= now():
        raise ConflictError("This time has passed.", "Make a new offer with another day.")
    waiting = select(func.count()).where(
        HostOffer.email == offer.email,
        HostOffer.id != offer.id,
        HostOffer.state.in_((HostOfferState.WAITING, HostOfferState.BLOCKED)),
        HostOffer.starts_at > now(),
    )
    if (db.session.scalar(waiting) or 0) >= OPEN_AT_MOST:
        raise ConflictError(
            f"You have {OPEN_AT_MOST} open offers already.", "Wait for an answer to one of them."
        )
    blocked = is_blocked(offer.campaign_id, offer.email)
    offer.state = HostOfferState.BLOCKED if blocked else HostOfferState.WAITING


def offers_in(campaign: Campaign) -> Sequence[HostOffer]:
    """Return the offers that wait for an organiser and whose start has not passed, sorted by
    start."""
    return db.session.scalars(
        select(HostOffer)
        .where(
            HostOffer.campaign_id == campaign.id,
            HostOffer.state == HostOfferState.WAITING,
            HostOffer.starts_at > now(),
        )
        .order_by(HostOffer.starts_at, HostOffer.id)
    ).all()


def accept_offer(campaign: Campaign, offer_id: int, by: Account) -> HostOffer:
    """Make the person a host, and put their party on the map. A job then e-mails the person a link
    to the kit (a page to print). If the campaign requires trained hosts and this person is not
    marked as trained, the listing stays a draft (`is_draft`). After a training, the person can then
    put the listing on the map.

    The listing has no street address yet. The host must type the address before accepting the first
    guest. Raises NotFoundError for an offer of another campaign. Raises ConflictError if the offer
    is not waiting for an answer, if the party's start has passed, or if the person is blocked. Also
    raises the errors of `keep_promise`.
    """
    offer = _lock_waiting(campaign, offer_id)
    if is_blocked(campaign.id, offer.email):
        raise ConflictError(
            f"A host has blocked {offer.first_name} from this campaign's events.",
            "Press “Not this time”.",
        )
    if offer.starts_at <= now():
        raise ConflictError("The day of this offer has passed.", "Ask the person for another day.")
    place = place_at(offer.country, offer.place_code)
    party = keep_promise(
        campaign, offer.email, offer.first_name, PLACES, offer.starts_at, offer.time_zone, by
    )
    trains_first = must_train(campaign, db.session.get_one(Account, party.host_id))
    state = ListingState.DRAFT if trains_first else ListingState.SHOWN
    draft_party(party, offer.first_name, place, PLACES, state)
    offer.party_id = party.id
    offer.state = HostOfferState.ACCEPTED
    db.session.flush()
    return offer


def listing_of_offer(offer: HostOffer) -> Listing | None:
    """Return the listing of the offer's party. Return None if the offer has no party yet, or if the
    party has no listing."""
    if offer.party_id is None:
        return None
    return db.session.scalar(select(Listing).where(Listing.party_id == offer.party_id))


def is_draft(offer: HostOffer) -> bool:
    """Whether the offer was accepted, but its party is not on the map yet. The result is true if
    the host was not trained when the offer was accepted, and has not put the party on the map
    since."""
    listing = listing_of_offer(offer)
    return listing is not None and listing.state == ListingState.DRAFT


def trains_first(offer: HostOffer) -> bool:
    """Whether the offer was accepted, and its host must still be trained before the party can go on
    the map."""
    if not is_draft(offer):
        return False
    party = db.session.get_one(Party, offer.party_id)
    return must_train(offer.campaign, db.session.get_one(Account, party.host_id))


def refuse_offer(campaign: Campaign, offer_id: int) -> HostOffer:
    """Refuse an offer. The offer's page then says that the offer was refused. The calling code
    sends `refused_message`. Raises NotFoundError for an offer of another campaign, and
    ConflictError if the offer is not waiting for an answer."""
    offer = _lock_waiting(campaign, offer_id)
    offer.state = HostOfferState.REFUSED
    return offer


def count_to_check(campaign: Campaign) -> int:
    """Return how many offers and listings of the campaign an organiser must look at: offers that
    wait for an answer, listings that wait for a check, and listings with a report that nobody has
    looked at. Events whose start has passed do not count."""
    listed = select(func.count()).where(
        Listing.campaign_id == campaign.id,
        Listing.starts_at > now(),
        ((Listing.state == ListingState.WAITING) & Listing.returned_because.is_(None))
        | (
            (Listing.state != ListingState.CANCELLED)
            & exists().where(
                ListingReport.listing_id == Listing.id, ListingReport.seen_at.is_(None)
            )
        ),
    )
    return len(offers_in(campaign)) + (db.session.scalar(listed) or 0)


def when_of_offer(offer: HostOffer) -> str:
    """Return the offered start time in words, in the time zone of the party's place."""
    return describe_moment(offer.starts_at, offer.time_zone)


def area_of_offer(offer: HostOffer) -> str:
    """Return the name of the offer's district or town."""
    return describe_place(place_at(offer.country, offer.place_code))


def confirm_offer_message(offer: HostOffer) -> Message:
    """Return the e-mail with the link by which the person confirms their offer."""
    link = link_to("near.show_offer", token=offer.token)
    return Message(
        offer.email,
        "One more tap: your phone party",
        f"Hello {offer.first_name},\n\n"
        f"you offered to host a phone party in {area_of_offer(offer)}, {when_of_offer(offer)}.\n"
        f"Open this link, and tap the button. An organiser will then look at your offer:\n\n{link}"
        "\n\nIf it wasn't you, ignore this e-mail. We'll delete this offer, with your address, "
        "tomorrow.\n",
    )


def refused_message(offer: HostOffer) -> Message:
    """Return the e-mail to a person whose offer was refused."""
    link = link_to("near.at_place", country=offer.country.lower(), code=offer.place_code)
    return Message(
        offer.email,
        "Your phone party: not this time",
        f"Hello {offer.first_name},\n\n"
        f"thank you for your offer to host a phone party in {area_of_offer(offer)}, "
        f"{when_of_offer(offer)}. The organisers can't accept it this time. There may be other "
        f"parties near you:\n{link}\n",
    )


def unsent_kits() -> Sequence[int]:
    """Return the ids of the accepted offers for which the host has not been e-mailed the link to
    the kit (a page to print)."""
    return db.session.scalars(
        select(HostOffer.id)
        .where(
            HostOffer.state == HostOfferState.ACCEPTED,
            HostOffer.kit_sent_at.is_(None),
            HostOffer.party_id.is_not(None),
        )
        .order_by(HostOffer.id)
    ).all()


def forget_offers(at: datetime) -> None:
    """Delete the offers that nobody confirmed within a day, and the offers whose start was more
    than a week ago. Also delete all offers for campaigns whose personal data has been erased or is
    being erased."""
    over = select(Campaign.id).where(Campaign.erasing_since.is_not(None))
    db.session.execute(
        delete(HostOffer).where(
            (
                (HostOffer.state == HostOfferState.NEW)
                & (HostOffer.created_at < at - CONFIRMED_WITHIN)
            )
            | (HostOffer.starts_at < at - KEPT_FOR)
            | HostOffer.campaign_id.in_(over)
        )
    )


def _lock_waiting(campaign: Campaign, offer_id: int) -> HostOffer:
    offer = get_locked(HostOffer, offer_id)
    if offer is None or offer.campaign_id != campaign.id:
        raise NotFoundError("We can't find this offer.", "Reload the page.")
    if offer.state != HostOfferState.WAITING:
        raise ConflictError("This offer has already been answered.", "Reload the page.")
    return offer
