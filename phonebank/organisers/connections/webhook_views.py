"""The pages on which an organiser makes a webhook, sees its deliveries, sends a delivery again, and
stops the webhook."""

import logging
import uuid

from flask import Blueprint, Flask, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.audit.record import record_audit
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.core.rate_limits import account_key, limiter
from phonebank.core.scopes import campaign_for
from phonebank.models import Campaign, RoleName, Webhook
from phonebank.organisers.connections.forms import EVENTS, WebhookForm
from phonebank.organisers.responses import commit_and_enqueue
from phonebank.webhooks import webhooks
from phonebank.webhooks.deliveries import KEPT_FOR, TRIES_AT_MOST
from phonebank.webhooks.jobs import send_to_webhook

log = logging.getLogger(__name__)

pages = Blueprint(
    "webhooks", __name__, url_prefix="/campaigns/<int:campaign_id>/connections/webhooks"
)

NEW_WEBHOOKS = "20 per hour"
# Each of these requests may send a request to somebody's server.
SENDS = "20 per minute"


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(pages)


@pages.get("")
@open_to(RoleName.ORGANISER)
def index(campaign_id: int) -> ResponseReturnValue:
    """Show the campaign's webhooks, and the form for a new webhook."""
    return _page(campaign_for(current_user, campaign_id), WebhookForm(formdata=None))


@pages.post("")
@limiter.limit(NEW_WEBHOOKS, key_func=account_key)
@open_to(RoleName.ORGANISER)
def make(campaign_id: int) -> ResponseReturnValue:
    """Make a webhook, and show its secret. No page shows the secret again."""
    campaign = campaign_for(current_user, campaign_id, to_change=True)
    form = WebhookForm()
    if not form.validate():
        return _page(campaign, form), 422
    try:
        webhook = webhooks.create_webhook(campaign, current_user, form.url.data, form.chosen())
    except InvalidInputError as refused:
        form.url.errors = [f"{refused.message} {refused.what_to_do}"]
        return _page(campaign, form), 422
    _record("webhook made", campaign, webhook)
    db.session.commit()
    return render_template("connections/webhook_secret.html", campaign=campaign, webhook=webhook)


@pages.get("/<int:webhook_id>")
@open_to(RoleName.ORGANISER)
def show(campaign_id: int, webhook_id: int) -> ResponseReturnValue:
    """Show the webhook's newest deliveries (at most SHOWN_AT_MOST). For each delivery, say whether
    it has arrived, has failed, or waits for its first or next try."""
    campaign = campaign_for(current_user, campaign_id)
    webhook = webhooks.webhook_for(campaign, webhook_id)
    return render_template(
        "connections/webhook.html",
        campaign=campaign,
        webhook=webhook,
        deliveries=webhooks.deliveries_of(webhook),
        counts=webhooks.counts_of(webhook),
        shown_at_most=webhooks.SHOWN_AT_MOST,
        tries_at_most=TRIES_AT_MOST,
        kept_for=KEPT_FOR,
    )


@pages.post("/<int:webhook_id>/test")
@limiter.limit(SENDS, key_func=account_key)
@open_to(RoleName.ORGANISER)
def test(campaign_id: int, webhook_id: int) -> ResponseReturnValue:
    """Send a test message to the webhook."""
    campaign = campaign_for(current_user, campaign_id)
    webhook = webhooks.webhook_for(campaign, webhook_id)
    webhooks.send_test(webhook)
    _record("webhook tried", campaign, webhook)
    return _sent(campaign, webhook, "The test is on its way. Reload the page to see the answer.")


@pages.post("/<int:webhook_id>/deliveries/<uuid:delivery_id>")
@limiter.limit(SENDS, key_func=account_key)
@open_to(RoleName.ORGANISER)
def again(campaign_id: int, webhook_id: int, delivery_id: uuid.UUID) -> ResponseReturnValue:
    """Send a delivery again."""
    campaign = campaign_for(current_user, campaign_id)
    webhook = webhooks.webhook_for(campaign, webhook_id)
    webhooks.send_again(webhook, delivery_id)
    _record("delivery sent again", campaign, webhook)
    return _sent(
        campaign, webhook, "The message is on its way again. Reload the page to see the answer."
    )


@pages.post("/<int:webhook_id>/stop")
@open_to(RoleName.ORGANISER)
def stop(campaign_id: int, webhook_id: int) -> ResponseReturnValue:
    """Stop the webhook permanently."""
    campaign = campaign_for(current_user, campaign_id)
    webhook = webhooks.webhook_for(campaign, webhook_id)
    webhooks.stop_webhook(webhook)
    _record("webhook stopped", campaign, webhook)
    db.session.commit()
    flash("This webhook is stopped. Nothing more will be sent.", "success")
    return redirect(url_for(".show", campaign_id=campaign.id, webhook_id=webhook.id))


def _sent(campaign: Campaign, webhook: Webhook, message: str) -> ResponseReturnValue:
    address = url_for(".show", campaign_id=campaign.id, webhook_id=webhook.id)
    commit_and_enqueue(send_to_webhook, webhook.id)
    flash(message, "success")
    return redirect(address)


def _record(action: str, campaign: Campaign, webhook: Webhook) -> None:
    record_audit(
        action,
        account=current_user,
        campaign=campaign,
        subject_kind="webhook",
        subject_id=webhook.id,
        after={"events": webhook.events},
    )
    log.info("account %s: %s, %s", current_user.id, action, webhook.id)


def _page(campaign: Campaign, form: WebhookForm) -> str:
    return render_template(
        "connections/webhooks.html",
        campaign=campaign,
        form=form,
        webhooks=webhooks.webhooks_of(campaign),
        words=EVENTS,
    )
