"""Orders a campaign's lists by how often their people answer at this hour, if the campaign's
organisers have switched this order on.

Only lists with the same priority are put in this order. The order is based on the campaign's own
calls, as counted by `campaigns.day_counts`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.core.db import db
from phonebank.models import Campaign

# A rate from few calls is uncertain. So each rate is computed as if there were this many further
# calls, answered at a more certain rate. A list's rate at one hour is combined with its rate at all
# hours, and its rate at all hours is combined with the campaign's rate.
CALLS_OF_DOUBT = 50
# At most this many lists get different places. All further lists share the last place.
PLACES = 100

_CALLS = text("""
SELECT contact_list_id,
       coalesce(sum(calls) FILTER (
           WHERE extract(hour FROM hour AT TIME ZONE :zone) = :hour), 0) AS calls_now,
       coalesce(sum(reached) FILTER (
           WHERE extract(hour FROM hour AT TIME ZONE :zone) = :hour), 0) AS reached_now,
       sum(calls) AS calls, sum(reached) AS reached
FROM outcome_count WHERE campaign_id = :id
GROUP BY 1
""")
_BEFORE_AND_SINCE = text("""
SELECT coalesce(sum(calls) FILTER (WHERE hour < :since), 0),
       coalesce(sum(reached) FILTER (WHERE hour < :since), 0),
       coalesce(sum(calls) FILTER (WHERE hour >= :since), 0),
       coalesce(sum(reached) FILTER (WHERE hour >= :since), 0)
FROM outcome_count WHERE campaign_id = :id
""")


class ContactGroup(NamedTuple):
    """A group of contacts on one list: those with the same possible time zones (`key`) and the same
    language (`code`). `id` and `priority` are those of the list."""

    id: int
    priority: int
    key: str
    code: str


@dataclass(frozen=True)
class ListCalls:
    """How many calls were made to people on a list (`calls`), and how many of these calls were
    answered (`reached`). `calls_now` and `reached_now` count only the calls at one hour of the
    day."""

    calls_now: int = 0
    reached_now: int = 0
    calls: int = 0
    reached: int = 0


@dataclass(frozen=True)
class Changed:
    """How many calls were made, and how many of them were answered. The calls before the answer
    order was switched on and the calls since then are counted separately."""

    calls_before: int
    reached_before: int
    calls_since: int
    reached_since: int


def calls_of_lists(campaign: Campaign, at: datetime) -> dict[int, ListCalls]:
    """Return a ListCalls for each list that has counted calls, by list id. `calls_now` and
    `reached_now` count the calls at the hour of `at` (aware), in the first time zone of the
    campaign's country."""
    zone = first_zone_of(campaign)
    values = {"id": campaign.id, "zone": zone.key, "hour": at.astimezone(zone).hour}
    return {
        row.contact_list_id: ListCalls(
            int(row.calls_now), int(row.reached_now), int(row.calls), int(row.reached)
        )
        for row in db.session.execute(_CALLS, values)
    }


def expected_rates(list_ids: Iterable[int], calls: Mapping[int, ListCalls]) -> dict[int, float]:
    """For each list id, return the share of calls that are expected to be answered at one hour of
    the day. `calls` is the result of `calls_of_lists` for that hour."""
    in_all = sum(one.calls for one in calls.values())
    mean = sum(one.reached for one in calls.values()) / in_all if in_all else 0.0
    rates = {}
    for list_id in list_ids:
        one = calls.get(list_id, ListCalls())
        usual = (one.reached + CALLS_OF_DOUBT * mean) / (one.calls + CALLS_OF_DOUBT)
        rates[list_id] = (one.reached_now + CALLS_OF_DOUBT * usual) / (
            one.calls_now + CALLS_OF_DOUBT
        )
    return rates


def in_answer_order(
    campaign: Campaign, groups: list[ContactGroup], at: datetime
) -> list[ContactGroup]:
    """Return the groups with new priorities. Lists with different priorities stay in the same
    order. Among lists with the same priority, the list whose people answer most often at the hour
    of `at` (aware) comes first. Only the first PLACES lists get different places, and all further
    lists share the last place. If this order is not switched on for the campaign, return the groups
    unchanged."""
    if campaign.answer_order_since is None or not groups:
        return groups
    rates = expected_rates({group.id for group in groups}, calls_of_lists(campaign, at))
    best_first = sorted(rates, key=lambda list_id: (-rates[list_id], list_id))
    places = {list_id: min(place, PLACES - 1) for place, list_id in enumerate(best_first)}
    return [group._replace(priority=group.priority * PLACES + places[group.id]) for group in groups]


def changed(campaign: Campaign) -> Changed | None:
    """Return how many calls were made and answered before the answer order was switched on, and how
    many since then. Calls in the clock hour (UTC) in which the order was switched on count as calls
    before. Return None if this order is off."""
    if campaign.answer_order_since is None:
        return None
    values = {"id": campaign.id, "since": campaign.answer_order_since}
    return Changed(*(int(number) for number in db.session.execute(_BEFORE_AND_SINCE, values).one()))
