"""Tests asking for help: the host sees which caller asks, and never about which contact."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.live.board_payload import payload
from phonebank.live.board_query import read_figures
from phonebank.models import Caller, CallerState, now
from phonebank.parties.help_requests import callers_asking
from tests.factories import create_account, create_party
from tests.phone_bank import PhoneBank, come_in
from tests.signing_in import sign_in

JSON = {"Accept": "application/json"}


@pytest.fixture
def sam(client: FlaskClient, phone_bank: PhoneBank) -> FlaskClient:
    come_in(client, phone_bank)
    return client


def board_of(bank: PhoneBank) -> dict:
    return payload(read_figures([bank.party.id])[bank.party.id])


def names_asking(bank: PhoneBank) -> list[str]:
    db.session.expire_all()
    return [caller.first_name for caller in callers_asking(bank.party)]


def test_from_the_call_page_to_the_hosts_list(sam: FlaskClient, phone_bank: PhoneBank) -> None:
    before = board_of(phone_bank)
    page = sam.post("/calling/next", follow_redirects=True)
    assert "Ask your host for help" in page.text
    told = sam.post("/calling/help", data={"about": "upset"}, follow_redirects=True)
    assert "told your host." in told.text
    # The same person stays on the screen.
    assert "data-call=" in told.text
    assert names_asking(phone_bank) == ["Sam"]
    after = board_of(phone_bank)
    assert (before["helping"], after["helping"]) == (0, 1)
    assert before["people"] != after["people"]


def test_from_the_lobby_too(sam: FlaskClient, phone_bank: PhoneBank) -> None:
    phone_bank.sam.state = CallerState.WAITING
    db.session.commit()
    lobby = sam.get("/calling").text
    assert "Ask your host for help" in lobby
    assert "The person is upset or rude" not in lobby
    assert sam.post("/calling/help", headers=JSON).json == {"message": "We've told your host."}
    assert names_asking(phone_bank) == ["Sam"]


def test_within_a_minute_it_is_one_question(
    client: FlaskClient, phone_bank: PhoneBank, app: Flask
) -> None:
    come_in(client, phone_bank)
    host_id, sam_id, party_id = phone_bank.host.id, phone_bank.sam.id, phone_bank.party.id
    client.post("/calling/help", data={"about": "words"})
    host = app.test_client()
    sign_in(host, host_id)
    page = host.get(f"/parties/{party_id}")
    assert "doesn&#39;t know what to say" in page.text
    assert host.post(f"/parties/{party_id}/callers/{sam_id}/helped").status_code == 303
    assert names_asking(phone_bank) == []
    # A second tap is no error and no second question. A minute later it is a new question.
    assert client.post("/calling/help", headers=JSON).status_code == 200
    assert names_asking(phone_bank) == []
    with time_machine.travel(now() + timedelta(seconds=61)):
        assert client.post("/calling/help", headers=JSON).status_code == 200
        assert names_asking(phone_bank) == ["Sam"]


def test_free_words_do_not_reach_the_host(sam: FlaskClient, phone_bank: PhoneBank) -> None:
    refused = sam.post("/calling/help", json={"about": "Mrs Jones is shouting"}, headers=JSON)
    assert refused.status_code == 422
    assert names_asking(phone_bank) == []


def test_a_caller_without_a_host_cannot_ask(sam: FlaskClient, phone_bank: PhoneBank) -> None:
    phone_bank.sam.party_id = None
    db.session.commit()
    assert "Ask your host for help" not in sam.post("/calling/next", follow_redirects=True).text
    assert sam.post("/calling/help", headers=JSON).status_code == 404


def test_a_removed_caller_cannot_ask(sam: FlaskClient, phone_bank: PhoneBank) -> None:
    sam.post("/calling/help")
    db.session.get_one(Caller, phone_bank.sam.id).state = CallerState.REMOVED
    db.session.commit()
    assert names_asking(phone_bank) == []
    assert board_of(phone_bank)["helping"] == 0
    assert sam.post("/calling/help", headers=JSON).status_code == 401


def test_a_host_cannot_mark_another_hosts_caller_as_helped(
    sam: FlaskClient, phone_bank: PhoneBank, app: Flask
) -> None:
    sam.post("/calling/help")
    other = create_account("host")
    theirs = create_party(phone_bank.campaign, other)
    db.session.commit()
    other_id, party_id, sam_id = other.id, theirs.id, phone_bank.sam.id
    host = app.test_client()
    sign_in(host, other_id)
    assert host.post(f"/parties/{party_id}/callers/{sam_id}/helped").status_code == 404
    assert names_asking(phone_bank) == ["Sam"]
