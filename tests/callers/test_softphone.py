"""The sign-in with which a caller's browser speaks. Real ones are in tests/calls."""

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.core.config import config_of
from phonebank.core.db import db
from phonebank.models import Line, LineSide, PhoneSession
from phonebank.telephony.sessions import connect
from phonebank.telephony.softphones import browser_addresses
from tests.phone_bank import PhoneBank, come_in

URL = "/calling/phone/softphone"
SOCKET = "wss://phones.example.org/ws"


@pytest.fixture
def with_asterisk(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """This server has an Asterisk that does not answer."""
    changed = replace(
        config_of(app),
        telephony="asterisk",
        asterisk_url="http://127.0.0.1:1",
        asterisk_password="secret",
        asterisk_softphone_url=SOCKET,
    )
    monkeypatch.setitem(app.extensions, "phonebank", changed)
    monkeypatch.delitem(app.extensions, "phonebank.softphones", raising=False)


def ask(client: FlaskClient):
    return client.post(URL, headers={"Accept": "application/json"})


def test_a_sign_in_is_for_a_line_that_is_there(
    client: FlaskClient, phone_bank: PhoneBank, with_asterisk: None
) -> None:
    come_in(client, phone_bank)
    assert ask(client).status_code == 409, "Sam has not connected"
    connect(phone_bank.sam, None)
    db.session.commit()
    assert ask(client).status_code == 409, "the dialler has not made the line"
    line = Line(
        campaign_id=phone_bank.campaign.id,
        caller_id=phone_bank.sam.id,
        side=LineSide.CALLER,
        backend="asterisk",
    )
    db.session.add(line)
    db.session.flush()
    db.session.get_one(PhoneSession, phone_bank.sam.id).line_id = line.id
    db.session.commit()
    away = ask(client)
    assert away.status_code == 503
    assert "your own phone" in away.json["error"]["what_to_do"]
    # Who speaks on their own phone opens no line in the browser.
    connect(phone_bank.sam, "+447700900123")
    db.session.commit()
    assert ask(client).status_code == 409
    come_in(client, phone_bank, phone_bank.priya)
    assert ask(client).status_code == 409, "another caller's line is not Priya's"


def test_a_server_without_softphones_has_no_addresses(app: Flask, with_asterisk: None) -> None:
    config = config_of(app)
    assert browser_addresses(config) == (SOCKET,)
    assert browser_addresses(replace(config, asterisk_softphone_url="")) == ()
    assert browser_addresses(replace(config, telephony="simulator")) == ()
    twilio = replace(config.twilio, api_key="a", api_secret="b", app_sid="c")
    assert browser_addresses(replace(config, telephony="twilio", twilio=twilio))[0].startswith(
        "wss://voice-js."
    )
