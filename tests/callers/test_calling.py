"""Tests what a caller sees after their party ended: thanks, their own figures, and a way on."""

import pytest
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.models import CallerState, CampaignState
from phonebank.parties.services import end_party
from tests.callers.test_views import address_of, open_call
from tests.factories import create_caller, create_party
from tests.phone_bank import PhoneBank, come_in


@pytest.fixture
def sam(client: FlaskClient, phone_bank: PhoneBank) -> FlaskClient:
    come_in(client, phone_bank)
    return client


def test_the_last_call_counts_and_leads_to_the_callers_own_figures(
    sam: FlaskClient, phone_bank: PhoneBank
) -> None:
    for outcome in ("no_answer", "talked"):
        sam.post("/calling/next")
        if outcome == "talked":
            end_party(phone_bank.party)
            db.session.commit()
        page = sam.post(
            address_of(open_call(), "outcome"), data={"outcome": outcome}, follow_redirects=True
        )
    assert page.status_code == 200
    assert "The party has ended" in page.text
    assert "You made 2 calls and had 1 conversation." in page.text
    assert "Host your own party" in page.text
    assert sam.get(f"/evening/{phone_bank.party.summary_token}").status_code == 200


def test_the_last_call_counts_for_an_api_client_too(
    sam: FlaskClient, phone_bank: PhoneBank
) -> None:
    sam.post("/calling/next")
    end_party(phone_bank.party)
    db.session.commit()
    told = sam.post(
        address_of(open_call(), "outcome"),
        json={"outcome": "no_answer"},
        headers={"Accept": "application/json"},
    )
    assert told.status_code == 200
    assert told.json["changed"] is True
    assert told.json["person"] is None
    assert "ended" in told.json["message"]


def test_a_caller_who_recorded_nothing_is_thanked_too_and_gets_no_one(
    sam: FlaskClient, phone_bank: PhoneBank
) -> None:
    end_party(phone_bank.party)
    db.session.commit()
    page = sam.post("/calling/next", follow_redirects=True)
    assert "Thank you, Sam." in page.text
    assert "You made no calls that count at this party" in page.text
    assert "Give me someone" not in page.text


def test_someone_whom_nobody_let_in_reads_only_that_the_party_has_ended(
    client: FlaskClient, phone_bank: PhoneBank
) -> None:
    kit = create_caller(phone_bank.campaign, phone_bank.party, state=CallerState.WAITING)
    coming = create_party(phone_bank.campaign, phone_bank.host)
    end_party(phone_bank.party)
    db.session.commit()
    for_callers_only = (phone_bank.party.summary_token, coming.code, "What we did together")
    come_in(client, phone_bank, phone_bank.sam)
    page = client.get("/calling")
    assert all(part in page.text for part in for_callers_only)
    come_in(client, phone_bank, kit)
    page = client.get("/calling")
    assert "The party ended before you were let in." in page.text
    assert not any(part in page.text for part in for_callers_only)


def test_a_campaign_that_ended_says_so_and_does_not_redirect_in_a_circle(
    sam: FlaskClient, phone_bank: PhoneBank
) -> None:
    phone_bank.campaign.state = CampaignState.ENDED
    db.session.commit()
    for page in (sam.post("/calling/next", follow_redirects=True), sam.get("/calling")):
        assert page.status_code == 410
        assert "The campaign has ended" in page.text
        assert "Thank you for every call you made." in page.text
        assert "Give me someone" not in page.text
