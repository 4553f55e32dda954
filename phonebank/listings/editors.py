"""Area editors (volunteers who check the events in one area) and trainers check listings. They can
also send a listing back to its host with a reason, or hide a listing. Editors and trainers see what
strangers see of a listing, and what strangers have reported about it. These functions do not
commit."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select
from sqlalchemy.orm import aliased

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError
from phonebank.core.links import link_to
from phonebank.core.locks import lock_row
from phonebank.core.mail import Message
from phonebank.listings import checks
from phonebank.listings.listings import when_of
from phonebank.listings.nearest import Near, near_of
from phonebank.listings.stale import refuse_if_changed, versions_of
from phonebank.listings.times import is_over
from phonebank.models import (
    Account,
    Campaign,
    Listing,
    ListingReport,
    ListingState,
    Volunteer,
    VolunteerRole,
    now,
)
from phonebank.parties.calendar import LASTS
from phonebank.parties.profanity import refuse_bad_words
from phonebank.places.distance import RADIUS, box_around, km_between
from phonebank.volunteers.roles import roles_of

SHOWN_AT_MOST = 100
REASON_AT_MOST = 200  # characters
# An editor is told at most this often that something waits for a check.
TOLD_EVERY = timedelta(days=1)


@dataclass(frozen=True)
class Unchecked:
    """A listing on an editor's page. `event` is what strangers see of the listing.
    `returned_because` says why the listing was sent back to its host, or is None. `reasons` are the
    reasons given in the listing's open reports. `version` is the version that the page's buttons
    send (see `stale`). `is_party` says whether the listing belongs to a party. No host can change a
    listing that does not belong to a party."""

    event: Near
    state: ListingState
    returned_because: str | None
    reasons: list[str]
    version: str
    is_party: bool

    @property
    def is_for_organisers(self) -> bool:
        """Whether only an organiser may put the listing back on the map."""
        return self.state == ListingState.HIDDEN and not self.reasons


@dataclass(frozen=True)
class EditorToTell:
    """An editor or trainer. `events` is the number of events that this person has to check, in all
    of the person's roles together."""

    email: str
    first_name: str
    events: int


def listings_for(volunteer: Volunteer) -> list[Unchecked]:
    """Return up to SHOWN_AT_MOST listings that this volunteer may check. The list begins with the
    listings that somebody must look at, and the others follow. In both parts of the list, listings
    that nobody has checked or confirmed come first. After them, the listings are sorted by the time
    of the last check or confirmation, oldest first."""
    at = now()
    roles = roles_of(volunteer)
    rows = db.session.scalars(
        select(Listing)
        .where(
            or_(false(), *(_in_role(role) for role in roles)),
            Listing.state.not_in((ListingState.DRAFT, ListingState.CANCELLED)),
            Listing.starts_at > at - LASTS,
            ~_is_own(volunteer),
        )
        .order_by(Listing.checked_at.asc().nulls_first(), Listing.starts_at, Listing.id)
    ).all()
    mine = [row for row in rows if any(_covers(role, row) for role in roles)]
    reasons = checks.open_reasons([row.id for row in mine])

    def needs_no_check(row: Listing) -> bool:
        return not (checks.is_waiting(row.state, row.returned_because) or row.id in reasons)

    shown = sorted(mine, key=needs_no_check)[:SHOWN_AT_MOST]
    versions = versions_of(shown)
    return [
        Unchecked(
            event,
            row.state,
            row.returned_because,
            reasons.get(row.id, []),
            versions[row.id],
            row.party_id is not None,
        )
        for row, event in zip(shown, near_of(shown, at), strict=True)
    ]


def listing_to_check(volunteer: Volunteer, listing_id: int) -> Listing:
    """Return a listing that this volunteer may check. Raises NotFoundError for any other
    listing."""
    listing = db.session.get(Listing, listing_id)
    roles = roles_of(volunteer)
    if (
        listing is None
        or not any(_covers(role, listing) for role in roles)
        or listing.state in (ListingState.DRAFT, ListingState.CANCELLED)
        or is_over(listing.starts_at, now())
        or db.session.get_one(Account, listing.host_id).email == volunteer.email
    ):
        raise NotFoundError("This event isn't among yours to check.", "Go back to the list.")
    return listing


def approve(listing: Listing, shown: str) -> None:
    """Do what `checks.approve` does, for an editor or a trainer. Also raises ConflictError for a
    hidden event without open reports, because only an organiser may put such an event back on the
    map."""
    lock_row(listing)
    _refuse_if_hidden(listing)
    checks.approve(listing, shown)


def send_back(listing: Listing, reason: str, shown: str) -> None:
    """Take a listing off the map, and store the reason, which tells the host what to change. When
    the host has changed the listing, it waits for a check again. Accepted guests keep their places.
    The listing's open reports are marked as seen. `shown` is the version that the editor's page
    showed.

    Raises InvalidInputError for a reason that is empty, too long or rude. Raises ConflictError for
    a cancelled event, for an event that is not a party, and for an event that only an organiser may
    put back on the map. Also raises ConflictError for an event that no longer has the version
    `shown`.
    """
    words = " ".join(reason.replace("\0", "").split())
    if not words:
        raise InvalidInputError("Say what the host should change.")
    if len(words) > REASON_AT_MOST:
        raise InvalidInputError(
            f"The reason has {len(words)} characters.", f"Use up to {REASON_AT_MOST}."
        )
    refuse_bad_words(words)
    lock_row(listing)
    if listing.state == ListingState.CANCELLED:
        raise ConflictError("This event is cancelled.", "There is nothing to change.")
    if listing.party_id is None:
        raise ConflictError(
            "An organiser made this event, so no host can change it.",
            "Write to the organiser, or hide the event.",
        )
    _refuse_if_hidden(listing)
    refuse_if_changed(listing, shown)
    listing.state = ListingState.WAITING
    listing.returned_because = words
    checks.settle_reports(listing)


def _refuse_if_hidden(listing: Listing) -> None:
    if listing.state == ListingState.HIDDEN and not checks.open_reasons([listing.id]):
        raise ConflictError(
            "Somebody has hidden this event.",
            "Only an organiser can put this event back on the map.",
        )


def message_to_host(listing: Listing) -> Message:
    """Return the e-mail that tells a host why their listing was sent back."""
    host = db.session.get_one(Account, listing.host_id)
    link = link_to("parties.guest_list", party_id=listing.party_id)
    return Message(
        host.email,
        f"Please change it: {listing.title}",
        f"Hello {listing.host_name},\n\n"
        f"somebody checked your event “{listing.title}” ({when_of(listing)}), and asks you to "
        f"change something:\n\n{listing.returned_because}\n\n"
        "People near you can't find it until you've changed it and somebody has checked it "
        f"again. Change it here:\n\n{link}\n",
    )


def editors_to_tell(at: datetime) -> list[EditorToTell]:
    """Return the editors and trainers who have to check an event that has not started. The list is
    sorted by e-mail address. A person's own events do not count. A person who was told about such
    events less than TOLD_EVERY ago, in any role, is left out."""
    waiting = (
        select(Listing.id, Listing.campaign_id, Listing.latitude, Listing.longitude, Account.email)
        .join(Account, Account.id == Listing.host_id)
        .where(
            Listing.starts_at > at,
            ((Listing.state == ListingState.WAITING) & Listing.returned_because.is_(None))
            | (
                Listing.state.in_((ListingState.SHOWN, ListingState.HIDDEN))
                & exists().where(
                    ListingReport.listing_id == Listing.id, ListingReport.seen_at.is_(None)
                )
            ),
        )
        .cte("waiting")
        .prefix_with("MATERIALIZED")  # few events wait, so they are found once for all roles
    )
    told = aliased(VolunteerRole)
    rows = db.session.execute(
        select(Volunteer.email, Volunteer.first_name, func.count(waiting.c.id.distinct()))
        .join(VolunteerRole, VolunteerRole.email == Volunteer.email)
        .join(Campaign, Campaign.id == VolunteerRole.campaign_id)
        .join(waiting, waiting.c.campaign_id == VolunteerRole.campaign_id)
        .where(
            Campaign.erasing_since.is_(None),
            ~exists().where(told.email == Volunteer.email, told.told_at > at - TOLD_EVERY),
            waiting.c.email != Volunteer.email,  # nobody checks their own event
            _reaches(waiting.c.latitude, waiting.c.longitude),
        )
        .group_by(Volunteer.id)
        .order_by(Volunteer.email)
    )
    return [EditorToTell(*row) for row in rows]


def mark_told(email: str, at: datetime) -> bool:
    """Store in each role of the person with this e-mail address that the person is being told about
    events that they have to check. `at` (aware) is the time of this message. Return True if the
    time was stored. Return False, and store nothing, if the person was told less than TOLD_EVERY
    ago or no longer has a role."""
    roles = db.session.scalars(
        select(VolunteerRole)
        .where(VolunteerRole.email == email)
        .order_by(VolunteerRole.id)
        .with_for_update(),
        execution_options={"populate_existing": True},
    ).all()
    if any(role.told_at is not None and role.told_at > at - TOLD_EVERY for role in roles):
        return False
    for role in roles:
        role.told_at = at
    return bool(roles)


def message_to_editor(editor: EditorToTell) -> Message:
    """Return the e-mail that tells an editor or trainer how many events they have to check."""
    events = "An event is" if editor.events == 1 else f"{editor.events} events are"
    return Message(
        editor.email,
        f"{events} waiting for you to check",
        f"Hello {editor.first_name},\n\n{events} waiting for you to check. Look here:\n\n"
        f"{link_to('movement.event_checks')}\n\n"
        "You get this e-mail once a day at most, while something waits. You can stop checking on "
        f"your page:\n{link_to('movement.mine')}\n",
    )


def _reaches(
    latitude: ColumnElement[float], longitude: ColumnElement[float]
) -> ColumnElement[bool]:
    """Return an SQL condition that is true if a VolunteerRole covers this point. With this
    condition, one query can test many roles. The query itself must also compare the role's campaign
    with that of the listing."""
    role = VolunteerRole
    north = func.sind(role.latitude) * func.sind(latitude)
    east = func.cosd(role.latitude) * func.cosd(latitude) * func.cosd(role.longitude - longitude)
    angle = func.acos(func.least(1.0, func.greatest(-1.0, north + east)))
    # The first comparison is cheap and settles most pairs.
    return role.km.is_(None) | (
        (func.radians(func.abs(role.latitude - latitude)) * RADIUS <= role.km + 1)
        & (angle * RADIUS <= role.km)
    )


def _in_role(role: VolunteerRole) -> ColumnElement[bool]:
    """Return an SQL condition that is true for every listing that the role covers. The condition
    can also be true for listings a little outside the role's area."""
    in_campaign = Listing.campaign_id == role.campaign_id
    if role.km is None:
        return in_campaign
    south, west, north, east = box_around((role.latitude, role.longitude), role.km)
    return and_(
        in_campaign,
        Listing.latitude.between(south, north),
        Listing.longitude.between(west, east),
    )


def _covers(role: VolunteerRole, listing: Listing) -> bool:
    if role.campaign_id != listing.campaign_id:
        return False
    here, there = (role.latitude, role.longitude), (listing.latitude, listing.longitude)
    return role.km is None or km_between(here, there) <= role.km


def _is_own(volunteer: Volunteer) -> ColumnElement[bool]:
    return Listing.host_id.in_(select(Account.id).where(Account.email == volunteer.email))
