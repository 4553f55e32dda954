"""The job that counts the outcomes and answers of campaigns, day by day. The counts stay right if
the job runs twice or late, or if two runs overlap."""

from datetime import timedelta

from sqlalchemy import text

from phonebank.campaigns.day_counts import count_day, days_to_count
from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.models import Campaign, now
from phonebank.tallies.bars import days_of
from phonebank.tallies.totals import totals_by_hour

# Only campaigns with a call that was recorded, or that an organiser changed, within this time are
# looked at. A worker that was down for some days still counts everything.
CHANGED_WITHIN = timedelta(days=30)
# Each look-up follows an index. If a campaign's only call was undone, the pages count that day.
_CAMPAIGNS = text("""
SELECT id FROM campaign
WHERE EXISTS (SELECT FROM call WHERE campaign_id = campaign.id AND recorded_at > :since)
   OR EXISTS (SELECT FROM call WHERE campaign_id = campaign.id AND organiser_changed_at > :since)
ORDER BY id
""")


@job(CHORES, timeout=15 * 60)
def count_days() -> None:
    """Count the outcomes and answers of the days that `days_to_count` returns, one campaign after
    another. The job skips a campaign in which no call was recorded, or changed by an organiser, in
    the last 30 days (CHANGED_WITHIN)."""
    changed_since = {"since": now() - CHANGED_WITHIN}
    for campaign_id in db.session.scalars(_CAMPAIGNS, changed_since).all():
        campaign = db.session.get(Campaign, campaign_id)
        if campaign is None:
            continue
        zone = first_zone_of(campaign)
        days = days_of(totals_by_hour(campaign_id), zone)
        db.session.commit()
        for day in days_to_count(campaign_id, days, now()):
            count_day(campaign, day, zone)
            db.session.commit()
