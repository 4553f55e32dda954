"""A call-out in a hall, and phones in it."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from phonebank.callouts import call_outs
from phonebank.core.db import db
from phonebank.models import Account, CallOut, Campaign, RoleName
from tests.factories import create_account, create_campaign
from tests.phonebank.places.conftest import places

__all__ = ["places"]  # a fixture


@dataclass
class Hall:
    """One call-out of one campaign, and its organiser."""

    campaign: Campaign
    organiser: Account
    call_out: CallOut

    @property
    def address(self) -> str:
        return f"/hall/{self.call_out.code}"


@pytest.fixture
def hall(places: None, app_context: Flask) -> Hall:
    organiser = create_account(RoleName.ORGANISER)
    campaign = create_campaign()
    call_out = call_outs.create_call_out(
        campaign, organiser, "Riverside call-out", None, "Europe/London"
    )
    db.session.commit()
    return Hall(campaign, organiser, call_out)


@pytest.fixture
def new_phone(app: Flask, hall: Hall) -> Iterator[Callable[..., FlaskClient]]:
    """A function that signs a person in on a phone of their own."""

    def enter(name: str, postcode: str = "SW9 8JJ", reach: str = "") -> FlaskClient:
        phone = app.test_client()
        answer = sign_in(phone, hall, name, postcode, reach)
        assert answer.status_code == 303, answer.text
        return phone

    yield enter


def sign_in(
    phone: FlaskClient,
    hall: Hall,
    name: str,
    postcode: str = "SW9 8JJ",
    reach: str = "",
    **more: Any,
) -> TestResponse:
    """Send the hall's form."""
    sent = {
        "sign_up_id": str(uuid.uuid4()),
        "first_name": name,
        "reach": reach or f"{name.lower()}@example.org",
        "postcode": postcode,
    }
    return phone.post(hall.address, data=sent | more)
