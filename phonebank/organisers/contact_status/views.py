"""The page that shows how many of a campaign's contacts have each status, such as "ready", and what
each status means. The contacts with one status are called a bucket."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flask import Blueprint, Flask, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_security import current_user
from sqlalchemy import func, select

from phonebank.campaigns.forecast import forecast
from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.contact_queue.status_cache import last_status, queue_status
from phonebank.contact_queue.status_counts import BUCKETS, STILL_CALLED, Bucket
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.scopes import campaign_for, may_organise
from phonebank.models import Campaign, ContactList, RoleName
from phonebank.organisers.contact_status.wording import (
    BUCKET_MEANINGS,
    describe_capacity,
    describe_forecast,
    describe_moment,
    describe_status,
    describe_time_of_day,
)
from phonebank.rules.retry_rules import RetryRules
from phonebank.tallies.bars import calls_over_time
from phonebank.tallies.totals import campaign_totals

# The page waits for the count if the campaign has at most this many people. Their count takes a few
# tenths of a second.
COUNTED_AT_ONCE = 200_000

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
    """Show a chart of how many contacts have each status, with sentences on how many can be called.

    With `?part=1`, the view returns only the chart and the sentences, so that the page can refresh
    them. All these numbers come from one count: see `contact_queue/status_cache.py`. If the
    contacts have not been counted yet, the page says that they are being counted.
    """
    campaign = campaign_for(current_user, campaign_id, role=RoleName.VIEWER)
    template = (
        "contact_status/_counts.html" if request.args.get("part") else "contact_status/show.html"
    )
    status = (
        last_status(campaign)
        if _is_counted_later(campaign) and not request.args.get("part")
        else queue_status(campaign)
    )
    if status is None:
        return render_template(
            template,
            campaign=campaign,
            may_organise=may_organise(current_user, campaign),
            counting=True,
            meanings=BUCKET_MEANINGS,
            labels=BUCKETS,
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
        may_organise=may_organise(current_user, campaign),
        buckets=buckets,
        notes=notes,
        sentence=describe_status(campaign, buckets, at),
        enough=describe_capacity(status.capacity, campaign.is_running),
        forecast=_forecasts().of(campaign, by_key, at) if campaign.is_running else "",
        as_of=describe_time_of_day(campaign, at),
        meanings={bucket.key: BUCKET_MEANINGS[bucket.key] for bucket in buckets},
        labels=BUCKETS,
    )


def _is_counted_later(campaign: Campaign) -> bool:
    """Whether the campaign has so many contacts that the page does not wait for a new count. The
    page then loads the new figures afterwards."""
    stored = select(func.sum(ContactList.rows_stored)).where(ContactList.campaign_id == campaign.id)
    return (db.session.scalar(stored) or 0) > COUNTED_AT_ONCE


@dataclass
class _Forecasts:
    """The last forecast that this process made for each campaign. A forecast says when everyone
    will have been called. Each forecast is stored with the time at which the contacts were counted
    for it.

    Open pages request the forecast every few seconds. To make a new forecast, the process must read
    all tallies (stored totals for each hour) of the campaign. So a new forecast is made only after
    the contacts are counted again.
    """

    _made: dict[int, tuple[datetime, str]] = field(default_factory=dict)

    def of(self, campaign: Campaign, buckets: Mapping[str, Bucket], at: datetime) -> str:
        """Return what `_forecast` returns for the campaign. `at` is the time at which the contacts
        in `buckets` were counted. If the stored forecast has the same time, return the stored
        forecast. Otherwise make and store a new one."""
        made = self._made.get(campaign.id)
        if made is None or made[0] != at:
            made = self._made[campaign.id] = (at, _forecast(campaign, buckets, at))
        return made[1]


def _forecasts() -> _Forecasts:
    forecasts: _Forecasts = current_app.extensions.setdefault("forecasts", _Forecasts())
    return forecasts


def _forecast(campaign: Campaign, buckets: Mapping[str, Bucket], at: datetime) -> str:
    """Describe when everyone will have been called. Return "" if nobody is left to call, or if too
    few people are finished. Also return "" if there were no calls in the days before today whose
    pace counts (`campaigns.forecast`)."""
    zone = first_zone_of(campaign)
    today = at.astimezone(zone).date()
    estimate = forecast(
        sum(buckets[key].contacts for key in STILL_CALLED),
        buckets["finished"].contacts + buckets["unusable"].contacts,
        campaign_totals(campaign.id).calls,
        calls_over_time(campaign.id, zone, at).days,
        RetryRules.parse(campaign.retry_rules).attempts_at_most,
        today,
    )
    return describe_forecast(estimate, campaign.ends_on, today) if estimate else ""
