"""What a campaign's lines cost today, also while their prices are not known."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from phonebank.core.config import config_of
from phonebank.core.db import db
from phonebank.core.twilio_settings import TwilioSettings
from phonebank.models import Campaign, Line, LineSide, PhoneSettings, now
from phonebank.telephony.spending import is_money_spent, spending_of

PERSON, CALLER = LineSide.PERSON, LineSide.CALLER


@pytest.fixture
def campaign(app, phone_bank, monkeypatch) -> Campaign:
    twilio = TwilioSettings(price=Decimal("0.05"))
    config = replace(config_of(app), telephony="twilio", twilio=twilio)
    monkeypatch.setitem(app.extensions, "phonebank", config)
    return phone_bank.campaign


def line(campaign, side=PERSON, answered=None, ended=None, cost=None, **other) -> None:
    """A line that was answered, and that ended, so many seconds ago."""
    at = now()
    values = {"backend": "twilio", "shows_number": True, "currency": "USD" if cost else None}
    made = Line(campaign_id=campaign.id, side=side, cost=cost and Decimal(cost), **values | other)
    made.answered_at = at - timedelta(seconds=answered) if answered is not None else None
    made.ended_at = at - timedelta(seconds=ended) if ended is not None else None
    db.session.add(made)
    db.session.commit()


def still_to_come(campaign) -> Decimal:
    return spending_of(campaign, None, now()).still_to_come


def test_minutes_without_a_price_count_before_the_first_price_is_known(campaign):
    line(campaign, ended=5)  # nobody answered
    assert still_to_come(campaign) == 0
    line(campaign)  # being called: it may cost a minute
    assert still_to_come(campaign) == Decimal("0.05")
    line(campaign, answered=70, ended=5)  # two begun minutes
    assert still_to_come(campaign) == Decimal("0.15")
    line(campaign, CALLER, answered=190)  # four begun minutes, and it goes on
    assert still_to_come(campaign) == Decimal("0.40")
    db.session.add(PhoneSettings(campaign_id=campaign.id, day_budget=Decimal("0.41")))
    assert not is_money_spent(campaign, now())
    assert spending_of(campaign, Decimal("0.41"), now()).is_near
    line(campaign)
    assert is_money_spent(campaign, now())


def test_minutes_count_as_the_dearest_of_their_kind(campaign):
    line(campaign, answered=100, ended=30, cost="0.06")  # 3 cents for each of two begun minutes
    line(campaign, answered=100, ended=70, cost="0.02")
    line(campaign, answered=20)
    assert still_to_come(campaign) == Decimal("0.06")
    line(campaign, CALLER, answered=20)  # as much as a person's, until its own kind has a price
    assert still_to_come(campaign) == Decimal("0.12")
    line(campaign, CALLER, answered=90, ended=40, cost="0.01")
    assert still_to_come(campaign) == Decimal("0.08")
    line(campaign, CALLER, answered=90, ended=40, cost="0.004", shows_number=None)
    line(campaign, CALLER, answered=20, shows_number=None)  # a browser's
    assert still_to_come(campaign) == Decimal("0.088")
    spent = spending_of(campaign, Decimal("0.18"), now())
    assert (spent.cost, spent.is_near, spent.is_over) == (Decimal("0.094"), True, True)


def test_a_browsers_line_to_our_own_asterisk_costs_nothing(app, campaign, monkeypatch):
    asterisk = replace(config_of(app), telephony="asterisk", asterisk_price=Decimal("0.02"))
    monkeypatch.setitem(app.extensions, "phonebank", asterisk)
    line(campaign, CALLER, answered=7000, backend="asterisk", shows_number=None)
    assert still_to_come(campaign) == 0
    line(campaign, CALLER, answered=170, backend="asterisk")
    assert still_to_come(campaign) == Decimal("0.08")


def test_a_trunk_without_a_price_has_no_prices(app, campaign, monkeypatch):
    monkeypatch.setitem(app.extensions, "phonebank", replace(config_of(app), telephony="asterisk"))
    line(campaign, answered=170, backend="asterisk")
    spent = spending_of(campaign, Decimal("0.01"), now())
    assert (spent.has_prices, spent.is_over) == (False, False)


def test_a_price_that_is_no_price_is_refused():
    with pytest.raises(ValueError, match="TWILIO_PRICE_A_MINUTE must be a price"):
        TwilioSettings.from_environment({"TWILIO_PRICE_A_MINUTE": "two pence"})
