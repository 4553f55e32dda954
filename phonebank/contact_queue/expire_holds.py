"""Ends the holds that have expired. A hold reserves a contact for one call."""

from phonebank.contact_queue.holds import end_expired_holds
from phonebank.contact_queue.refill import ensure_built
from phonebank.core.db import db
from phonebank.models import Campaign, now


def expire_holds(campaign: Campaign) -> int:
    """End the campaign's holds that have expired, and commit. Return how many holds were ended.

    The holds are ended in PostgreSQL first. If the process is killed before it has updated Redis,
    `correct_hold_copies` corrects Redis. If Redis has lost the queue, rebuild the queue.
    """
    ended = end_expired_holds(campaign.id, now())
    db.session.commit()
    ensure_built(campaign)
    return ended
