"""Take back the holds of callers who vanished, so that nobody waits in a closed laptop."""

from datetime import datetime, timedelta

from sqlalchemy import text

from phonebank.contact_queue.redis_queue import Held, QueueStore
from phonebank.contact_queue.refill import ensure_built, open_holds, store_of
from phonebank.core.db import db
from phonebank.models import CallEnding, Campaign, now
from phonebank.models.state import state_text

# From an id taken in Redis to the open call committed: milliseconds, and this on a bad day.
CLAIM_TAKES_AT_MOST = timedelta(seconds=5)

# One statement looks and ends: who renews, records or gives back at this moment comes before it or
# after it. PostgreSQL looks once more at a row that it had to wait for.
_END_RUN_OUT = state_text(
    """
UPDATE call SET ended_at = :now, ending = :expired
WHERE campaign_id = :campaign_id AND ended_at IS NULL AND expires_at <= :now
RETURNING id
""",
    expired=CallEnding.EXPIRED,
)

_WITH_WHOM = text("""
SELECT id, CASE WHEN ended_at IS NULL THEN contact_id END AS contact_id
FROM call WHERE id = ANY(CAST(:ids AS uuid[]))
""")


def reap(campaign: Campaign) -> int:
    """End the holds whose time is up; how many. Commits.

    PostgreSQL first, Redis after: killed in between, the next run puts Redis right. The contacts
    become callable as they stood; nothing counts as an attempt.
    """
    at = now()
    ended = db.session.scalars(_END_RUN_OUT, {"campaign_id": campaign.id, "now": at}).all()
    db.session.commit()
    ensure_built(campaign)
    _put_copy_right(campaign, store_of(campaign.id), at)
    return len(ended)


def _put_copy_right(campaign: Campaign, store: QueueStore, at: datetime) -> None:
    """Make what Redis has of the holds what PostgreSQL has of them.

    They differ where holds ran out, where a process that changed one was killed before Redis knew,
    and where Redis was away or threw something out.
    """
    copied = store.copied_holds()
    true_holds = open_holds(campaign)
    store.hold(*set(true_holds).difference(copied))
    in_open_calls = {held.contact_id for held in true_holds}
    for held in _let_go_of(campaign, [h for h in copied if h.contact_id not in in_open_calls], at):
        store.release(held.contact_id, held.call_id)


def _let_go_of(campaign: Campaign, without_call: list[Held], at: datetime) -> list[Held]:
    """Those of the holds without an open call that are over: their call has ended, or goes on with
    another of the household, or never came to be and was not on its way moments ago."""
    if not without_call:
        return []
    ids = [held.call_id for held in without_call if held.call_id is not None]
    with_whom = {row.id: row.contact_id for row in db.session.execute(_WITH_WHOM, {"ids": ids})}
    taken_before = at + timedelta(seconds=campaign.hold_seconds) - CLAIM_TAKES_AT_MOST
    return [
        held
        for held in without_call
        if (
            with_whom[held.call_id] != held.contact_id
            if held.call_id in with_whom
            else held.until < taken_before
        )
    ]
