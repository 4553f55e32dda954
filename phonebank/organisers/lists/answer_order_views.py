"""The page on which an organiser switches the answer order on or off. In this order, among lists of
the same priority, the list whose people answer most often comes first."""

from contextlib import suppress

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from redis.exceptions import RedisError

from phonebank.audit.record import record_audit
from phonebank.contact_queue.answer_order import calls_of_lists, changed, expected_rates
from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.scopes import campaign_for
from phonebank.lists.services import PRIORITIES, lists_in_calling_order, names_of
from phonebank.models import RoleName, now
from phonebank.rules.time_zones import city_of

answer_order = Blueprint(
    "answer_order", __name__, url_prefix="/campaigns/<int:campaign_id>/answer-order"
)


def init_app(app: Flask) -> None:
    """Add the page."""
    app.register_blueprint(answer_order)


@answer_order.get("")
@open_to(RoleName.ORGANISER)
def show(campaign_id: int) -> ResponseReturnValue:
    """Show the lists that are not paused, highest priority first. Among lists of the same priority,
    the list whose people are expected to answer most often at this hour comes first. If the
    campaign uses this order, also show how many calls were made and answered before the order was
    switched on, and since then."""
    campaign = campaign_for(current_user, campaign_id)
    at = now()
    zone = first_zone_of(campaign)
    lists = [listed for listed in lists_in_calling_order(campaign) if not listed.removed]
    calls = calls_of_lists(campaign, at)
    rates = expected_rates([listed.id for listed in lists], calls)
    lists.sort(key=lambda listed: (listed.priority, -rates[listed.id], listed.id))
    return render_template(
        "lists/answer_order.html",
        campaign=campaign,
        lists=lists,
        names=names_of(lists),
        calls=calls,
        rates=rates,
        priorities=PRIORITIES,
        changed=changed(campaign),
        hour=f"{at.astimezone(zone):%H}:00",
        city=city_of(zone),
    )


@answer_order.post("")
@open_to(RoleName.ORGANISER)
def change(campaign_id: int) -> ResponseReturnValue:
    """Switch the answer order on or off. In this order, among lists of the same priority, the list
    whose people answer most often comes first."""
    campaign = campaign_for(current_user, campaign_id, to_change=True)
    is_on = request.form.get("on") == "yes"
    if is_on == (campaign.answer_order_since is None):
        campaign.answer_order_since = now() if is_on else None
        record_audit(
            "answer order changed", account=current_user, campaign=campaign, after={"on": is_on}
        )
        db.session.commit()
        # The people who are next in the queue were chosen in the old order, so the queue is
        # emptied. While Redis does not answer, there is no queue to empty.
        with suppress(RedisError):
            redis_queue_of(campaign.id).clear_lanes()
    said = (
        "Callers now get people from the lists in this order."
        if is_on
        else "The usual order applies again."
    )
    flash(said, "success")
    return redirect(url_for(".show", campaign_id=campaign.id), 303)
