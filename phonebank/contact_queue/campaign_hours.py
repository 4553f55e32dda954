"""May this person be rung now? A campaign's own hours within its country's rules."""

from datetime import datetime, timedelta

from phonebank.models import Campaign
from phonebank.rules.calling_hours import is_callable, next_callable, zones_in_key
from phonebank.rules.countries import CountryRules, rules_for
from phonebank.rules.week_hours import WeekHours

# Nobody is handed out so late that their phone would ring after hours: reading the briefing line
# and dialling take this long.
TIME_TO_DIAL = timedelta(minutes=2)

_STEP = timedelta(minutes=5)


def rules_of(campaign: Campaign) -> CountryRules:
    """The rules of the campaign's country."""
    return rules_for(campaign.country)


def hours_of(campaign: Campaign) -> WeekHours:
    """The campaign's calling hours, the country's usual ones where it sets none."""
    return rules_of(campaign).hours_stored(campaign.hours)


def may_ring(campaign: Campaign, zone_key: str, at: datetime) -> bool:
    """Whether people of this zone key may be handed out at `at`.

    The demonstration rings at any hour: its numbers are nobody's.
    """
    if campaign.calls_at_any_hour:
        return True
    zones, hours, rules = zones_in_key(zone_key), hours_of(campaign), rules_of(campaign)
    return is_callable(zones, at, hours, rules) and is_callable(
        zones, at + TIME_TO_DIAL, hours, rules
    )


def next_ringing(campaign: Campaign, zone_key: str, at: datetime) -> datetime | None:
    """The first moment from `at` on when `may_ring`; None when there is none for weeks."""
    if campaign.calls_at_any_hour or may_ring(campaign, zone_key, at):
        return at
    zones, hours, rules = zones_in_key(zone_key), hours_of(campaign), rules_of(campaign)
    # Inside the last minutes of an opening the next moment is that of the opening after it.
    return next_callable(zones, at + TIME_TO_DIAL, hours, rules)


def last_ringing(
    campaign: Campaign, zone_key: str, at: datetime, within: timedelta
) -> datetime | None:
    """The last moment of a span from `at` on when `may_ring`, to five minutes; None: there is
    none. `within` is a multiple of them."""
    steps = range(within // _STEP, -1, -1)
    return next(
        (then for step in steps if may_ring(campaign, zone_key, then := at + step * _STEP)), None
    )
