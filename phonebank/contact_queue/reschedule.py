"""Applies a change of calling hours to the contacts that are not callable yet."""

import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import DateTime, Row, bindparam, select, text

from phonebank.contact_queue.campaign_hours import hours_of, rules_of
from phonebank.contact_queue.jobs import for_each_campaign
from phonebank.core.db import db
from phonebank.core.jobs import URGENT, job
from phonebank.models import Campaign, CampaignState, Contact, ContactState, now
from phonebank.rules.calling_hours import zones_in_key
from phonebank.rules.retry_policy import FAR_AWAY, next_try_at
from phonebank.rules.retry_rules import RetryRules

# How many contacts one transaction locks. There are so few that a claim hardly ever waits for one
# of them.
AT_ONCE = 500
# The job stops after this time so that other jobs can run. Its next run continues from there.
STOP_AFTER = timedelta(seconds=2)
# The contacts are read twice after each change. During the first round, an outcome that is being
# recorded may still use the old hours. The second round corrects the contacts of such outcomes.
ROUNDS = 2

# The time is a subquery so that PostgreSQL's planner does not see its value. The planner's
# statistics date from the upload, when no contact was waiting. With the value it would read and
# sort the whole table for each 500 contacts.
_AT = select(bindparam("at", type_=DateTime(timezone=True))).scalar_subquery()
# A locked contact is being claimed, or its outcome is being recorded. SKIP LOCKED leaves it out, so
# this query never waits for a claim or an outcome.
_NEXT_WAITING = (
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
# The last call to each number. After a call to one person of a household, all of them wait. After a
# skip, only the skipped person waits, so skips are left out. The query reads the calls, because a
# contact's row may have only the skip.
_LAST_CALLS = text("""
SELECT DISTINCT ON (contact.phone) contact.phone, last.outcome, last.reached,
    last.recorded_at
FROM contact CROSS JOIN LATERAL (
    SELECT outcome, reached, recorded_at FROM call
    WHERE contact_id = contact.id AND outcome <> 'skipped' AND set_aside_at IS NULL
    ORDER BY started_at DESC LIMIT 1
) AS last
WHERE contact.phone = ANY(CAST(:phones AS text[])) AND contact.campaign_id = :campaign_id
  AND contact.last_called_at IS NOT NULL
ORDER BY contact.phone, last.recorded_at DESC
""")


@job(URGENT, timeout=60)
def reschedule_campaigns() -> None:
    """Run `reschedule_contacts` for every running or paused campaign."""
    stop_at = time.monotonic() + STOP_AFTER.total_seconds()
    for_each_campaign(
        Campaign.state.in_((CampaignState.RUNNING, CampaignState.PAUSED)),
        lambda campaign: reschedule_contacts(campaign, stop_at),
    )


def reschedule_contacts(campaign: Campaign, stop_at: float | None = None) -> int:
    """After a change of the campaign's calling hours, recalculate the time at which each waiting
    contact becomes callable. Do nothing if this has been done twice (ROUNDS) since the change.
    Return how many contacts now have a different time.

    The function commits after each batch. If `time.monotonic()` is later than `stop_at` after a
    batch, the function stops, and its next run continues with the next batch. If `stop_at` is None,
    the function does not stop early. If the process is killed, the next run reads this run's
    batches again.
    """
    settled = campaign.hours_settled or {}
    if settled.get("hours") != campaign.hours:
        settled = {"hours": dict(campaign.hours), "rounds": 0}
    if settled["rounds"] >= ROUNDS:
        return 0
    moved, after = _reschedule_batches(campaign, settled.get("after", 0), stop_at)
    done = {"hours": settled["hours"], "rounds": settled["rounds"] + (after is None)}
    campaign.hours_settled = done if after is None else done | {"after": after}
    db.session.commit()
    return moved


def _reschedule_batches(
    campaign: Campaign, after: int, stop_at: float | None
) -> tuple[int, int | None]:
    """Recalculate the time at which each waiting contact becomes callable, batch by batch. Only
    contacts with an id above `after` are read, and locked contacts are left out. Stop after a batch
    if `time.monotonic()` is later than `stop_at`. Return the number of changed times, and the id of
    the last contact that was checked (None if no contacts are left)."""
    hours, country = hours_of(campaign), rules_of(campaign)
    retries = RetryRules.parse(campaign.retry_rules).retries
    which: dict[str, Any] = {"campaign_id": campaign.id, "at_once": AT_ONCE}
    moved = 0
    while True:
        batch = db.session.scalars(_NEXT_WAITING, which | {"after": after, "at": now()}).all()
        if not batch:
            return moved, None
        after = batch[-1].id
        last_calls = _last_calls(batch, campaign)
        for contact in batch:
            outcome, called_at = contact.last_outcome, contact.last_called_at
            last = last_calls.get(contact.phone)
            if last and (called_at is None or last.recorded_at > called_at):
                # After a call that somebody answered, the others need not wait for another time
                # of day.
                outcome = None if last.reached else last.outcome
                called_at = last.recorded_at
            rule = retries.get(outcome or "")
            avoided_time = called_at if rule and rule.another_time_of_day else None
            is_promised = contact.callback_at == contact.callable_at
            if contact.rested_at is None:
                # This contact's wait after the last call ended before `callable_at`.
                contact.rested_at = contact.callable_at
            again = next_try_at(
                contact.rested_at,
                None if is_promised else avoided_time,
                zones_in_key(contact.zone_key),
                hours,
                country,
            )
            again = again or now() + FAR_AWAY
            moved += again != contact.callable_at
            contact.callable_at = again
            if is_promised:
                contact.callback_at = again
        db.session.commit()
        if stop_at is not None and time.monotonic() > stop_at:
            return moved, after


def _last_calls(batch: Iterable[Contact], campaign: Campaign) -> dict[str, Row[Any]]:
    """For each of the contacts' numbers, return the last call in this campaign: its outcome,
    whether somebody answered (`reached`), and when it was recorded (aware UTC). Skips and calls
    that are set aside do not count. A number without such a call is not in the result."""
    phones = sorted({contact.phone for contact in batch})
    rows = db.session.execute(_LAST_CALLS, {"phones": phones, "campaign_id": campaign.id})
    return {row.phone: row for row in rows}
