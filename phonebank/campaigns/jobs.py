"""The job that counts the days of campaigns. The job may run twice, run late, or run at the same
time as another run."""

from datetime import UTC, datetime

from sqlalchemy import select

from phonebank.campaigns.day_counts import count_day, days_to_count
from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.models import Campaign, now
from phonebank.tallies.bars import days_of
from phonebank.tallies.totals import totals_by_hour


@job(CHORES, timeout=15 * 60)
def count_days() -> None:
    """Count the days whose tallies have changed, campaign by campaign."""
    for campaign_id in db.session.scalars(select(Campaign.id).order_by(Campaign.id)).all():
        campaign = db.session.get(Campaign, campaign_id)
        if campaign is None:
            continue
        zone = first_zone_of(campaign)
        days = days_of(totals_by_hour(campaign_id, datetime.min.replace(tzinfo=UTC)), zone)
        db.session.commit()
        for day in days_to_count(campaign_id, days, now()):
            count_day(campaign, day, zone)
            db.session.commit()
