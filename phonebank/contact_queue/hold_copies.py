"""Corrects the copy of the holds in Redis. A hold reserves a contact for one call."""

from datetime import datetime, timedelta

from sqlalchemy import text

from phonebank.contact_queue.holds import open_holds
from phonebank.contact_queue.redis_queue import HeldContact, redis_queue_of
from phonebank.core.db import db
from phonebank.models import Campaign, now

# A claim takes a contact in Redis and commits its call some milliseconds later. On a very slow
# server it may take as long as this.
CLAIM_TAKES_AT_MOST = timedelta(seconds=5)

_CONTACTS_OF_CALLS = text("""
SELECT id, CASE WHEN ended_at IS NULL THEN contact_id END AS contact_id
FROM call WHERE id = ANY(CAST(:ids AS uuid[]))
""")


def correct_hold_copies(campaign: Campaign) -> None:
    """Make the copy of the holds in Redis match the open calls in PostgreSQL. The two differ if a
    process was killed between its changes in PostgreSQL and in Redis, if Redis was unavailable, or
    if Redis evicted a key.

    With ten thousand holds this takes a process a tenth of a second, so it does not run as often as
    `expire_holds`.
    """
    at = now()
    redis_queue = redis_queue_of(campaign.id)
    copied = redis_queue.holds()
    true_holds = open_holds(campaign.id)
    redis_queue.copy_holds(*set(true_holds).difference(copied))
    in_open_calls = {held.contact_id for held in true_holds}
    without_call = [held for held in copied if held.contact_id not in in_open_calls]
    for held in _ended_among(campaign, without_call, at):
        redis_queue.release(held.contact_id, held.call_id)


def _ended_among(
    campaign: Campaign, without_call: list[HeldContact], at: datetime
) -> list[HeldContact]:
    """Return the holds in `without_call` that have ended. `without_call` has the holds in Redis
    whose contact is in no open call.

    Such a hold has ended if its call has ended or was switched to another person in the household.
    If the hold has no call in PostgreSQL, or if Redis has lost the id of the call, the hold has
    ended once it is older than CLAIM_TAKES_AT_MOST. A claim writes its call within that time.
    """
    if not without_call:
        return []
    ids = [held.call_id for held in without_call if held.call_id is not None]
    rows = db.session.execute(_CONTACTS_OF_CALLS, {"ids": ids})
    contact_of_call = {row.id: row.contact_id for row in rows}
    taken_before = at + timedelta(seconds=campaign.hold_seconds) - CLAIM_TAKES_AT_MOST
    return [
        held
        for held in without_call
        if (
            contact_of_call[held.call_id] != held.contact_id
            if held.call_id in contact_of_call
            else held.until < taken_before
        )
    ]
