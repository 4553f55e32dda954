"""What organisers do with webhooks: make, look at, test and stop them, and send deliveries again.
The calling code commits."""

import base64
import secrets
import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import func, select, update

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.models import (
    Account,
    Campaign,
    DeliveryState,
    Webhook,
    WebhookDelivery,
    WebhookEvent,
    now,
)
from phonebank.webhooks.addresses import check_url
from phonebank.webhooks.find_events import newest_in_inbox
from phonebank.webhooks.post import SECRET_PREFIX

WEBHOOKS_AT_MOST = 10
SHOWN_AT_MOST = 100


def create_webhook(
    campaign: Campaign, account: Account, url: str, events: Collection[WebhookEvent]
) -> Webhook:
    """Make a webhook. It gets the events of the kinds in `events` that happen from now on.

    The calling code must lock the campaign's row first. Otherwise two organisers who make webhooks
    at the same time could exceed WEBHOOKS_AT_MOST. Raises InvalidInputError if `check_url` refuses
    the address, and ConflictError if the campaign has WEBHOOKS_AT_MOST webhooks that are not
    stopped.
    """
    check_url(url)
    working = select(func.count()).where(
        Webhook.campaign_id == campaign.id, Webhook.stopped_at.is_(None)
    )
    if (db.session.scalar(working) or 0) >= WEBHOOKS_AT_MOST:
        raise ConflictError(
            f"This campaign has {WEBHOOKS_AT_MOST} webhooks already.", "Stop one of them first."
        )
    webhook = Webhook(
        campaign_id=campaign.id,
        created_by_id=account.id,
        url=url,
        events=sorted(events),
        inbox_until_id=newest_in_inbox(campaign.id),
        secret=SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode(),
    )
    db.session.add(webhook)
    db.session.flush()
    return webhook


def webhooks_of(campaign: Campaign) -> Sequence[tuple[Webhook, Account | None]]:
    """Return the campaign's webhooks, newest first. With each webhook comes the account that made
    it, or None if that account was deleted."""
    query = (
        select(Webhook, Account)
        .outerjoin(Account, Account.id == Webhook.created_by_id)
        .where(Webhook.campaign_id == campaign.id)
        .order_by(Webhook.id.desc())
    )
    return [(webhook, account) for webhook, account in db.session.execute(query)]


def webhook_for(campaign: Campaign, webhook_id: int) -> Webhook:
    """Return the campaign's webhook with this id. Raises NotFoundError if the campaign has no such
    webhook."""
    webhook = db.session.get(Webhook, webhook_id)
    if webhook is None or webhook.campaign_id != campaign.id:
        raise NotFoundError("This campaign does not have this webhook.", "Choose one of its own.")
    return webhook


def stop_webhook(webhook: Webhook) -> None:
    """Stop a webhook for good. Only a delivery that a worker is sending at this moment may still
    arrive."""
    db.session.execute(
        update(Webhook)
        .where(Webhook.id == webhook.id, Webhook.stopped_at.is_(None))
        .values(stopped_at=now())
    )


def deliveries_of(webhook: Webhook) -> Sequence[WebhookDelivery]:
    """Return up to SHOWN_AT_MOST deliveries of the webhook, newest first."""
    return db.session.scalars(
        select(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook.id)
        .order_by(WebhookDelivery.id.desc())
        .limit(SHOWN_AT_MOST)
    ).all()


def counts_of(webhook: Webhook) -> dict[DeliveryState, int]:
    """Return how many deliveries of the webhook are in each state."""
    query = (
        select(WebhookDelivery.state, func.count())
        .where(WebhookDelivery.webhook_id == webhook.id)
        .group_by(WebhookDelivery.state)
    )
    found = {row.state: row[1] for row in db.session.execute(query)}
    return {state: found.get(state, 0) for state in DeliveryState}


def send_test(webhook: Webhook) -> None:
    """Make a delivery without events, to test the webhook's address. Raises ConflictError for a
    stopped webhook."""
    _check_working(webhook)
    db.session.add(WebhookDelivery(webhook_id=webhook.id, event=WebhookEvent.TEST))
    _try_now(webhook)


def send_again(webhook: Webhook, delivery_id: uuid.UUID) -> None:
    """Make a delivery due again, as if it were new.

    Raises NotFoundError if the webhook has no such delivery. Raises ConflictError if the delivery
    is still waiting for its first try, or if the webhook is stopped.
    """
    _check_working(webhook)
    delivery = db.session.get(WebhookDelivery, delivery_id)
    if delivery is None or delivery.webhook_id != webhook.id:
        raise NotFoundError("This delivery has been deleted.", "Reload the page.")
    changed = db.session.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.id == delivery_id,
            (WebhookDelivery.state != DeliveryState.WAITING) | (WebhookDelivery.attempts > 0),
        )
        .values(state=DeliveryState.WAITING, attempts=0, next_try_at=now())
        .returning(WebhookDelivery.id)
    ).scalar()
    if changed is None:
        raise ConflictError("This delivery is already about to be sent.", "Reload the page.")
    _try_now(webhook)


def _check_working(webhook: Webhook) -> None:
    if webhook.stopped_at is not None:
        raise ConflictError("This webhook is stopped.", "Make a new one.")


def _try_now(webhook: Webhook) -> None:
    webhook.next_try_at = now()
    db.session.flush()
