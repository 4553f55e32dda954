"""A slip in the last call of the evening can be corrected, and nobody is called again."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from phonebank.calls.hold import current_hold
from phonebank.core.db import db
from phonebank.models import Call, CampaignState, Contact, PartyState
from phonebank.phones.e164 import format_for_reading
from phonebank.tallies.reconcile import differences
from phonebank.tallies.totals import campaign_totals
from tests.phone_bank import PhoneBank, call_of, come_in

JSON = {"Accept": "application/json"}
# A Tuesday evening in winter: hours in London end at 21:00.
BEFORE, AFTER = (datetime(2026, 1, 13, *clock, tzinfo=UTC) for clock in ((20, 55), (21, 1)))


@pytest.fixture
def call(phone_bank: PhoneBank, client: FlaskClient) -> Call:
    """Sam's last call of the evening, recorded as no answer."""
    phone_bank.campaign.allow_drama_numbers = False
    for contact in phone_bank.contacts:
        contact.callable_at = BEFORE - timedelta(days=1)
    phone_bank.sam.promised_at = BEFORE
    db.session.commit()
    with time_machine.travel(BEFORE):
        come_in(client, phone_bank)
        client.post("/calling/next")
        held = call_of(current_hold(phone_bank.sam))
        client.post(f"/calling/person/{held.id}/outcome", json={"outcome": "no_answer", "next": 0})
    db.session.expire_all()
    assert held.outcome == "no_answer"
    return held


def test_the_person_comes_back_without_their_number(
    phone_bank: PhoneBank, client: FlaskClient, call: Call
) -> None:
    name, number = db.session.get_one(Contact, call.contact_id).first_name, call.phone
    with time_machine.travel(AFTER):
        page = client.post(f"/calling/person/{call.id}/undo?turn=0", follow_redirects=True).text
        assert name in page
        assert "outside calling hours where they are" in page
        for seen in (number, format_for_reading(number, "GB"), "tel:", "qr.svg"):
            assert seen not in page
        assert client.get("/calling/person/qr.svg").status_code == 404
        person = client.get("/calling/person", headers=JSON).json["person"]
        assert (person["phone"], person["phone_shown"]) == ("", "")
        assert person["not_to_ring"]
        client.post(f"/calling/person/{call.id}/outcome?turn=1", data={"outcome": "refused"})
    db.session.expire_all()
    assert call.outcome == "refused"
    assert db.session.get_one(Contact, call.contact_id).state == "finished"
    assert campaign_totals(phone_bank.campaign.id).reached == 1
    assert differences() == []


def test_within_the_hours_the_number_is_there(client: FlaskClient, call: Call) -> None:
    with time_machine.travel(BEFORE + timedelta(minutes=1)):
        page = client.post(f"/calling/person/{call.id}/undo?turn=0", follow_redirects=True).text
    assert f"tel:{call.phone}" in page


def test_nor_is_a_contact_called_whose_list_is_paused(
    phone_bank: PhoneBank, client: FlaskClient, call: Call
) -> None:
    phone_bank.contact_list.removed = True
    db.session.commit()
    with time_machine.travel(BEFORE + timedelta(minutes=1)):
        page = client.post(f"/calling/person/{call.id}/undo?turn=0", follow_redirects=True).text
    assert "Their list is paused." in page
    assert call.phone not in page


@pytest.mark.parametrize(
    ("of", "changed", "said"),
    [
        ("campaign", {"state": CampaignState.PAUSED}, "The campaign is paused right now."),
        ("campaign", {"state": CampaignState.ENDED}, "This campaign has ended."),
        ("party", {"paused": True}, "Your host has called a break."),
        ("party", {"state": PartyState.ENDED}, "The party has ended."),
        (
            "sam",
            {"paused_until": AFTER, "pause_kind": "people_an_hour"},
            "Calling is paused for you right now.",
        ),
    ],
)
def test_nor_while_calling_is_paused(
    phone_bank: PhoneBank, client: FlaskClient, call: Call, of: str, changed: dict, said: str
) -> None:
    for name, value in changed.items():
        setattr(getattr(phone_bank, of), name, value)
    db.session.commit()
    with time_machine.travel(BEFORE + timedelta(minutes=1)):
        page = client.post(f"/calling/person/{call.id}/undo?turn=0", follow_redirects=True).text
        assert said in page
        assert call.phone not in page
        client.post(f"/calling/person/{call.id}/outcome?turn=1", data={"outcome": "refused"})
    db.session.expire_all()
    assert call.outcome == "refused"


def test_a_call_under_way_when_the_hours_end_keeps_its_number(
    phone_bank: PhoneBank, client: FlaskClient, call: Call
) -> None:
    with time_machine.travel(BEFORE + timedelta(minutes=1)):
        client.post("/calling/next")
        number = current_hold(phone_bank.sam).call.phone
    with time_machine.travel(AFTER):
        assert f"tel:{number}" in client.get("/calling/person").text
