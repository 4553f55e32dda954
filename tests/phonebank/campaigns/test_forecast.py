"""The forecast of a campaign, held to simulated campaigns whose end is known."""

import random
from collections import deque
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.campaigns.forecast import (
    Forecast,
    GoalForecast,
    forecast,
    goal_forecast,
    more_callers,
)
from phonebank.contact_queue import status_cache
from phonebank.contact_queue.status_cache import count_status
from phonebank.core.db import db
from phonebank.models import Campaign, CampaignState, ContactState, now
from phonebank.organisers.campaigns.today import describe_goal
from phonebank.organisers.contact_status import views
from phonebank.organisers.contact_status.wording import describe_forecast
from phonebank.tallies.bars import Bar, OverTime
from phonebank.tallies.totals import Totals, add
from tests.factories import create_caller, create_campaign, create_contact, create_list

TODAY = date(2026, 11, 29)


def days_of(*calls: int) -> list[Bar]:
    return [Bar(str(n), number, 0) for n, number in enumerate(calls)]


def simulate(chance: float, attempts_at_most: int) -> tuple[int, list[tuple[int, int, int]]]:
    """Call 3,000 people, untried ones first. Return all calls, and (calls, finished, left) along
    the way."""
    dice, queue, tried = random.Random(7), deque(range(3_000)), [0] * 3_000
    calls = finished = 0
    along = []
    while queue:
        person = queue.popleft()
        calls += 1
        tried[person] += 1
        if dice.random() < chance or tried[person] == attempts_at_most:
            finished += 1
        else:
            queue.append(person)
        along.append((calls, finished, len(queue)))
    return calls, along


@pytest.mark.parametrize("chance", [0.12, 0.3, 0.5])
@pytest.mark.parametrize("attempts_at_most", [3, 6, 10])
def test_it_is_right_about_simulated_campaigns(chance: float, attempts_at_most: int) -> None:
    in_all, along = simulate(chance, attempts_at_most)
    for part in (0.1, 0.3, 0.6, 0.9):
        calls, finished, left = along[int(part * in_all)]
        told = forecast(left, finished, calls, days_of(500, 0), attempts_at_most, TODAY)
        assert told is not None
        assert abs(told.calls_left - (in_all - calls)) < 0.1 * in_all
        assert told.days == -(-told.calls_left // 500)


@pytest.mark.parametrize(
    ("left", "finished", "calls", "days"),
    [
        (100, 0, 0, days_of(0, 0)),  # no calls
        (100, 1, 1, days_of(1, 0)),  # one call
        (100, 50, 200, days_of(0, 0, 200)),  # all calls are of today
        (0, 500, 900, days_of(450, 450, 0)),  # nobody is left
        (100, 50, 200, []),
    ],
)
def test_there_is_none_too_early_and_none_at_the_end(
    left: int, finished: int, calls: int, days: list[Bar]
) -> None:
    assert forecast(left, finished, calls, days, 6, TODAY) is None


def test_the_pace_is_that_of_the_last_week_without_today() -> None:
    told = forecast(1_000, 500, 1_000, days_of(900, 0, 0, 70, 70, 70, 70, 70, 70, 999), 1, TODAY)
    assert told is not None
    assert (told.calls_left, told.calls_a_day, told.days) == (1_000, 70, 15)
    assert told.finished_on == date(2026, 12, 14)
    assert more_callers(told, date(2026, 12, 9), TODAY, 20) == 2  # 30 calls a day more
    assert more_callers(told, date(2027, 1, 9), TODAY, 20) == 0
    assert more_callers(told, TODAY, TODAY, 20) == 47


def test_organisers_read_it_beside_the_contact_status(
    app: Flask, organiser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_cache, "SERVE_TIMES", 0)  # each request counts
    with app.app_context():
        campaign = create_campaign(ends_on=date(2999, 1, 1))
        people = create_list(campaign)
        for index in range(50):
            finished = index < 25
            create_contact(
                people, state=ContactState.FINISHED if finished else ContactState.CALLABLE
            )
        address, campaign_id = f"/campaigns/{campaign.id}/queue?part=1", campaign.id
        db.session.commit()
    assert "pace of the last" not in organiser.get(address).text
    with app.app_context():
        caller = create_caller(db.session.get_one(Campaign, campaign_id))
        add(campaign_id, None, caller.id, now() - timedelta(days=2), calls=25)
        db.session.commit()
    page = organiser.get(address).text
    assert "At the pace of the last days (" in page
    assert "last day is 1 January 2999." in page


def test_pages_that_show_the_same_count_share_its_forecast(
    app: Flask, organiser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        campaign = create_campaign()
        address = f"/campaigns/{campaign.id}/queue?part=1"
        db.session.commit()
        count = count_status(campaign)
        later = replace(count, at=count.at + timedelta(seconds=15))
    read: list[int] = []
    monkeypatch.setattr(views, "campaign_totals", lambda key: read.append(key) or Totals())
    for shown in (count, count, later, later):
        monkeypatch.setattr(views, "queue_status", lambda _, shown=shown: shown)
        assert organiser.get(address).status_code == 200
    assert len(read) == 2


@pytest.mark.parametrize(
    ("conversations", "of_days", "expected"),
    [
        (100, [50, 50, 0], None),
        (150, [50, 50, 0], None),
        (0, [0, 0, 9], GoalForecast(100, 0, None)),  # nothing before today
        (99, [0, 1, 0], GoalForecast(1, 1, date(2026, 7, 2))),
        (40, [0, 0, 20, 30, 3], GoalForecast(60, 25, date(2026, 7, 4))),
        (0, [1, *[0] * 6, 2], GoalForecast(100, 0, date(2028, 5, 31))),  # 1 in 7 days
    ],
)
def test_a_goal_is_reached_at_the_pace_of_the_last_days(
    conversations: int, of_days: list[int], expected: GoalForecast | None
) -> None:
    days = [Bar(str(number), 10 * number, number) for number in of_days]
    assert goal_forecast(conversations, 100, days, date(2026, 7, 1)) == expected


def test_a_pace_below_one_a_day_is_not_called_one_or_none() -> None:
    slow = [Bar(str(number), 10 * number, number) for number in (1, 0, 0, 0, 0, 0, 0, 0)]
    seen = OverTime(Totals(), [], slow)
    campaign = Campaign(goal=4, state=CampaignState.RUNNING, ends_on=date(2026, 7, 4))
    told = describe_goal(campaign, Totals(conversations=1), seen, date(2026, 7, 1))
    assert "(less than 1 a day)" in told
    assert told.endswith("you need 1 conversation a day.")
    calls = describe_forecast(Forecast(1, 0, 7, date(2026, 12, 6)), None, TODAY)
    assert calls == (
        "About 1 call is left. At the pace of the last days (less than 1 a day) it takes 7 days, "
        "until 6 December 2026."
    )
