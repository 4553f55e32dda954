"""Take back the holds of callers who vanished, so that nobody waits in a closed laptop."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import text

from callers.contact_queue.refill import ensure_built, store_of
from callers.contact_queue.store import QueueStore
from phonebank.models import Campaign, now
from phonebank.stores import db

log = logging.getLogger(__name__)

# From an id taken in Redis to the open call committed: milliseconds, and this on a bad day.
CLAIM_TAKES_AT_MOST = timedelta(seconds=5)

_END_HOLDS = text("""
UPDATE call SET ended_at = :now, ending = 'expired'
WHERE campaign_id = :campaign_id AND ended_at IS NULL AND contact_id = ANY(:contact_ids)
""")

_PAST_THEIR_TIME = text("""
SELECT contact_id FROM call
WHERE campaign_id = :campaign_id AND ended_at IS NULL AND expires_at < :now
""")


def reap(campaign: Campaign) -> int:
    """End the holds whose time is up; how many. Commits.

    PostgreSQL first, Redis after: killed in between, the next run finds the same ids, ends
    nothing twice, and lets go of them. The contacts become callable as they stood; nothing
    counts as an attempt.
    """
    ensure_built(campaign)
    store = store_of(campaign.id)
    at = now()
    run_out = store.run_out(at)
    # Holds that Redis never heard of: a process was killed after its commit, or Redis was.
    past = list(db.session.scalars(_PAST_THEIR_TIME, {"campaign_id": campaign.id, "now": at}).all())
    orphans = [key for key, until in store.held_until(past).items() if until is None]
    ended = db.session.execute(
        _END_HOLDS,
        {"campaign_id": campaign.id, "now": at, "contact_ids": run_out + orphans},
    ).rowcount  # type: ignore[attr-defined]
    db.session.commit()
    store.let_go(at, run_out)
    store.release(*_ended_elsewhere(campaign, store, at))
    return ended


def _ended_elsewhere(campaign: Campaign, store: QueueStore, at: datetime) -> list[int]:
    """Contacts that Redis takes for held and PostgreSQL does not: the host removed the caller, or
    whoever ended the call was killed before Redis heard of it."""
    # One taken moments ago may be a claim on its way to PostgreSQL.
    taken_before = at + timedelta(seconds=campaign.hold_seconds) - CLAIM_TAKES_AT_MOST
    held = [contact_id for contact_id, until in store.holds().items() if until < taken_before]
    still_open = db.session.scalars(
        text("SELECT contact_id FROM call WHERE campaign_id = :id AND ended_at IS NULL"),
        {"id": campaign.id},
    )
    return list(set(held) - set(still_open))
