"""The jobs of webhooks: find events, send deliveries, and delete old deliveries."""

from phonebank.core.db import db
from phonebank.core.jobs import CHORES, enqueue, job
from phonebank.webhooks import deliveries
from phonebank.webhooks.find_events import find_events, working_webhooks

# Seconds. One webhook occupies a worker no longer than this, plus one more request.
SENDING = 20.0


@job(CHORES, timeout=60)
def look_after_webhooks() -> None:
    """Find events for every webhook that is not stopped, and enqueue the jobs that send the
    deliveries that are due."""
    for webhook_id in working_webhooks():
        find_events(webhook_id)
        db.session.commit()
    for webhook_id in deliveries.webhooks_with_deliveries_due():
        enqueue(send_to_webhook, webhook_id)


@job(CHORES, timeout=60)
def send_to_webhook(webhook_id: int) -> None:
    """Send a webhook's deliveries that are due, for about SENDING seconds at most."""
    deliveries.send_deliveries(webhook_id, SENDING)


@job(CHORES, timeout=60)
def forget_old_deliveries() -> None:
    """Delete old deliveries."""
    deliveries.forget_deliveries()
    db.session.commit()
