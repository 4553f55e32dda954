"""The organiser's page of contact status: how many contacts are in each bucket, and why."""

from flask import Blueprint, Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.contact_queue.status_cache import queue_status
from phonebank.contact_queue.status_counts import BUCKETS
from phonebank.core.access import open_to
from phonebank.core.scopes import campaign_for
from phonebank.models import RoleName
from phonebank.organisers.contact_status.wording import (
    BUCKET_MEANINGS,
    describe_capacity,
    describe_moment,
    describe_status,
    describe_time_of_day,
)

queue = Blueprint(
    "queue",
    __name__,
    url_prefix="/campaigns/<int:campaign_id>/queue",
)


def init_app(app: Flask) -> None:
    """Add the page."""
    app.register_blueprint(queue)


@queue.get("")
@open_to(RoleName.VIEWER)
def standing(campaign_id: int) -> ResponseReturnValue:
    """Show the buckets as a chart and a sentence.

    With `?part=1` the view returns only the chart and the sentence, so that the page can renew
    them. All figures come from one count: see `contact_queue/status_cache.py`.
    """
    campaign = campaign_for(current_user, campaign_id, role=RoleName.VIEWER)
    template = (
        "contact_status/_counts.html" if request.args.get("part") else "contact_status/show.html"
    )
    status = queue_status(campaign)
    if status is None:
        return render_template(
            template, campaign=campaign, counting=True, meanings=BUCKET_MEANINGS, labels=BUCKETS
        )
    at = status.at
    by_key = {bucket.key: bucket for bucket in status.buckets}
    buckets = [by_key[key] for key in BUCKET_MEANINGS if by_key[key].contacts]
    notes = {
        bucket.key: f"first {describe_moment(campaign, bucket.next_at, at)}"
        for bucket in buckets
        if bucket.next_at
    }
    return render_template(
        template,
        campaign=campaign,
        buckets=buckets,
        notes=notes,
        sentence=describe_status(campaign, buckets, at),
        enough=describe_capacity(status.capacity, campaign.is_running),
        as_of=describe_time_of_day(campaign, at),
        meanings={bucket.key: BUCKET_MEANINGS[bucket.key] for bucket in buckets},
        labels=BUCKETS,
    )
