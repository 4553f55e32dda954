"""The queue's periodic chores. Each may run twice, late or at once with another."""

from collections.abc import Callable

from redis.exceptions import RedisError
from sqlalchemy import ColumnElement, exists, select

from phonebank.contact_queue.expire_holds import reap
from phonebank.contact_queue.refill import ensure_built, other_languages_spoken, refill, store_of
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.jobs import URGENT, job
from phonebank.models import Call, Campaign, CampaignState
from phonebank.suppressions.contacts import suppress_listed_among

# Of each line. Far more than can come to be there between two looks.
LOOKED_AT = 500


@job(URGENT, timeout=60)
def reap_expired_holds() -> None:
    """Take back every hold that has run out.

    Paused campaigns too, for their calls finish; and ended ones for as long as somebody has a
    person: a number in an open call can be rung by nobody, in no campaign.
    """
    open_call = exists().where(Call.campaign_id == Campaign.id, Call.ended_at.is_(None))
    for_each_campaign(
        Campaign.state.in_((CampaignState.RUNNING, CampaignState.PAUSED)) | open_call, reap
    )


@job(URGENT, timeout=60)
def refill_ready() -> None:
    """Top up the line of every running campaign."""
    for_each_campaign(Campaign.state == CampaignState.RUNNING, _top_up)


def _top_up(campaign: Campaign) -> None:
    ensure_built(campaign)
    with store_of(campaign.id).only_one("refill") as mine:
        if mine:
            refill(campaign)
            refill(campaign, languages=other_languages_spoken(campaign))
            _let_go_who_is_listed(campaign.id)


@retry_on_deadlock
def _let_go_who_is_listed(campaign_id: int) -> None:
    # No claim hands them out, and each would be brought into line again for ever, near its head.
    suppress_listed_among(store_of(campaign_id).foremost_in_line(LOOKED_AT))
    db.session.commit()


def for_each_campaign(which: ColumnElement[bool], chore: Callable[[Campaign], object]) -> None:
    """Do a chore for these campaigns, one after another, until Redis turns out to be away."""
    ids = db.session.scalars(select(Campaign.id).where(which)).all()
    for campaign_id in ids:
        campaign = db.session.get(Campaign, campaign_id)
        if campaign is not None:
            try:
                chore(campaign)
            except RedisError:
                # Redis is away: the next round does it. SQL errors go up, and the job fails.
                db.session.rollback()
                return
        db.session.rollback()
