"""A caller's pages in campaigns that call through a telephone service, on the simulated network."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import select

from callers.views.phone_page import describe
from phonebank.core.config import config_of
from phonebank.core.db import db
from phonebank.models import (
    Call,
    CampaignMode,
    CampaignState,
    Contact,
    Line,
    LineSide,
    LineState,
    PartyState,
    PhoneSession,
    PhoneSettings,
    now,
)
from phonebank.roster.remove import remove
from phonebank.telephony.phases import Phase, Situation
from phonebank.telephony.sessions import CallerPhone, phone_of
from tests.factories import create_account, create_party
from tests.phonebank.dialler.evening import evening

JSON = {"Accept": "application/json"}
OWN = "0121 496 0007"


@pytest.fixture
def simulated(app, clean_stores, monkeypatch):
    config = replace(config_of(app), telephony="simulator")
    monkeypatch.setitem(app.extensions, "phonebank", config)
    return app


def come_in(client, tonight):
    caller = tonight.callers[0]
    with client.session_transaction() as session:
        session["caller"] = {"id": caller.id, "token": caller.device_token}


def phase(client):
    return client.get("/calling/phone/state", headers=JSON).json["phase"]


def numbers_of(tonight):
    """The people's numbers, however they are written."""
    found = db.session.scalars(select(Contact.phone)).all()
    return {number.removeprefix("+44") for number in found}


def shows_a_number(tonight, page):
    digits = "".join(letter for letter in page.text if letter.isdigit())
    return any(number in digits for number in numbers_of(tonight))


def test_progressive_calling_shows_people_when_they_pick_up(simulated, client):
    with evening(simulated, how="answer=1,ring=2,talk=2,lost=0") as tonight:
        come_in(client, tonight)
        first = client.post("/calling/next", follow_redirects=True)
        assert "Connect your phone" in first.text
        refused = client.post("/calling/phone/connect", data={"number": "12"})
        assert refused.status_code == 422
        client.post("/calling/phone/connect", data={"number": OWN})
        tonight.run(lambda: phase(client) == "resting")
        client.post("/calling/phone/ready", data={"ready": "yes"})
        client.post("/calling/phone/ready", data={"ready": "no"})
        assert "Ready when you are" in client.get("/calling/phone").text
        client.post("/calling/phone/ready", data={"ready": "yes"})
        tonight.run(lambda: phase(client) == "calling")
        for hidden in ("/calling/person", "/calling/wait", "/calling", "/calling/told"):
            page = client.get(hidden, follow_redirects=True)
            assert "Calling someone" in page.text, hidden
            assert "Testperson" not in page.text
        assert client.get("/calling/person/qr.svg").status_code == 404
        tonight.run(lambda: phase(client) == "talking")
        call = tonight.calls()[0]
        person = db.session.get_one(Contact, call.contact_id)
        page = client.get("/calling/person")
        assert person.first_name in page.text
        assert "They can hear you." in page.text
        assert not shows_a_number(tonight, page)
        told = client.get("/calling/person", headers=JSON)
        assert told.json["person"]["name"]
        assert not shows_a_number(tonight, told)
        tonight.run(lambda: phase(client) == "wrapping_up")
        client.post("/calling/phone/finish")
        after = client.post(
            f"/calling/person/{call.id}/outcome", data={"outcome": "talked"}, follow_redirects=True
        )
        assert "Recorded: We talked" in after.text
        tonight.run(lambda: phase(client) == "off")
        assert "Call my phone" in client.get("/calling/phone").text
        # The second time the number is known, and one tap is enough.
        client.post("/calling/phone/connect")
        tonight.run(lambda: phase(client) == "resting")
        client.post("/calling/phone/hang-up")
        assert phase(client) == "off"


def test_the_bridge_shows_people_first_and_calls_at_a_tap(simulated, client):
    mode = CampaignMode.PHONE_BRIDGE
    with evening(simulated, mode=mode, how="answer=0,busy=1") as tonight:
        come_in(client, tonight)
        client.post("/calling/phone/connect", data={"number": OWN})
        tonight.run(lambda: phase(client) == "resting")
        page = client.post("/calling/next", follow_redirects=True)
        call = tonight.calls()[0]
        assert f"/calling/person/{call.id}/dial" in page.text
        assert not shows_a_number(tonight, page)
        for _ in range(2):  # a second tap calls nobody twice
            assert client.post(f"/calling/person/{call.id}/dial").status_code == 303
        tonight.run(lambda: tonight.lines() and tonight.lines()[0].ended_at)
        assert len(tonight.lines()) == 1
        state = client.get("/calling/phone/state", headers=JSON).json
        assert state["said"] == "Their phone is busy."
        assert db.session.get_one(Call, call.id).outcome is None, "the caller says how it ended"


def test_nobody_is_called_when_the_days_money_is_spent(simulated, client):
    with evening(simulated, how="answer=1") as tonight:
        come_in(client, tonight)
        settings = db.session.get_one(PhoneSettings, tonight.campaign_id)
        settings.day_budget = Decimal(5)
        spent = Line(
            campaign_id=tonight.campaign_id,
            side=LineSide.PERSON,
            backend="simulator",
            cost=Decimal(5),
            currency="GBP",
            ended_at=now(),
        )
        db.session.add(spent)
        db.session.commit()
        refused = client.post("/calling/phone/connect", data={"number": OWN}, headers=JSON)
        assert "money for calls is spent" in refused.text
        tonight.connect_all()
        tonight.run(lambda: phone_of(tonight.callers[0].id).phase == Phase.OFF)
        assert tonight.calls() == []
        assert "has spent all that it can on calls today" in client.get("/calling/phone").text


def stop_calling(tonight, how):
    if how == "party ended":
        party = create_party(tonight.campaign, create_account())
        party.state = PartyState.ENDED
        tonight.callers[0].party_id = party.id
    else:
        tonight.campaign.state = CampaignState(how)
    db.session.commit()


@pytest.mark.parametrize("mode", [CampaignMode.PROGRESSIVE, CampaignMode.PHONE_BRIDGE])
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("ended", "The campaign has ended"),
        ("paused", "The campaign is paused right now."),
        ("draft", "The campaign hasn&#39;t started yet."),
        ("party ended", "Thank you"),
    ],
)
def test_nobody_connects_while_there_is_no_calling(simulated, client, mode, how, said):
    with evening(simulated, mode=mode) as tonight:
        come_in(client, tonight)
        stop_calling(tonight, how)
        pages = [
            client.post("/calling/next", follow_redirects=True),
            client.get("/calling/wait", follow_redirects=True),
            client.get("/calling/phone", follow_redirects=True),
            client.post("/calling/phone/connect", data={"number": OWN}, follow_redirects=True),
        ]
        if how in ("ended", "party ended"):
            pages.append(client.get("/calling"))
        for page in pages:
            assert said in page.text
            assert "Connect your phone" not in page.text
        followed = client.get("/calling/phone", headers={"X-Phonebank-Screen": "page"})
        assert "data-phone=" not in followed.text
        refused = client.post("/calling/phone/connect", data={"number": OWN}, headers=JSON)
        assert refused.status_code in (409, 410)
        assert db.session.scalars(select(PhoneSession)).all() == []


def test_a_caller_who_talks_when_the_campaign_ends_stays_on_the_line(simulated, client):
    with evening(simulated, how="answer=1,ring=0.3,talk=600,lost=0") as tonight:
        come_in(client, tonight)
        tonight.connect_all()
        tonight.run(lambda: phase(client) == "talking")
        stop_calling(tonight, "ended")
        for _ in range(20):
            tonight.dialler.turn()
        assert phase(client) == "talking"
        assert "They can hear you." in client.get("/calling/person").text
        # Even now the caller may change to another phone.
        assert client.post("/calling/phone/connect", data={"number": OWN}).status_code == 303
        db.session.expire_all()
        tonight.run(lambda: phase(client) == "talking")
        call = tonight.calls()[0]
        after = client.post(f"/calling/person/{call.id}/outcome", data={"outcome": "talked"})
        assert db.session.get_one(Call, call.id, populate_existing=True).outcome == "talked"
        assert after.status_code == 303
        # The line costs money, and there is nobody to call.
        tonight.run(lambda: phase(client) == "off")
        tonight.run(lambda: all(line.ended_at for line in tonight.lines(LineSide.CALLER)))
        assert "The campaign has ended" in client.get("/calling/phone", follow_redirects=True).text


def test_a_campaign_without_a_telephone_service_has_none_of_this(simulated, client):
    with evening(simulated, mode=CampaignMode.MANUAL) as tonight:
        come_in(client, tonight)
        assert client.get("/calling/phone").location == "/calling"
        assert client.post("/calling/phone/connect", data={"number": OWN}).status_code == 404


def test_leaving_makes_the_browser_forget_the_callers_own_number(simulated, client):
    with evening(simulated, how="answer=0,ring=2") as tonight:
        come_in(client, tonight)
        client.post("/calling/phone/connect", data={"number": OWN})
        with client.session_transaction() as session:
            assert session["own_number"]
        client.post("/leave")
        with client.session_transaction() as session:
            assert "own_number" not in session


def test_the_next_person_on_a_device_never_sees_the_number_of_the_first(simulated, client):
    with evening(simulated, how="answer=0,ring=2") as tonight:
        come_in(client, tonight)
        client.post("/calling/phone/connect", data={"number": OWN})
        link = f"/c/{tonight.campaign.join_token}"
        client.post(link, data={"first_name": tonight.callers[0].first_name})
        with client.session_transaction() as session:
            assert session["own_number"]  # the same caller has come back
        client.post(link, data={"first_name": "Jo"})
        with client.session_transaction() as session:
            assert "own_number" not in session  # somebody else, who joins the same campaign
        remove(tonight.callers[0])
        db.session.commit()
        assert client.post("/leave").status_code in (401, 403)
        client.post(link, data={"first_name": "Pat"})
        with client.session_transaction() as session:
            assert session["caller"]["id"] != tonight.callers[0].id
            assert "own_number" not in session


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"is_ready": True}, "You're next."),
        ({"is_ready": True, "notice": "Your host has called a break."}, "We can't call anyone"),
        ({}, "until you say so"),
        ({"finishing": True}, "We won't call anybody else"),
    ],
)
def test_the_bar_says_why_nobody_is_being_called(changes, said):
    situation = Situation(
        is_on=True, is_ready="is_ready" in changes, caller_line=LineState.ANSWERED
    )
    phone = CallerPhone(
        situation,
        None,
        0,
        1,
        by_browser=False,
        finishing="finishing" in changes,
        notice=changes.get("notice", ""),
    )
    assert said in describe(phone, CampaignMode.PROGRESSIVE)
