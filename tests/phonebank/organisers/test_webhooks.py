"""The organiser's pages of webhooks."""

import re
import socket

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from phonebank.core.db import db
from phonebank.models import AuditEntry, DeliveryState, WebhookDelivery
from tests.factories import create_campaign

PAGE = "/campaigns/1/connections/webhooks"
NEW = {"url": "https://crm.example.org/hook", "events": ["outcome.recorded"]}


@pytest.fixture(autouse=True)
def _a_campaign(app: Flask, organiser: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        create_campaign()
        create_campaign()
        db.session.commit()
    found = [(2, 1, 6, "", ("8.8.8.8", 443))]
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *a, **o: found if host == "crm.example.org" else real(host, *a, **o),
    )


def test_a_webhook_from_its_secret_to_its_end(app: Flask, organiser: FlaskClient) -> None:
    shown = organiser.post(PAGE, data=NEW)
    secret = re.search(r"whsec_[\w+/]{43}=", shown.text)[0]
    assert secret not in organiser.get(PAGE).text + organiser.get(f"{PAGE}/1").text
    assert organiser.post(f"{PAGE}/1/test").status_code == 302
    with app.app_context():
        [delivery] = db.session.scalars(select(WebhookDelivery))
        again = f"{PAGE}/1/deliveries/{delivery.id}"
    assert organiser.post(again).status_code == 409, "it has not been sent yet"
    with app.app_context():
        failed = {"state": DeliveryState.FAILED, "attempts": 8, "fault": "It redirects."}
        db.session.execute(update(WebhookDelivery).values(failed))
        db.session.commit()
    page = organiser.get(f"{PAGE}/1").text
    assert "It redirects." in page
    assert "Send again" in page
    assert organiser.post(again).status_code == 302
    assert organiser.post(again.replace("campaigns/1", "campaigns/2")).status_code == 404
    assert organiser.post(f"{PAGE}/1/stop").status_code == 302
    stopped = organiser.get(f"{PAGE}/1").text
    assert "Send again" not in stopped
    assert "Not delivered" in stopped
    assert "more times" not in stopped, "nothing more is sent"
    assert organiser.post(f"{PAGE}/1/test").status_code == 409
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        assert [entry.action for entry in entries] == [
            "webhook made",
            "webhook tried",
            "delivery sent again",
            "webhook stopped",
        ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"url": "https://127.0.0.1/hook"}, "not on the public internet"),
        ({"url": "http://crm.example.org/"}, "must begin with https"),
        ({"url": ""}, "Type the address"),
        ({"events": []}, "Choose at least one event"),
        ({"events": ["everything"]}, ""),
    ],
)
def test_a_webhook_that_cannot_be_says_why(
    organiser: FlaskClient, change: dict[str, object], why: str
) -> None:
    refused = organiser.post(PAGE, data=NEW | change)
    assert refused.status_code == 422
    assert why in refused.text
