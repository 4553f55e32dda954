"""Sends a webhook's deliveries (requests that report events). If a request fails, the delivery is
sent again later, after longer and longer pauses. After TRIES_AT_MOST failed tries, the delivery is
not sent again unless an organiser asks for another try.

Each try is counted, and the count is committed, before the request is sent. So if a worker is
killed while it sends a request, one try is used up and no delivery is lost. The receiver may get
the same delivery more than once, each time with the same id.
"""

import json
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, select, update

from phonebank.core.db import db
from phonebank.models import Contact, DeliveryState, Webhook, WebhookDelivery, now
from phonebank.models.state_column import state_text
from phonebank.webhooks.post import NotDeliveredError, post

# The pauses before the second and each later try. If the last try fails too, the delivery has
# failed.
PAUSES = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 30, 2 * 60, 6 * 60, 12 * 60, 24 * 60)
)
TRIES_AT_MOST = len(PAUSES) + 1
# After a failed request the webhook gets no other request for at most this long. So a webhook that
# never answers does not occupy the workers. A webhook that refuses one request gets its other
# requests soon.
PAUSE_OF_ALL = timedelta(minutes=5)
# Deliveries are deleted after this time.
KEPT_FOR = timedelta(days=30)

_CLAIM = state_text(
    """
UPDATE webhook_delivery SET attempts = attempts + 1, last_try_at = :now, next_try_at = :now +
    (CAST(:pauses AS interval[]))[least(attempts + 1, :pauses_count)]
WHERE id = (
    SELECT delivery.id FROM webhook_delivery AS delivery
    JOIN webhook ON webhook.id = delivery.webhook_id
    WHERE webhook.id = :webhook_id AND webhook.stopped_at IS NULL AND webhook.next_try_at <= :now
      AND delivery.state = :waiting AND delivery.next_try_at <= :now
    ORDER BY delivery.next_try_at, delivery.id LIMIT 1 FOR UPDATE OF delivery SKIP LOCKED
)
RETURNING id, event, events, attempts, next_try_at
""",
    waiting=DeliveryState.WAITING,
)
_DUE = state_text(
    """
SELECT webhook.id FROM webhook
WHERE stopped_at IS NULL AND next_try_at <= :now AND EXISTS (
    SELECT FROM webhook_delivery AS delivery
    WHERE delivery.webhook_id = webhook.id AND delivery.state = :waiting
      AND delivery.next_try_at <= :now)
ORDER BY webhook.id
""",
    waiting=DeliveryState.WAITING,
)


def webhooks_with_deliveries_due() -> Sequence[int]:
    """Return the ids of the webhooks that have a delivery to send now. A webhook that is stopped,
    or that pauses after a failed request, is left out."""
    return db.session.scalars(_DUE, {"now": now()}).all()


def send_deliveries(webhook_id: int, seconds: float) -> None:
    """Send the webhook's deliveries that are due, one after another. Stop when a request fails,
    when no delivery is due any more, or after about `seconds` seconds. The function commits before
    and after each request."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and _send_next(webhook_id):
        pass


def forget_deliveries() -> None:
    """Delete deliveries older than KEPT_FOR. The calling code commits."""
    db.session.execute(delete(WebhookDelivery).where(WebhookDelivery.created_at < now() - KEPT_FOR))


def _send_next(webhook_id: int) -> bool:
    """Send the next delivery that is due. Return False if no delivery is due or if the request
    fails, otherwise True."""
    values = {"webhook_id": webhook_id, "now": now(), "pauses": list(PAUSES)}
    claimed = db.session.execute(_CLAIM, values | {"pauses_count": len(PAUSES)}).one_or_none()
    if claimed is None:
        db.session.rollback()
        return False
    webhook = db.session.get_one(Webhook, webhook_id)
    url, secret, body = webhook.url, webhook.secret, _body(webhook, claimed)
    db.session.commit()
    try:
        status = post(url, secret, str(claimed.id), body)
    except NotDeliveredError as refused:
        _note_failure(webhook_id, claimed, refused)
        return False
    _note(claimed.id, state=DeliveryState.DELIVERED, status=status, fault="")
    return True


def _body(webhook: Webhook, delivery: Row[Any]) -> bytes:
    """Return the body of the request that sends a delivery.

    The body has each person's external ID (the ID that the uploaded list gives the person). This ID
    is not stored in the delivery, but is read just before the request is sent. So if a person was
    erased while the delivery was waiting, the body has null in place of the person's external ID.
    """
    ids = [event["contact_id"] for event in delivery.events]
    query = select(Contact.id, Contact.external_id).where(
        Contact.id.in_(ids), Contact.campaign_id == webhook.campaign_id
    )
    external = {row.id: row.external_id for row in db.session.execute(query)}
    events = [
        {**event, "external_id": external.get(event["contact_id"])} for event in delivery.events
    ]
    body = {"type": delivery.event, "campaign_id": webhook.campaign_id, "events": events}
    return json.dumps(body, ensure_ascii=False).encode()


def _note_failure(webhook_id: int, delivery: Row[Any], refused: NotDeliveredError) -> None:
    is_last = delivery.attempts >= TRIES_AT_MOST
    _note(
        delivery.id,
        state=DeliveryState.FAILED if is_last else DeliveryState.WAITING,
        status=refused.status,
        fault=refused.message,
    )
    resumes = min(delivery.next_try_at, now() + PAUSE_OF_ALL)
    db.session.execute(update(Webhook).where(Webhook.id == webhook_id).values(next_try_at=resumes))
    db.session.commit()


def _note(delivery_id: uuid.UUID, **values: Any) -> None:
    db.session.execute(
        update(WebhookDelivery).where(WebhookDelivery.id == delivery_id).values(**values)
    )
    db.session.commit()
