"""Finds the events for a webhook in the rows of calls, contacts and the inbox (answers that need an
organiser's action). The events are stored as deliveries. The calling code commits.

When Phonebank gives a caller a contact or records an outcome, it stores nothing for webhooks.
Instead, a job reads the rows later, in the order of an index, from the point where its last run
stopped. The deliveries and the new point are committed together, so each event is in exactly one
delivery.
"""

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select, text

from phonebank.core.db import db
from phonebank.core.locks import get_locked
from phonebank.core.settled import settled_moment
from phonebank.exports.pages import CHANGED_OUTCOMES
from phonebank.models import Webhook, WebhookDelivery, WebhookEvent, now

# One request has at most this many events.
EVENTS_A_DELIVERY = 100
# One run reads at most this many rows of each kind for one webhook. The next run continues.
ROWS_A_RUN = 2000

_OUTCOMES = text(f"""
SELECT call.id, contact_id, outcome, reached, conversation, yes, corrected_at, set_aside_at,
       changed_at
FROM (
    SELECT * FROM ({CHANGED_OUTCOMES}) AS branches ORDER BY changed_at, id LIMIT :at_most
) AS changed JOIN call USING (id)
ORDER BY changed_at, id
""")  # noqa: S608
_SUPPRESSED = text("""
SELECT id, suppressed_at FROM contact
WHERE campaign_id = :campaign_id AND suppressed_at IS NOT NULL AND suppressed_at >= :since
  AND phone <> ''  -- not erased
  AND (suppressed_at, id) > (:since, :id) AND suppressed_at <= :settled
ORDER BY suppressed_at, id LIMIT :at_most
""")
_NEWEST_IN_INBOX = text(
    "SELECT coalesce(max(id), 0) FROM inbox_item WHERE campaign_id = :campaign_id"
)
_INBOX = text("""
SELECT id, contact_id, call_id, step_id, recorded_at FROM inbox_item
WHERE campaign_id = :campaign_id AND id > :after AND id <= :seen ORDER BY id LIMIT :at_most
""")


def working_webhooks() -> Sequence[int]:
    """Return the ids of the webhooks that are not stopped."""
    query = select(Webhook.id).where(Webhook.stopped_at.is_(None)).order_by(Webhook.id)
    return db.session.scalars(query).all()


def find_events(webhook_id: int) -> None:
    """Store the webhook's new events as deliveries. New events are those after the point where the
    last run stopped. One run reads at most ROWS_A_RUN events of each kind that the webhook gets,
    and the next run continues. Nothing is stored for a webhook that is stopped or does not exist.
    """
    webhook = get_locked(Webhook, webhook_id)
    if webhook is None or webhook.stopped_at is not None:
        return
    settled = settled_moment()
    values = {
        "campaign_id": webhook.campaign_id,
        "settled": settled,
        "at_most": ROWS_A_RUN,
    }
    if WebhookEvent.OUTCOME_RECORDED in webhook.events:
        place = {"since": webhook.outcomes_until, "id": webhook.outcomes_until_id}
        rows = db.session.execute(_OUTCOMES, values | place).all()
        _deliver(webhook, WebhookEvent.OUTCOME_RECORDED, map(_outcome, rows))
        if rows:
            webhook.outcomes_until = rows[-1].changed_at
            webhook.outcomes_until_id = rows[-1].id
    if WebhookEvent.DO_NOT_CALL_ADDED in webhook.events:
        place = {"since": webhook.suppressed_until, "id": webhook.suppressed_until_id}
        rows = db.session.execute(_SUPPRESSED, values | place).all()
        _deliver(webhook, WebhookEvent.DO_NOT_CALL_ADDED, map(_suppressed, rows))
        if rows:
            webhook.suppressed_until = rows[-1].suppressed_at
            webhook.suppressed_until_id = rows[-1].id
    if WebhookEvent.NEEDS_ACTION in webhook.events:
        _find_in_inbox(webhook, settled)
    db.session.flush()


def _find_in_inbox(webhook: Webhook, settled: datetime) -> None:
    """Store the new entries of the campaign's inbox as deliveries to the webhook.

    Each new entry gets a higher id, but an entry with a lower id may be committed after an entry
    with a higher id. So one run stores only the newest id. A later run reads the entries up to that
    id. By then, every transaction that could still commit an entry with a lower id has ended.
    """
    if webhook.inbox_seen_at is not None and webhook.inbox_seen_at <= settled:
        place = {"after": webhook.inbox_until_id, "seen": webhook.inbox_seen_id}
        values = {"campaign_id": webhook.campaign_id, "at_most": ROWS_A_RUN}
        rows = db.session.execute(_INBOX, values | place).all()
        _deliver(webhook, WebhookEvent.NEEDS_ACTION, map(_entry, rows))
        if len(rows) == ROWS_A_RUN:
            webhook.inbox_until_id = rows[-1].id
            return
        webhook.inbox_until_id = webhook.inbox_seen_id
        webhook.inbox_seen_at = None
    if webhook.inbox_seen_at is None:
        webhook.inbox_seen_at = now()
        webhook.inbox_seen_id = newest_in_inbox(webhook.campaign_id)


def newest_in_inbox(campaign_id: int) -> int:
    """Return the id of the newest entry of a campaign's inbox, or 0 if the inbox is empty."""
    newest: int = db.session.scalars(_NEWEST_IN_INBOX, {"campaign_id": campaign_id}).one()
    return newest


def _deliver(webhook: Webhook, event: WebhookEvent, found: Iterator[dict[str, Any]]) -> None:
    while events := list(itertools.islice(found, EVENTS_A_DELIVERY)):
        db.session.add(WebhookDelivery(webhook_id=webhook.id, event=event, events=events))


def _outcome(row: Row[Any]) -> dict[str, Any]:
    return {
        "call_id": str(row.id),
        "contact_id": row.contact_id,
        "outcome": row.outcome,
        "reached": row.reached,
        "conversation": row.conversation,
        "yes": row.yes,
        "corrected": row.corrected_at is not None,
        "set_aside": row.set_aside_at is not None,
        "undone": row.outcome is None,
        "at": _moment(row.changed_at),
    }


def _entry(row: Row[Any]) -> dict[str, Any]:
    return {
        "call_id": str(row.call_id),
        "contact_id": row.contact_id,
        "step": row.step_id,
        "at": _moment(row.recorded_at),
    }


def _suppressed(row: Row[Any]) -> dict[str, Any]:
    return {"contact_id": row.id, "at": _moment(row.suppressed_at)}


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
