"""The queue's periodic jobs. Each may run twice, late, or at the same time as another."""

from collections.abc import Callable

from redis.exceptions import RedisError
from sqlalchemy import ColumnElement, exists, select

from phonebank.contact_queue.expire_holds import expire_holds
from phonebank.contact_queue.queue import top_up_campaign
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.jobs import URGENT, job
from phonebank.models import Call, Campaign, CampaignState
from phonebank.suppressions.contacts import suppress_listed_among

# The number of contacts to check in each lane. Between two runs far fewer contacts can come to the
# front of a lane.
CHECKED_AT_MOST = 500


@job(URGENT, timeout=60)
def expire_all_holds() -> None:
    """End every hold whose time is up.

    This includes paused campaigns, because their calls continue, and ended campaigns with an open
    call, because an open call keeps its number from being called in any campaign.
    """
    open_call = exists().where(Call.campaign_id == Campaign.id, Call.ended_at.is_(None))
    for_each_campaign(
        Campaign.state.in_((CampaignState.RUNNING, CampaignState.PAUSED)) | open_call, expire_holds
    )


@job(URGENT, timeout=60)
def top_up_all_queues() -> None:
    """Top up the queue of every running campaign."""
    for_each_campaign(Campaign.state == CampaignState.RUNNING, _top_up)


def _top_up(campaign: Campaign) -> None:
    if top_up_campaign(campaign):
        _suppress_listed_contacts(campaign.id)


@retry_on_deadlock
def _suppress_listed_contacts(campaign_id: int) -> None:
    # If a contact has a number on the do-not-call list, every claim would reject it and every
    # refill would bring it back, near the front of its lane.
    suppress_listed_among(redis_queue_of(campaign_id).first_contacts(CHECKED_AT_MOST))
    db.session.commit()


def for_each_campaign(which: ColumnElement[bool], action: Callable[[Campaign], object]) -> None:
    """Run an action for these campaigns one after another. Stop if Redis is away."""
    ids = db.session.scalars(select(Campaign.id).where(which)).all()
    for campaign_id in ids:
        campaign = db.session.get(Campaign, campaign_id)
        if campaign is not None:
            try:
                action(campaign)
            except RedisError:
                # The next run does the work. An SQL error is not caught here, so the job fails.
                db.session.rollback()
                return
        db.session.rollback()
