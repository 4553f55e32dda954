"""The queue's periodic jobs. It does no harm if a job runs twice, runs late, or runs at the same
time as another job."""

from collections.abc import Callable

from redis.exceptions import RedisError
from sqlalchemy import ColumnElement, exists, select

from phonebank.contact_queue.expire_holds import expire_holds
from phonebank.contact_queue.hold_copies import correct_hold_copies
from phonebank.contact_queue.queue import top_up_campaign
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.jobs import URGENT, job
from phonebank.models import Call, Campaign, CampaignState
from phonebank.suppressions.contacts import suppress_listed_among

# How many contacts at the front of each lane are checked. Between two runs, far fewer contacts
# than this move to the front.
CHECKED_AT_MOST = 500


@job(URGENT, timeout=60)
def expire_all_holds() -> None:
    """End every hold that has expired.

    Paused campaigns are included, because their open calls continue. Any other campaign with an
    open call is also included, because no campaign can call a number that is in an open call.
    """
    for_each_campaign(_may_have_holds(), expire_holds)


@job(URGENT, timeout=60)
def correct_all_hold_copies() -> None:
    """Correct Redis' copy of the holds (`correct_hold_copies`) of the campaigns whose holds
    `expire_all_holds` ends."""
    for_each_campaign(_may_have_holds(), correct_hold_copies)


def _may_have_holds() -> ColumnElement[bool]:
    open_call = exists().where(Call.campaign_id == Campaign.id, Call.ended_at.is_(None))
    return Campaign.state.in_((CampaignState.RUNNING, CampaignState.PAUSED)) | open_call


@job(URGENT, timeout=60)
def top_up_all_queues() -> None:
    """Refill the lanes (the lists of the next contacts, in Redis) of every running campaign, as
    `top_up_campaign` describes. Also check the first CHECKED_AT_MOST contacts of each lane and of
    the callbacks. If one of a contact's numbers is on the do-not-call list, mark the contact as not
    to be called. Skip a campaign while another process is refilling its lanes."""
    for_each_campaign(Campaign.state == CampaignState.RUNNING, _top_up)


def _top_up(campaign: Campaign) -> None:
    if top_up_campaign(campaign):
        # The refill may have moved contacts whose number rests after a call in another campaign.
        db.session.commit()
        _suppress_listed_contacts(campaign.id)


@retry_on_deadlock
def _suppress_listed_contacts(campaign_id: int) -> None:
    # A claim rejects a contact with a number on the do-not-call list, and the next refill would
    # bring the contact back to the front of its lane. So the contact itself is suppressed here.
    suppress_listed_among(redis_queue_of(campaign_id).first_contacts(CHECKED_AT_MOST))
    db.session.commit()


def for_each_campaign(which: ColumnElement[bool], action: Callable[[Campaign], object]) -> None:
    """Run `action` for each campaign that meets the condition `which`. After each campaign, roll
    back what `action` has not committed. Stop if Redis is unavailable."""
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
