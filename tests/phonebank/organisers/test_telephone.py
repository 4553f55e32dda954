"""The page of how a campaign calls."""

from dataclasses import replace
from decimal import Decimal

import pytest

from phonebank.core.config import config_of
from phonebank.core.db import db
from phonebank.models import Campaign, CampaignMode, Line, LineSide, PhoneSettings, now
from tests.factories import create_campaign

FIELDS = {
    "mode": "progressive",
    "shown_number": "020 7946 0123",
    "ring_seconds": "20",
    "day_budget": "12.50",
}


@pytest.fixture
def address(app, organiser):
    with app.app_context():
        campaign_id = create_campaign().id
        db.session.commit()
    return f"/campaigns/{campaign_id}/telephone"


def stored(app):
    with app.app_context():
        campaign = db.session.query(Campaign).one()
        return campaign.mode, db.session.get(PhoneSettings, campaign.id)


def test_a_server_without_a_service_only_has_callers_own_phones(app, address, organiser):
    assert "no telephone service" in organiser.get(address).text
    assert organiser.post(address, data=FIELDS).status_code == 422
    assert stored(app) == (CampaignMode.MANUAL, None)
    with app.app_context():
        db.session.query(Campaign).one().mode = CampaignMode.PROGRESSIVE
        db.session.commit()
    page = organiser.get(address).text
    assert "so callers dial on their own phones" not in page
    assert "no telephone service any more, so we can&#39;t call people" in page


def test_an_organiser_chooses_how_the_campaign_calls(app, address, organiser, monkeypatch):
    config = replace(config_of(app), telephony="simulator")
    monkeypatch.setitem(app.extensions, "phonebank", config)
    for wrong, said in (
        ({"ring_seconds": "10"}, "Ofcom asks for at least 15"),
        ({"shown_number": ""}, "Enter the number that people see"),
        ({"shown_number": "12"}, "too few digits"),
    ):
        refused = organiser.post(address, data=FIELDS | wrong)
        assert refused.status_code == 422
        assert said in refused.text
    assert organiser.post(address, data=FIELDS).status_code == 302
    mode, settings = stored(app)
    assert mode == CampaignMode.PROGRESSIVE
    assert (settings.shown_number, settings.ring_seconds) == ("+442079460123", 20)
    assert str(settings.day_budget) == "12.50"


def test_several_people_at_once_need_the_tick(app, address, organiser, monkeypatch):
    config = replace(config_of(app), telephony="simulator")
    monkeypatch.setitem(app.extensions, "phonebank", config)
    refused = organiser.post(address, data=FIELDS | {"mode": "predictive"})
    assert refused.status_code == 422
    assert "Tick this first" in refused.text
    ticked = FIELDS | {"mode": "predictive", "law_confirmed": "y"}
    assert organiser.post(address, data=ticked).status_code == 302
    mode, settings = stored(app)
    assert mode == CampaignMode.PREDICTIVE
    assert settings.law_confirmed_at is not None
    assert settings.law_confirmed_by_id is not None


def test_the_page_warns_when_the_days_limit_is_near(app, address, organiser):
    with app.app_context():
        campaign = db.session.query(Campaign).one()
        db.session.add(
            PhoneSettings(campaign_id=campaign.id, shown_number="", day_budget=Decimal(10))
        )
        spent = {"campaign_id": campaign.id, "side": LineSide.PERSON, "backend": "simulator"}
        db.session.add(Line(**spent, cost=Decimal("8.10"), currency="GBP", ended_at=now()))
        campaign.mode = CampaignMode.PROGRESSIVE
        db.session.commit()
    today = address.removesuffix("/telephone")
    for page in (address, today, f"{today}?part=1"):  # the last renews the figures of Today
        shown = organiser.get(page).text
        assert "has spent at least 80% of today" in shown
        assert "8.10 GBP, and the limit is 10.00" in shown
