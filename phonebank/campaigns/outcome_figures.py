"""Counts how a campaign's calls ended, and at which hours the people on each list answer."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text

from phonebank.campaigns.day_counts import Freshness, freshness, read_live_outcomes
from phonebank.core.db import db
from phonebank.models import Campaign
from phonebank.rules.outcomes import OUTCOMES
from phonebank.tallies.bars import days_of
from phonebank.tallies.totals import Totals

# The groups of outcomes. On the page each group has one colour.
SHARE_GROUPS = {
    "talked": "Talked",
    "answered": "Someone else, or not now",
    "nobody": "Nobody picked up",
    "number": "Bad number",
}
# An answer rate is shown only if it comes from at least this many calls. With fewer calls it
# depends too much on chance.
RATE_FROM = 20

_STORED = text("""
SELECT outcome, contact_list_id, CAST(extract(hour FROM hour AT TIME ZONE :zone) AS integer),
       sum(calls), sum(reached)
FROM outcome_count WHERE campaign_id = :id AND day = ANY(:days)
GROUP BY 1, 2, 3
""")


@dataclass(frozen=True)
class Share:
    """The figures of one group of outcomes (SHARE_GROUPS). `calls` is the number of calls with an
    outcome of this group. `outcomes` has each of these outcomes with its number of calls, the most
    frequent first.
    """

    key: str
    label: str
    calls: int
    outcomes: list[tuple[str, int]]


@dataclass(frozen=True)
class Rate:
    """A number of calls (`calls`), and the number of these calls that somebody answered
    (`reached`).
    """

    calls: int = 0
    reached: int = 0

    @property
    def is_enough(self) -> bool:
        return self.calls >= RATE_FROM

    @property
    def percent(self) -> int:
        return round(100 * self.reached / self.calls) if self.calls else 0


@dataclass(frozen=True)
class OutcomeFigures:
    """The figures of each group of outcomes (`shares`), and the answer rates (`rates`). For each
    list id, `rates` has a Rate for each local hour of the day in which calls were recorded. `calls`
    is the number of all calls. `fresh` says how up to date the figures are.
    """

    calls: int
    shares: list[Share]
    rates: dict[int, dict[int, Rate]]
    fresh: Freshness

    @property
    def hours(self) -> list[int]:
        """The hours of the day in which calls were recorded, in order."""
        return sorted({hour for by_hour in self.rates.values() for hour in by_hour})

    def rate_of_hour(self, hour: int) -> Rate:
        """Return the answer rate in one hour of the day, over all lists."""
        rates = [by_hour[hour] for by_hour in self.rates.values() if hour in by_hour]
        return Rate(sum(rate.calls for rate in rates), sum(rate.reached for rate in rates))

    @property
    def has_rates(self) -> bool:
        """Whether at least one hour of the day has enough calls, over all lists, to show an answer
        rate."""
        return any(self.rate_of_hour(hour).is_enough for hour in self.hours)


def share_group(outcome: str) -> str:
    """Return the key of an outcome's group in SHARE_GROUPS."""
    rule = OUTCOMES[outcome]
    if rule.group == "talked":
        return "talked"
    if rule.group == "number":
        return "number"
    return "answered" if rule.reached else "nobody"


def outcome_figures(
    campaign: Campaign, by_hour: Mapping[datetime, Totals], zone: ZoneInfo
) -> OutcomeFigures:
    """Return the figures of the campaign. `by_hour` maps each hour to the totals of its tallies.
    The days and the hours of the day are those of the time zone `zone`."""
    days = days_of(by_hour, zone)
    fresh = freshness(campaign.id, days)
    outcomes: Counter[str] = Counter()
    calls: dict[int, Counter[int]] = defaultdict(Counter)
    reached: dict[int, Counter[int]] = defaultdict(Counter)
    values = {"id": campaign.id, "days": list(fresh.counted), "zone": zone.key}
    rows = [tuple(row) for row in db.session.execute(_STORED, values)]
    rows += [
        (row.outcome, row.contact_list_id, row.hour.astimezone(zone).hour, row.calls, row.reached)
        for row in read_live_outcomes(campaign, fresh.live, zone)
    ]
    for outcome, list_id, hour, number, answered in rows:
        outcomes[outcome] += number
        calls[list_id][hour] += number
        reached[list_id][hour] += answered
    rates = {
        list_id: {hour: Rate(number, reached[list_id][hour]) for hour, number in of_hours.items()}
        for list_id, of_hours in calls.items()
    }
    return OutcomeFigures(outcomes.total(), _shares(outcomes), rates, fresh)


def _shares(outcomes: Counter[str]) -> list[Share]:
    of_group: dict[str, list[tuple[str, int]]] = {key: [] for key in SHARE_GROUPS}
    for outcome, number in outcomes.most_common():
        of_group[share_group(outcome)].append((outcome, number))
    return [
        Share(key, SHARE_GROUPS[key], sum(number for _, number in found), found)
        for key, found in of_group.items()
    ]
