"""Refuses an action on a listing if somebody started the action on a page that was out of date.
Each button on the page sends the version of the listing that the page showed. The action locks the
listing, and compares the sent version with the present one."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import func, select

from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.models import Listing, ListingReport


def versions_of(listings: Sequence[Listing]) -> dict[int, str]:
    """Return the version of each listing, by the listing's id. A version changes with the listing's
    state, with the facts that strangers see (such as the title and the start), with the reason why
    the listing was sent back, and with its newest open report. The version does not change with the
    number of free places or with the time of the last confirmation.

    Call this function before you read the reports. A report that arrives after this call is not
    part of the version, so it counts as not shown.
    """
    newest = dict(
        db.session.execute(
            select(ListingReport.listing_id, func.max(ListingReport.id))
            .where(
                ListingReport.listing_id.in_([one.id for one in listings]),
                ListingReport.seen_at.is_(None),
            )
            .group_by(ListingReport.listing_id)
        ).all()
    )
    return {one.id: _version(one, newest.get(one.id)) for one in listings}


def refuse_if_changed(listing: Listing, shown: str) -> None:
    """Raise ConflictError unless `shown` is the listing's version. The calling code must have
    locked the listing, so that nobody can report the listing before the commit."""
    if versions_of([listing])[listing.id] != shown:
        raise ConflictError(
            "This event has changed since you opened the page, or somebody has reported it.",
            "Open the page again, and look at the event once more.",
        )


def _version(listing: Listing, newest_report: int | None) -> str:
    shown = (
        str(listing.state),
        listing.returned_because,
        newest_report,
        listing.title,
        listing.host_name,
        listing.starts_at.timestamp(),
        listing.by_video,
        listing.area,
        listing.places,
        listing.step_free,
        listing.languages,
    )
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:24]
