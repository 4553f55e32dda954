"""The jobs of webhooks: find events, send deliveries, and delete old deliveries."""

from phonebank.core.db import db
from phonebank.core.jobs import CHORES, enqueue, job
from phonebank.webhooks import deliveries
from phonebank.webhooks.find_events import find_events, working_webhooks

# Seconds. One webhook occupies a worker no longer than this, plus one more request.
SENDING = 20.0


@job(CHORES, timeout=60)
def look_after_webhooks() -> None:
    """Find events for every webhook that is not stopped. Then enqueue a job for each webhook that
    has a delivery to send now."""
    for webhook_id in working_webhooks():
        find_events(webhook_id)
        db.session.commit()
    for webhook_id in deliveries.webhooks_with_deliveries_due():
        enqueue(send_to_webhook, webhook_id)


@job(CHORES, timeout=60)
def send_to_webhook(webhook_id: int) -> None:
    """Send the webhook's deliveries that are due. After SENDING seconds, no further request is
    begun."""
    deliveries.send_deliveries(webhook_id, SENDING)


@job(CHORES, timeout=60)
def forget_old_deliveries() -> None:
    """Delete deliveries older than `deliveries.KEPT_FOR`."""
    deliveries.forget_deliveries()
    db.session.commit()
