"""Decides whether a campaign may call a contact at a given time. A call must be within the
campaign's own calling hours, and within the hours that the campaign's country permits. Only a
campaign with `calls_at_any_hour` has no such limits."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from phonebank.models import Campaign, now
from phonebank.rules.calling_hours import is_callable, next_callable, zones_in_key
from phonebank.rules.countries import CountryRules, rules_for
from phonebank.rules.time_zones import time_zone
from phonebank.rules.week_hours import WeekHours

# A caller needs about this long to read the first words and to dial. Callers get no contact in the
# last two minutes of calling hours, because the phone would ring after the hours have ended.
TIME_TO_DIAL = timedelta(minutes=2)

_STEP = timedelta(minutes=5)


def rules_of(campaign: Campaign) -> CountryRules:
    """Return the rules of the campaign's country."""
    return rules_for(campaign.country)


def first_zone_of(campaign: Campaign) -> ZoneInfo:
    """Return the first time zone of the campaign's country. Pages for organisers show times in this
    zone."""
    return time_zone(rules_of(campaign).time_zones.value[0])


def date_in_first_zone(campaign: Campaign, at: datetime | None = None) -> date:
    """Return the date in the first time zone of the campaign's country at `at` (aware), or today's
    date if `at` is None."""
    return (at or now()).astimezone(first_zone_of(campaign)).date()


def hours_of(campaign: Campaign) -> WeekHours:
    """Return the campaign's calling hours, or the country's usual hours if the campaign has set
    none."""
    return rules_of(campaign).read_stored_hours(campaign.hours)


def is_calling_time(campaign: Campaign, zone_key: str, at: datetime) -> bool:
    """Whether callers may get contacts in these time zones (`zone_key`) at `at` (aware). In the
    last TIME_TO_DIAL of calling hours, callers get no contacts, because the phone would ring after
    the hours have ended.

    A campaign with `calls_at_any_hour` may call at any hour, because its numbers do not belong to
    real people.
    """
    if campaign.calls_at_any_hour:
        return True
    zones, hours, rules = zones_in_key(zone_key), hours_of(campaign), rules_of(campaign)
    return is_callable(zones, at, hours, rules) and is_callable(
        zones, at + TIME_TO_DIAL, hours, rules
    )


def next_calling_time(campaign: Campaign, zone_key: str, at: datetime) -> datetime | None:
    """Return the first calling time at or after `at` (aware), or None if there is none in the next
    60 days."""
    if campaign.calls_at_any_hour or is_calling_time(campaign, zone_key, at):
        return at
    zones, hours, rules = zones_in_key(zone_key), hours_of(campaign), rules_of(campaign)
    # In the last minutes before calling hours end, the next calling time is the start of the next
    # calling hours.
    return next_callable(zones, at + TIME_TO_DIAL, hours, rules)


def last_calling_time(
    campaign: Campaign, zone_key: str, at: datetime, within: timedelta
) -> datetime | None:
    """Return the last calling time between `at` (aware) and `at + within`, or None if there is
    none.

    The result is exact to five minutes. `within` must be a multiple of five minutes.
    """
    steps = range(within // _STEP, -1, -1)
    return next(
        (
            moment
            for step in steps
            if is_calling_time(campaign, zone_key, moment := at + step * _STEP)
        ),
        None,
    )
