"""Listings (events on the public map) that somebody must look at: new listings and reported
listings. These functions do not commit."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.core.locks import lock_row
from phonebank.core.secret_text import keyed_hashes
from phonebank.listings.stale import refuse_if_changed, versions_of
from phonebank.models import (
    Account,
    Campaign,
    Guest,
    GuestState,
    Listing,
    ListingReport,
    ListingState,
    now,
)
from phonebank.parties.calendar import LASTS

# When this many strangers have reported a listing, it is hidden until somebody checks it.
REPORTS_THAT_HIDE = 3
# So many listings are on the organiser's page at most.
SHOWN_AT_MOST = 500
REASONS = {
    "wrong": "It's wrong: the day, the place or the words",
    "private": "It says something private",
    "hate": "It's hateful or rude",
    "hoax": "There is no such event",
    "unsafe": "It doesn't feel safe",
}


@dataclass(frozen=True)
class ToCheck:
    """A listing on the organiser's page, with its host and the number of its accepted guests.
    `needs_look` says whether an organiser must look at the listing: it waits for a check, or it has
    open reports (reports that nobody has looked at yet) and is not cancelled. `reasons` are the
    reasons given in the open reports. `version` is the version that the page's buttons send (see
    `stale`)."""

    listing: Listing
    host: Account
    needs_look: bool
    reasons: list[str]
    guests: int
    version: str


def report(listing: Listing, reason: str, reporter: str) -> None:
    """Record a stranger's report. `reporter` is text that tells strangers apart, such as their
    network address. Only a hash of `reporter` is stored. The listing is hidden when it has three
    open reports (reports that nobody has looked at yet). If strangers cannot find the listing, or
    if this reporter has reported it before, nothing is recorded.

    Raises InvalidInputError for a reason that is not in REASONS.
    """
    if reason not in REASONS:
        raise InvalidInputError("Choose what is wrong.")
    lock_row(listing)
    if listing.state != ListingState.SHOWN:
        return
    db.session.execute(
        insert(ListingReport)
        .values(
            listing_id=listing.id,
            reason=reason,
            reporter=keyed_hashes(f"{listing.id} {reporter}")[0],
            created_at=now(),
        )
        .on_conflict_do_nothing()
    )
    if _open_reports(listing) >= REPORTS_THAT_HIDE:
        listing.state = ListingState.HIDDEN


def approve(listing: Listing, shown: str) -> None:
    """Show a listing to strangers, because an organiser, an editor or a trainer has checked it. The
    listing's open reports are marked as seen. `shown` is the version of the listing that the
    organiser's or editor's page showed (see `stale`).

    Raises ConflictError for a draft, for a cancelled event, and for an event that no longer has the
    version `shown`.
    """
    lock_row(listing)
    _refuse_unless_listed(listing, "show")
    refuse_if_changed(listing, shown)
    listing.state = ListingState.SHOWN
    listing.checked_at = now()
    listing.returned_because = None
    settle_reports(listing)


def hide(listing: Listing, shown: str) -> None:
    """Stop showing a listing to strangers. Its accepted guests keep their places. The listing's
    open reports are marked as seen. The parameters and the errors are those of `approve`."""
    lock_row(listing)
    _refuse_unless_listed(listing, "hide")
    refuse_if_changed(listing, shown)
    listing.state = ListingState.HIDDEN
    listing.returned_because = None  # only an organiser decides about it now
    settle_reports(listing)


def _refuse_unless_listed(listing: Listing, verb: str) -> None:
    if listing.state == ListingState.CANCELLED:
        raise ConflictError("This event is cancelled.", f"There is nothing to {verb}.")
    if listing.state == ListingState.DRAFT:
        raise ConflictError(
            "The host has not put this event on the map yet.", "Ask the host to do that."
        )


def listings_in(campaign: Campaign) -> list[ToCheck]:
    """Return up to SHOWN_AT_MOST of the campaign's listings. Drafts and events that are over are
    left out. Listings that an organiser must look at come before the rest. In both parts, listings
    that start earlier come first."""
    guests = _counts_of_guests(campaign)
    has_reports = exists().where(
        ListingReport.listing_id == Listing.id, ListingReport.seen_at.is_(None)
    )
    is_unchecked = and_(Listing.state == ListingState.WAITING, Listing.returned_because.is_(None))
    needs_look = or_(is_unchecked, and_(has_reports, Listing.state != ListingState.CANCELLED))
    rows = db.session.execute(
        select(Listing, Account, needs_look)
        .join(Account, Account.id == Listing.host_id)
        .where(
            Listing.campaign_id == campaign.id,
            Listing.state != ListingState.DRAFT,
            Listing.starts_at > now() - LASTS,
        )
        .order_by(needs_look.desc(), Listing.starts_at, Listing.id)
        .limit(SHOWN_AT_MOST)
    ).all()
    versions = versions_of([listing for listing, *_ in rows])
    reasons = open_reasons([listing.id for listing, *_ in rows])
    return [
        ToCheck(
            listing,
            host,
            must_look,
            reasons.get(listing.id, []),
            guests.get(listing.id, 0),
            versions[listing.id],
        )
        for listing, host, must_look in rows
    ]


def is_waiting(state: ListingState, returned_because: str | None) -> bool:
    """Whether a listing waits for a check. The result is false for a listing that waits for a
    change by its host."""
    return state == ListingState.WAITING and returned_because is None


def open_reasons(listing_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return the reasons given in the open reports of these listings. The keys are listing ids, and
    the values are reasons in words. The dictionary has no entry for a listing without open
    reports."""
    reasons: dict[int, list[str]] = {}
    for listing_id, reason in db.session.execute(
        select(ListingReport.listing_id, ListingReport.reason)
        .where(ListingReport.listing_id.in_(listing_ids), ListingReport.seen_at.is_(None))
        .order_by(ListingReport.id)
    ):
        reasons.setdefault(listing_id, []).append(REASONS.get(reason, reason))
    return reasons


def _counts_of_guests(campaign: Campaign) -> dict[int, int]:
    query = (
        select(Guest.listing_id, func.count())
        .join(Listing, Listing.id == Guest.listing_id)
        .where(Listing.campaign_id == campaign.id, Guest.state == GuestState.ACCEPTED)
        .group_by(Guest.listing_id)
    )
    return {row[0]: row[1] for row in db.session.execute(query)}


def _open_reports(listing: Listing) -> int:
    query = select(func.count()).where(
        ListingReport.listing_id == listing.id, ListingReport.seen_at.is_(None)
    )
    return db.session.scalar(query) or 0


def settle_reports(listing: Listing) -> None:
    """Mark the listing's open reports as seen."""
    db.session.execute(
        update(ListingReport)
        .where(ListingReport.listing_id == listing.id, ListingReport.seen_at.is_(None))
        .values(seen_at=now())
    )
