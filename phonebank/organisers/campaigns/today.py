"""Collects the figures for a campaign's page *Today*. There are figures of today, of the whole
campaign, and of the callers who are calling now."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from phonebank.campaigns.forecast import PACE_DAYS, goal_forecast, pace_in_words
from phonebank.campaigns.outcome_figures import OutcomeFigures, outcome_figures
from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.lists.services import lists_in_calling_order, names_of
from phonebank.models import Caller, Campaign, CampaignMode, CampaignState
from phonebank.roster.campaign_callers import callers_now
from phonebank.rules.time_zones import city_of
from phonebank.tallies.bars import OverTime, over_time, sum_of
from phonebank.tallies.totals import Totals, totals_by_hour, totals_of_callers
from phonebank.telephony.spending import Spending, limit_of, spending_of


@dataclass(frozen=True)
class Today:
    """The figures of *Today*. `city` names the time zone in which hours and days are counted.
    `goal` is the text from `describe_goal`. `lists` has the name of each list for which there is an
    answer rate. Its keys are the lists' ids. `spending` is None if the campaign's callers dial the
    numbers themselves (`CampaignMode.MANUAL`)."""

    totals: Totals
    over_time: OverTime
    city: str
    goal: str
    outcomes: OutcomeFigures
    lists: dict[int, str]
    callers: list[tuple[Caller, Totals]]
    callers_in_all: int
    spending: Spending | None


def figures_of(campaign: Campaign, at: datetime) -> Today:
    """Return the campaign's figures. `at` (aware) is the current time. All totals of the campaign
    come from one query of the tallies (stored totals for each hour). The callers' totals come from
    another query. The figures on how calls ended, and on when people answer, come from counts of
    the calls."""
    zone = first_zone_of(campaign)
    by_hour = totals_by_hour(campaign.id)
    totals = sum_of(by_hour.values())
    seen = over_time(by_hour, zone, at)
    outcomes = outcome_figures(campaign, by_hour, zone)
    callers, number = callers_now(campaign, at)
    of_caller = totals_of_callers(caller.id for caller in callers)
    return Today(
        totals=totals,
        over_time=seen,
        city=city_of(zone),
        goal=describe_goal(campaign, totals, seen, at.astimezone(zone).date()),
        outcomes=outcomes,
        lists={
            list_id: name
            for list_id, name in names_of(lists_in_calling_order(campaign)).items()
            if list_id in outcomes.rates
        },
        callers=[(caller, of_caller[caller.id]) for caller in callers],
        callers_in_all=number,
        spending=None
        if campaign.mode == CampaignMode.MANUAL
        else spending_of(campaign, limit_of(campaign), at),
    )


def describe_goal(campaign: Campaign, totals: Totals, seen: OverTime, today: date) -> str:
    """Describe how far the campaign is from its goal, and when it will reach the goal at the pace
    of the last days. If there were no conversations on those days, say so instead. If the
    campaign's last day has not passed, also name this day. If the pace is too slow to reach the
    goal by then, say how many conversations a day are needed. For an ended campaign, say only how
    many conversations there were. Return "" if the campaign has no goal."""
    if campaign.goal is None:
        return ""
    told = f"{totals.conversations:,} of {campaign.goal:,} conversations."
    if campaign.state == CampaignState.ENDED:
        return told
    estimate = goal_forecast(totals.conversations, campaign.goal, seen.days, today)
    if estimate is None:
        return f"{told} You have reached the goal."
    if estimate.reached_on is None:
        return (
            f"{told} There were no conversations in the {PACE_DAYS} days before today, so we can't "
            "say when you will reach the goal."
        )
    told += (
        f" At the pace of the last days ({pace_in_words(estimate.a_day)}) you will reach the goal"
        f" on {estimate.reached_on.isoformat()}."
    )
    last_day = campaign.ends_on
    if last_day is None or last_day < today:
        return told
    days = max(1, (last_day - today).days)
    if estimate.reached_on <= last_day:
        return f"{told} The campaign's last day is {last_day.isoformat()}."
    needed = -(-estimate.left // days)
    daily = "1 conversation" if needed == 1 else f"{needed:,} conversations"
    return f"{told} To reach the goal by {last_day.isoformat()}, you need {daily} a day."


def chart_data(bars: Any) -> dict[str, Any]:
    """Return the labels, calls and conversations of the bars. `campaign_charts.js` draws them."""
    return {
        "labels": [bar.began for bar in bars],
        "calls": [bar.calls for bar in bars],
        "conversations": [bar.conversations for bar in bars],
    }
