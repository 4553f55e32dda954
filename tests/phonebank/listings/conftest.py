"""A party on the map, its host, and the e-mails that are sent."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from phonebank.core.db import db
from phonebank.core.mail import Batch, Message
from phonebank.listings import listings
from phonebank.listings.listings import Details
from phonebank.models import Account, Campaign, Listing, ListingState, Party, Place
from tests.factories import create_account, create_campaign, create_party
from tests.some_places import ensure_places

STREET = "Flat 3, 17 Marmalade Terrace\nLondon SW9 8QQ"
SOON = timedelta(days=5)


@pytest.fixture(scope="session")
def some_places(app: Flask) -> None:
    """A few places, unless the whole table is loaded."""
    with app.app_context():
        ensure_places()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """Every e-mail that a batch sends, in place of a mail server."""
    found: list[Message] = []
    monkeypatch.setattr(Batch, "send", lambda _, message: found.append(message))
    return found


@dataclass
class Evening:
    campaign: Campaign
    host: Account
    party: Party
    listing: Listing


def details(code: str = "SW9", **values: Any) -> Details:
    place = db.session.query(Place).filter_by(code=code).one()
    known: dict[str, Any] = {
        "by_video": False,
        "place": place,
        "address": STREET,
        "places": 2,
        "step_free": True,
        "languages": ("en",),
        "host_name": "Ada",
    }
    known |= values
    if known["by_video"]:
        known["address"] = ""
    return Details(**known)


def make_evening(**values: Any) -> Evening:
    campaign = values.pop("campaign", None) or create_campaign()
    host = values.pop("host", None) or create_account("host", name="Ada Lovelace")
    starts_at = values.pop("starts_at", None) or datetime.now(UTC).replace(microsecond=0) + SOON
    zone = values.pop("time_zone", "Europe/London")
    party = create_party(campaign, host, starts_at=starts_at, time_zone=zone)
    listing = listings.list_party(host, party, details(**values))
    listing.state = ListingState.SHOWN
    listing.checked_at = datetime.now(UTC)
    db.session.commit()
    return Evening(campaign, host, party, listing)


@pytest.fixture
def evening(app_context: Flask, some_places: None) -> Evening:
    return make_evening()
