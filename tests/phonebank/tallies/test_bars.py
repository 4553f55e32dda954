"""The hours and days of a campaign's calls, in the time zone of those who look."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.models import Campaign
from phonebank.rules.time_zones import time_zone
from phonebank.tallies.bars import Bar, OverTime, calls_over_time
from phonebank.tallies.totals import Totals, add, campaign_totals
from tests.factories import create_caller, create_campaign

LONDON, KOLKATA = time_zone("Europe/London"), time_zone("Asia/Kolkata")


@pytest.fixture
def campaign(app_context: Flask) -> Campaign:
    return create_campaign()


def call(campaign: Campaign, at: datetime, calls: int = 1, conversations: int = 0) -> None:
    """Count calls of a new caller at `at`."""
    caller = create_caller(campaign)
    add(campaign.id, None, caller.id, at, calls=calls, reached=calls, conversations=conversations)
    db.session.commit()


def called(bars: Sequence[Bar]) -> dict[str, tuple[int, int]]:
    return {bar.began: (bar.calls, bar.conversations) for bar in bars if bar.calls}


def test_hours_and_days_go_by_the_local_clock(campaign: Campaign) -> None:
    call(campaign, datetime(2026, 7, 1, 17, 59, tzinfo=UTC), calls=3, conversations=1)
    call(campaign, datetime(2026, 7, 1, 17, 1, tzinfo=UTC), calls=2)
    call(campaign, datetime(2026, 6, 30, 23, 5, tzinfo=UTC))  # five past midnight in London
    call(campaign, datetime(2026, 6, 30, 20, 0, tzinfo=UTC), calls=4)
    call(create_campaign(), datetime(2026, 7, 1, 18, 0, tzinfo=UTC))
    seen = calls_over_time(campaign.id, LONDON, datetime(2026, 7, 1, 21, 0, tzinfo=UTC))
    assert seen.today == Totals(version=3, calls=6, reached=6, conversations=1)
    assert called(seen.hours) == {"00:00": (1, 0), "18:00": (5, 1)}
    assert called(seen.days) == {"30 Jun": (4, 0), "1 Jul": (6, 1)}
    assert [bar.began for bar in seen.hours] == [f"{hour:02}:00" for hour in range(21)]


def test_a_quiet_day_shows_the_usual_hours_and_a_week(campaign: Campaign) -> None:
    seen = calls_over_time(campaign.id, LONDON, datetime(2026, 7, 1, 21, 0, tzinfo=UTC))
    assert (seen.today, len(seen.days)) == (Totals(), 7)
    assert (seen.hours[0].began, seen.hours[-1].began) == ("09:00", "20:00")


def test_a_zone_half_an_hour_off_counts_each_hour_once(campaign: Campaign) -> None:
    for hour in range(24):
        call(campaign, datetime(2026, 7, 1, hour, 0, tzinfo=UTC))
    days = [
        calls_over_time(campaign.id, KOLKATA, datetime(2026, 7, day, 6, 0, tzinfo=UTC))
        for day in (1, 2)
    ]
    assert [seen.today.calls for seen in days] == [19, 5]
    assert [sum(bar.calls for bar in seen.hours) for seen in days] == [19, 5]


@pytest.mark.parametrize(("day", "hours"), [(25, 25), (29, 23)])
def test_the_days_when_the_clocks_change_lose_and_double_nothing(
    campaign: Campaign, day: int, hours: int
) -> None:
    at = datetime(2026, 10 if day == 25 else 3, day, 12, 0, tzinfo=UTC)
    start = at.astimezone(LONDON).replace(hour=0)
    for hour in range(hours):
        call(campaign, start.astimezone(UTC) + timedelta(hours=hour))
    seen = calls_over_time(campaign.id, LONDON, at)
    assert seen.today.calls == sum(bar.calls for bar in seen.hours) == len(seen.hours) == hours


def test_days_older_than_four_weeks_are_left_out_and_empty_days_shown(campaign: Campaign) -> None:
    at = datetime(2026, 7, 28, 12, 0, tzinfo=UTC)
    for ago in (28, 20, 0):
        call(campaign, at - timedelta(days=ago))
    seen: OverTime = calls_over_time(campaign.id, LONDON, at)
    assert (seen.days[0].began, len(seen.days)) == ("8 Jul", 21)
    assert sum(bar.calls for bar in seen.days) == 2
    assert campaign_totals(campaign.id).calls == 3


def test_the_campaigns_page_shows_them(app: Flask, organiser: FlaskClient) -> None:
    with app.app_context():
        campaign = create_campaign()
        address = f"/campaigns/{campaign.id}"
        db.session.commit()
        assert "Calls by hour" not in organiser.get(address).text
        call(campaign, datetime.now(UTC), calls=1_234, conversations=1)
    page = organiser.get(address).text
    assert "1,234 in all" in page
    assert "Calls by hour, London time" in page
    assert page.count(">1,234<") >= 2  # in both tables
