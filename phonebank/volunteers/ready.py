"""Volunteers who are ready to host. The rule only suggests them: an organiser sees the evidence and
decides."""

from dataclasses import dataclass

from sqlalchemy import exists, func, select

from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.core.db import db
from phonebank.models import (
    Account,
    Caller,
    Campaign,
    Tally,
    TrainedMark,
    Volunteer,
    VolunteerCaller,
    campaign_host,
)

# A volunteer must have at least this many evenings and conversations in a campaign before the page
# suggests that they host.
EVENINGS = 2
CONVERSATIONS = 20
SHOWN_AT_MOST = 50


@dataclass(frozen=True)
class Ready:
    """A volunteer who is ready to host, with the evidence that they are."""

    volunteer: Volunteer
    evenings: int
    conversations: int
    is_trained: bool


def ready_to_host(campaign: Campaign, volunteer: Volunteer | None = None) -> list[Ready]:
    """Return the volunteers who have at least EVENINGS and CONVERSATIONS in this campaign and don't
    host for it yet. The volunteer with the most conversations is first, and there are at most
    SHOWN_AT_MOST. With `volunteer`, only this volunteer is looked at."""
    day = func.date(func.timezone(first_zone_of(campaign).key, Tally.hour))
    evenings = func.count(day.distinct())
    conversations = func.sum(Tally.conversations)
    hosts = exists().where(
        Account.email == Volunteer.email,
        campaign_host.c.account_id == Account.id,
        campaign_host.c.campaign_id == campaign.id,
    )
    query = (
        select(Volunteer, evenings, conversations, func.bool_or(TrainedMark.id.is_not(None)))
        .join(VolunteerCaller, VolunteerCaller.volunteer_id == Volunteer.id)
        .join(Caller, Caller.id == VolunteerCaller.caller_id)
        .join(Tally, Tally.caller_id == Caller.id)
        .outerjoin(
            TrainedMark,
            (TrainedMark.caller_id == Caller.id) & TrainedMark.taken_back_at.is_(None),
        )
        .where(Caller.campaign_id == campaign.id, Tally.calls > 0, ~hosts)
        .group_by(Volunteer.id)
        .having(evenings >= EVENINGS, conversations >= CONVERSATIONS)
        .order_by(conversations.desc(), Volunteer.id)
        .limit(SHOWN_AT_MOST)
    )
    if volunteer is not None:
        query = query.where(Volunteer.id == volunteer.id)
    return [Ready(*row) for row in db.session.execute(query)]
