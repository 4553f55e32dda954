"""Refuses an action on a listing if the page with the button was out of date. Each button sends the
version of the listing that the page showed. The action locks the listing, and compares the sent
version with the present one."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import func, select

from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.models import Listing, ListingReport


def versions_of(listings: Sequence[Listing]) -> dict[int, str]:
    """Return the version of each listing, by the listing's id. A version changes with the listing's
    state, with what strangers see of the listing, with the reason why it was sent back, and with
    its newest open report.

    Call this function before you read the reports. If a report arrives after this call, the version
    does not include it, so the report counts as not shown.
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
