"""After a change of calling hours: nobody waits for an hour that no longer applies."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, bindparam, select, text

from phonebank.contact_queue.campaign_hours import hours_of, rules_of
from phonebank.contact_queue.jobs import for_each_campaign
from phonebank.core.db import db
from phonebank.core.jobs import URGENT, job
from phonebank.models import Campaign, CampaignState, Contact, ContactState, now
from phonebank.rules.calling_hours import zones_in_key
from phonebank.rules.retry_policy import FAR_AWAY, next_try_at
from phonebank.rules.retry_rules import RetryRules

# Contacts a transaction: callers wait for none of them longer than a blink.
AT_ONCE = 500
# Then the other chores have their turn; the next job goes on where this one stopped.
STOP_AFTER = timedelta(seconds=2)
# Once more a round later: an outcome on its way may have been decided by the old hours.
ROUNDS = 2

# The moment is kept from PostgreSQL's planner: with what it knew when the list came, that nobody
# waits, it would read and sort the whole table for each five hundred.
_AT = select(bindparam("at", type_=DateTime(timezone=True))).scalar_subquery()
# Whoever is locked is being rung or recorded; never waiting, this can lock nobody out.
_SOME_WHO_WAIT = (
    select(Contact)
    .where(
        Contact.campaign_id == bindparam("campaign_id"),
        Contact.id > bindparam("after"),
        Contact.state == ContactState.CALLABLE,
        Contact.callable_at > _AT,
    )
    .order_by(Contact.id)
    .limit(bindparam("at_once"))
    .with_for_update(skip_locked=True, key_share=True)
    .execution_options(populate_existing=True)
)
# A household rests after the call of any of them; a skip leaves the others as they were.
_LAST_RUNG = text("""
SELECT DISTINCT ON (phone) phone, last_outcome, last_called_at FROM contact
WHERE phone = ANY(CAST(:phones AS text[])) AND campaign_id = :campaign_id
  AND last_called_at IS NOT NULL AND last_outcome <> 'skipped'
ORDER BY phone, last_called_at DESC
""")


@job(URGENT, timeout=60)
def settle_hours() -> None:
    """Look again at who waits for an hour, where an organiser has changed the hours."""
    stop_at = time.monotonic() + STOP_AFTER.total_seconds()
    for_each_campaign(
        Campaign.state.in_((CampaignState.RUNNING, CampaignState.PAUSED)),
        lambda campaign: settle(campaign, stop_at),
    )


def settle(campaign: Campaign, stop_at: float | None = None) -> int:
    """Work out anew when those who wait become callable, if the hours have changed since that was
    done; how many moved. Commits. May be killed and run again.

    Stops after the first few hundred once `time.monotonic()` has passed `stop_at`; the next run
    goes on from there.
    """
    settled = campaign.hours_settled or {}
    if settled.get("hours") != campaign.hours:
        settled = {"hours": dict(campaign.hours), "rounds": 0}
    if settled["rounds"] >= ROUNDS:
        return 0
    moved, after = _look_again(campaign, settled.get("after", 0), stop_at)
    done = {"hours": settled["hours"], "rounds": settled["rounds"] + (after is None)}
    campaign.hours_settled = done if after is None else done | {"after": after}
    db.session.commit()
    return moved


def _look_again(campaign: Campaign, after: int, stop_at: float | None) -> tuple[int, int | None]:
    """How many moved, and the id of the last who was looked at; None: that was all."""
    hours, country = hours_of(campaign), rules_of(campaign)
    retries = RetryRules.parse(campaign.retry_rules).retries
    which: dict[str, Any] = {"campaign_id": campaign.id, "at_once": AT_ONCE}
    moved = 0
    while True:
        some = db.session.scalars(_SOME_WHO_WAIT, which | {"after": after, "at": now()}).all()
        if not some:
            return moved, None
        after = some[-1].id
        last_rung = _last_rung(some, campaign)
        for contact in some:
            outcome, called_at = contact.last_outcome, contact.last_called_at
            of_any = last_rung.get(contact.phone)
            if of_any and (called_at is None or of_any[1] > called_at):
                outcome, called_at = of_any
            rule = retries.get(outcome or "")
            elsewhen = called_at if rule and rule.another_time_of_day else None
            promised = contact.callback_at == contact.callable_at
            if contact.rested_at is None:
                # From before that was kept: they had rested by then.
                contact.rested_at = contact.callable_at
            again = next_try_at(
                contact.rested_at,
                None if promised else elsewhen,
                zones_in_key(contact.zone_key),
                hours,
                country,
            )
            again = again or now() + FAR_AWAY
            moved += again != contact.callable_at
            contact.callable_at = again
            if promised:
                contact.callback_at = again
        db.session.commit()
        if stop_at is not None and time.monotonic() > stop_at:
            return moved, after


def _last_rung(some: Iterable[Contact], campaign: Campaign) -> dict[str, tuple[str, datetime]]:
    """What came of the last call to each of their numbers, and when that was."""
    phones = sorted({contact.phone for contact in some})
    rows = db.session.execute(_LAST_RUNG, {"phones": phones, "campaign_id": campaign.id})
    return {row.phone: (row.last_outcome, row.last_called_at) for row in rows}
