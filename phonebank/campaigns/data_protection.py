"""The statements about personal data that a campaign must make before it starts. They say who is
responsible, what the legal ground is, which day is the campaign's last, and how long people's data
is kept after that day."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from phonebank.models import Campaign, now
from phonebank.rules.countries import rules_for

LAWFUL_BASES = {
    "public_task": "Public task: it supports democratic engagement",
    "legitimate_interests": "Legitimate interests, weighed and written down",
    "consent": "Consent: the people agreed to be called",
    "none_needed": "We need no legal ground in this country",
}
# Countries whose law asks for a legal ground (GDPR Article 6).
_GDPR = frozenset({"DE", "GB", "IE"})


def lawful_bases_for(country: str) -> dict[str, str]:
    """Return the legal grounds that a campaign in a country (ISO 3166-1) can choose, by key."""
    return {
        key: words
        for key, words in LAWFUL_BASES.items()
        if key != "none_needed" or country not in _GDPR
    }


def missing_statements(campaign: Campaign) -> list[str]:
    """For each statement about people's data that the campaign must still make or correct, return a
    sentence that tells the organiser what to enter."""
    missing = []
    if not campaign.controller:
        missing.append("Say who is responsible for the people's data.")
    if campaign.lawful_basis not in lawful_bases_for(campaign.country):
        missing.append("Choose the legal ground for the calls.")
    if campaign.ends_on is None or campaign.retention_days is None:
        missing.append(
            "Enter the campaign's last day, and how long you'll keep people's details after it."
        )
    elif campaign.ends_on < earliest_date_in(campaign):
        missing.append("The campaign's last day has passed. Enter a later day.")
    return missing


def earliest_date_in(campaign: Campaign, at: datetime | None = None) -> date:
    """Return the date in the campaign's country at `at` (aware), or today's date if `at` is None.
    If the country has several time zones, return the earliest date in any of them."""
    zones = rules_for(campaign.country).time_zones.value
    return min((at or now()).astimezone(ZoneInfo(zone)).date() for zone in zones)


def kept_until(campaign: Campaign) -> date | None:
    """Return the last day on which the campaign may keep its people's data. Return None if the
    campaign has not stated its last day, or how long it keeps the data after that day."""
    if campaign.ends_on is None or campaign.retention_days is None:
        return None
    return campaign.ends_on + timedelta(days=campaign.retention_days)
