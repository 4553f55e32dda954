"""Host a party here: a stranger offers to host a party, and an organiser lets them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from phonebank.core import mail
from phonebank.core.db import db
from phonebank.core.mail import Message
from phonebank.core.secret_text import keyed_hashes
from phonebank.listings.jobs import erase_old_addresses, send_due_reminders
from phonebank.models import (
    Account,
    BlockedGuest,
    Campaign,
    CampaignState,
    Guest,
    HostOffer,
    HostOfferState,
    Listing,
    ListingState,
    TrainingFor,
    VolunteerCaller,
    now,
)
from phonebank.trainings.marks import give_mark
from phonebank.volunteers.volunteers import find_or_create
from tests.factories import create_account, create_caller, create_campaign
from tests.phonebank.listings.conftest import sent, some_places
from tests.phonebank.movement.test_near import Stage, stage
from tests.signing_in import sign_in

__all__ = ["sent", "some_places", "stage"]  # fixtures

FORM = "/near/gb/M1/host"


@pytest.fixture
def kits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The kits that are e-mailed, each with its address."""
    found: list[tuple[str, str]] = []
    monkeypatch.setattr(mail, "deliver", lambda to, _subject, text: found.append((to, text)))
    return found


def typed(**values: str) -> dict[str, str]:
    day = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    known = {"first_name": "Vik", "email": "vik@example.org", "day": day, "at": "19:30"}
    return known | values


def confirm(client: FlaskClient, message: Message) -> str:
    """Open the link in an e-mail, tap its button, and return the link."""
    found = re.search(r"http://localhost(/near/offer/\S+)", message.text)
    assert found
    assert "Yes, I&#39;ll host" in client.get(found[1]).text
    assert client.post(found[1]).status_code == 303
    return found[1]


def test_an_offer_becomes_a_party_when_an_organiser_says_yes(
    app: Flask,
    client: FlaskClient,
    stage: Stage,
    sent: list[Message],
    kits: list[tuple[str, str]],
) -> None:
    assert f'href="{FORM}"' in client.get("/near/gb/M1").text
    asked = client.post(FORM, data=typed())
    assert "vik@example.org" in asked.text
    link = confirm(client, sent[0])
    assert link not in asked.text  # the mail alone shows that the address is Vik's
    waits = client.get(link).text
    assert "will look at your offer" in waits
    assert "The evening, minute by minute" in waits
    with app.app_context():
        assert db.session.query(Account).filter_by(email="vik@example.org").count() == 0
        organiser_id = create_account("organiser").id
        other_id = create_campaign(name="Another").id
        offer_id = db.session.query(HostOffer).one().id
        db.session.commit()

    looks = app.test_client()
    sign_in(looks, organiser_id)
    events = f"/campaigns/{stage.campaign_id}/events"
    today = looks.get(f"/campaigns/{stage.campaign_id}").text
    assert "An event or an offer to host</strong> is waiting" in today
    assert "Vik offers to host" in looks.get(events).text
    answer = f"/offers/{offer_id}/accept"
    assert looks.post(f"/campaigns/{other_id}/events{answer}").status_code == 404
    assert looks.post(events + answer).status_code == 302
    assert looks.post(events + answer).status_code == 409  # two organisers at once
    app.extensions["kept_pages"].forget()
    assert "At Vik" in client.get("/near/gb/M1").text
    with app.app_context():
        send_due_reminders()
        send_due_reminders()
        listing = db.session.query(Listing).filter_by(host_name="Vik").one()
        party_id, host_id = listing.party_id, listing.host_id
    [(to, text)] = kits
    assert to == "vik@example.org"
    assert "type your address there" in text

    client.post(f"/near/event/{listing.id}", data={"first_name": "Sam", "email": "s@example.org"})
    guest_link = re.search(r"http://localhost(/guest/\S+)", sent[-1].text)
    assert guest_link
    client.post(f"{guest_link[1]}/confirm").close()
    host = app.test_client()
    sign_in(host, host_id)
    with app.app_context():
        guest_id = db.session.query(Guest).filter_by(first_name="Sam").one().id
    let_come = f"/parties/{party_id}/guests/{guest_id}/let-come"
    refused = host.post(let_come)
    assert (refused.status_code, "need an address" in refused.text) == (409, True)
    details = {
        "way": "in_person", "host_name": "Vik", "place": "M1 1AA", "address": "4 Plum Row",
        "places": "8", "step_free": "no", "languages": "en",
    }  # fmt: skip
    assert host.post(f"/parties/{party_id}/guests", data=details).status_code == 303
    assert host.post(let_come).status_code == 303
    assert "4 Plum Row" in client.get(guest_link[1]).text


def test_an_untrained_hosts_party_waits_for_a_training(
    app: Flask,
    client: FlaskClient,
    stage: Stage,
    sent: list[Message],
    kits: list[tuple[str, str]],
) -> None:
    for name in ("Vik", "Bill"):
        client.post(FORM, data=typed(first_name=name, email=f"{name.lower()}@example.org"))
    links = [confirm(client, message) for message in sent]
    with app.app_context():
        campaign = db.session.get_one(Campaign, stage.campaign_id)
        campaign.training_for = TrainingFor.HOSTS
        blocked = keyed_hashes("bill@example.org")[0]  # after the offer
        db.session.add(BlockedGuest(campaign_id=campaign.id, email_hash=blocked))
        organiser_id = create_account("organiser").id
        vik, bill = db.session.scalars(select(HostOffer.id).order_by(HostOffer.id))
        db.session.commit()
    looks = app.test_client()
    sign_in(looks, organiser_id)
    offers = f"/campaigns/{stage.campaign_id}/events/offers"
    refused = looks.post(f"{offers}/{bill}/accept")
    assert (refused.status_code, "has blocked Bill" in refused.text) == (409, True)
    said = looks.post(f"{offers}/{vik}/accept", follow_redirects=True).text
    assert "must go to a training" in said
    app.extensions["kept_pages"].forget()
    assert "At Vik" not in client.get("/near/gb/M1").text
    offered = client.get(links[0]).text
    assert "go to a training" in offered
    assert "tap “Keep my calls”, and enter vik@example.org. Open the link" in offered
    with app.app_context():
        send_due_reminders()
        listing = db.session.query(Listing).filter_by(host_name="Vik").one()
        page, host_id = f"/parties/{listing.party_id}/guests", listing.host_id
    assert "go to a training first" in kits[0][1]
    assert "tap “Keep my calls”, enter this e-mail address, open the link" in kits[0][1]
    host = app.test_client()
    sign_in(host, host_id)
    assert "go to a training first" in host.get(page).text
    details = {
        "way": "in_person", "host_name": "Vik", "place": "M1 1AA", "address": "4 Plum Row",
        "places": "8", "step_free": "no", "languages": "en",
    }  # fmt: skip
    assert host.post(page, data=details).status_code == 403
    with app.app_context():
        caller = create_caller(db.session.get_one(Campaign, stage.campaign_id))
        caller.practised_at = now()
        give_mark(caller, None)
        volunteer = find_or_create("vik@example.org", "Vik")
        db.session.add(VolunteerCaller(volunteer_id=volunteer.id, caller_id=caller.id))
        db.session.commit()
    trained = host.get(page).text
    assert "People near you can&#39;t find your party yet." in trained
    assert "go to a training" not in trained
    assert "call-out" not in trained
    offered = client.get(links[0]).text
    assert "go to a training" not in offered
    assert "On your party's page, tap “Guests”, then press “Put it on the map”." in offered
    assert host.post(page, data=details).status_code == 303


def test_what_cannot_be_offered_is_said_in_the_form(
    client: FlaskClient, stage: Stage, sent: list[Message]
) -> None:
    for wrong, words in (
        ({"day": "2020-01-01"}, "has passed"),
        ({"day": "2199-01-01"}, "too far away"),
        ({"day": ""}, "Choose a day"),
        ({"at": "25:00"}, "valid time"),
        ({"first_name": ""}, "Type your first name"),
        ({"first_name": "<b>Vik</b>" * 9}, "Use up to 40"),
        ({"email": "nobody"}, "e-mail address"),
    ):
        refused = client.post(FORM, data=typed(**wrong))
        assert (refused.status_code, words in refused.text) == (422, True), wrong
        assert "<b>Vik" not in refused.text
    assert sent == []
    assert client.get("/near/gb/NOWHERE/host").status_code == 404
    assert client.get("/near/offer/guessed").status_code == 404
    # No campaign of this country has events, so only hosts can make a party.
    assert client.get("/near/de/koln/host").location == "/parties/new?near=de/koln"


def test_three_offers_are_open_at_most_and_a_blocked_person_is_not_told(
    app: Flask, client: FlaskClient, stage: Stage, sent: list[Message]
) -> None:
    for _ in range(4):
        client.post(FORM, data=typed())
    for message in sent[:3]:
        confirm(client, message)
    last = re.search(r"http://localhost(/near/offer/\S+)", sent[3].text)
    assert last
    assert client.post(last[1]).status_code == 409
    with app.app_context():
        blocked = keyed_hashes("bad@example.org")[0]
        db.session.add(BlockedGuest(campaign_id=stage.campaign_id, email_hash=blocked))
        organiser_id = create_account("organiser").id
        db.session.commit()
    client.post(FORM, data=typed(email="bad@example.org", first_name="Bill"))
    link = confirm(client, sent[4])
    assert "will look at your offer" in client.get(link).text
    sign_in(client, organiser_id)
    events = f"/campaigns/{stage.campaign_id}/events"
    page = client.get(events).text
    assert "Bill" not in page
    [refuse, *_] = re.findall(r"/events(/offers/\d+/refuse)", page)
    client.post(events + refuse).close()
    assert (sent[5].to, sent[5].subject) == ("vik@example.org", "Your phone party: not this time")


def test_old_offers_are_forgotten(
    app: Flask, client: FlaskClient, stage: Stage, sent: list[Message]
) -> None:
    for _ in range(3):
        client.post(FORM, data=typed())
    confirm(client, sent[1])
    confirm(client, sent[2])
    with app.app_context():
        first, _, third = db.session.query(HostOffer).order_by(HostOffer.id)
        first.created_at -= timedelta(hours=25)  # nobody confirmed it
        third.starts_at -= timedelta(days=17)
        db.session.commit()
        erase_old_addresses()
        [left] = db.session.query(HostOffer)
        assert left.state == "waiting"


@pytest.mark.parametrize(
    ("offer_values", "listing_values", "said"),
    [
        ({}, {}, ("Your party is on the map", "add your address")),
        ({}, {"address": "x"}, ("Your party is on the map", "")),
        ({}, {"state": ListingState.HIDDEN}, ("can't find your party at the moment", "add your")),
        ({}, {"state": ListingState.DRAFT}, ("then press “Put it on the map”", "add your")),
        ({}, {"state": ListingState.CANCELLED}, ("This party is cancelled", "")),
        ({"starts_at": now() - timedelta(days=2)}, {}, ("This party is over", "")),
    ],
)
def test_the_page_of_an_accepted_offer_says_how_its_party_stands(
    app: Flask,
    client: FlaskClient,
    stage: Stage,
    offer_values: dict[str, Any],
    listing_values: dict[str, Any],
    said: tuple[str, str],
) -> None:
    with app.app_context():
        listing = db.session.get_one(Listing, stage.listing_id)
        listing.address = None
        offer = HostOffer(
            campaign_id=stage.campaign_id, first_name="Vik", email="vik@example.org",
            starts_at=stage.starts_at, time_zone="Europe/London", country="GB", place_code="M1",
            state=HostOfferState.ACCEPTED, party_id=stage.party_id,
        )  # fmt: skip
        db.session.add(offer)
        for row, values in ((offer, offer_values), (listing, listing_values)):
            for name, value in values.items():
                setattr(row, name, value)
        db.session.commit()
        link = f"/near/offer/{offer.token}"
    page = client.get(link).text.replace("&#39;", "'")
    state, address = said
    assert state in page
    assert ("add your address" in page) == bool(address)


@pytest.mark.parametrize("state", list(HostOfferState))
def test_after_the_end_of_the_campaign_an_offer_promises_nothing(
    app: Flask, client: FlaskClient, stage: Stage, state: HostOfferState
) -> None:
    with app.app_context():
        db.session.get_one(Campaign, stage.campaign_id).state = CampaignState.ENDED
        offer = HostOffer(
            campaign_id=stage.campaign_id, first_name="Vik", email="vik@example.org",
            starts_at=stage.starts_at, time_zone="Europe/London", country="GB", place_code="M1",
            state=state, party_id=stage.party_id,
        )  # fmt: skip
        db.session.add(offer)
        db.session.commit()
        link = f"/near/offer/{offer.token}"
    page = client.get(link).text
    assert "This campaign has ended." in page
    assert "on the map" not in page
    assert "will look at" not in page


def test_an_offer_that_nobody_answered_in_time_says_so(
    app: Flask, client: FlaskClient, stage: Stage, sent: list[Message]
) -> None:
    client.post(FORM, data=typed())
    link = confirm(client, sent[0])
    with app.app_context():
        db.session.query(HostOffer).one().starts_at = now() - timedelta(hours=1)
        db.session.commit()
    page = client.get(link).text
    assert "nobody answered your offer in time" in page
    assert "will look at your offer" not in page
