"""A volunteer's calls, from all their devices and parties."""

from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select

from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.core.db import db
from phonebank.models import Caller, Campaign, Party, Tally, Volunteer, VolunteerCaller
from phonebank.rules.time_zones import time_zone


@dataclass
class OwnCalls:
    """What a volunteer did in one campaign. `days` are the days on which the volunteer recorded a
    call. A day is in the time zone of the party or, for a call outside a party, in the first time
    zone of the campaign's country."""

    campaign: Campaign
    calls: int = 0
    conversations: int = 0
    days: set[date] = field(default_factory=set)


def calls_of(volunteer: Volunteer) -> list[OwnCalls]:
    """Return what the volunteer did in each campaign in which they are a caller, in the order of
    the campaigns' names. If the volunteer has recorded no call in a campaign yet, the campaign's
    figures are 0."""
    rows = db.session.execute(
        select(Campaign, Tally, Party.time_zone)
        .select_from(VolunteerCaller)
        .join(Caller, Caller.id == VolunteerCaller.caller_id)
        .join(Campaign, Campaign.id == Caller.campaign_id)
        .outerjoin(Tally, Tally.caller_id == Caller.id)
        .outerjoin(Party, Party.id == Tally.party_id)
        .where(VolunteerCaller.volunteer_id == volunteer.id)
    )
    found: dict[int, OwnCalls] = {}
    for campaign, tally, zone_name in rows:
        own = found.setdefault(campaign.id, OwnCalls(campaign))
        if tally is None or not tally.calls:
            continue
        own.calls += tally.calls
        own.conversations += tally.conversations
        zone = time_zone(zone_name) if zone_name else first_zone_of(campaign)
        own.days.add(tally.hour.astimezone(zone).date())
    return sorted(found.values(), key=lambda own: (own.campaign.name, own.campaign.id))
