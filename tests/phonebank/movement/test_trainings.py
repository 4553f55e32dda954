"""A training: an organiser lists it, people come in and practise, and the trainer gives marks."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.listings import guests
from phonebank.models import (
    Caller,
    CallerState,
    Campaign,
    Guest,
    GuestState,
    Listing,
    ListingKind,
    ListingState,
    TrainedMark,
    Training,
    TrainingFor,
    VolunteerRole,
    now,
)
from phonebank.trainings.marks import mark_of
from phonebank.trainings.rooms import open_room
from phonebank.volunteers.roles import name_trainer
from tests.factories import create_account, create_campaign
from tests.phonebank.listings.conftest import some_places
from tests.phonebank.movement.test_checks import signed_in_as
from tests.phonebank.movement.test_near import Stage, stage, values_of
from tests.signing_in import sign_in

__all__ = ["some_places", "stage"]  # fixtures


@pytest.fixture
def training(app: Flask, stage: Stage) -> dict[str, Any]:
    """The id of a training that begins in an hour, and its code. Tess is its trainer."""
    with app.app_context():
        campaign = db.session.get_one(Campaign, stage.campaign_id)
        trainer = name_trainer(campaign, "tess@example.org", "Tess")
        values = values_of(db.session.get_one(Listing, stage.listing_id))
        values |= {"kind": ListingKind.TRAINING, "title": "Learn to call"}
        listing = Listing(**values | {"starts_at": now() + timedelta(hours=1)})
        db.session.add(listing)
        db.session.flush()
        room = open_room(listing, trainer)
        db.session.commit()
        return {"id": listing.id, "code": room.code}


def test_an_organiser_lists_a_training_with_a_trainer(
    app: Flask, client: FlaskClient, stage: Stage
) -> None:
    with app.app_context():
        campaign = db.session.get_one(Campaign, stage.campaign_id)
        trainer_id = name_trainer(campaign, "tess@example.org", "Tess").id
        other = name_trainer(create_campaign(name="Another"), "tom@example.org", "Tom").id
        organiser_id = create_account("organiser").id
        db.session.commit()
    sign_in(client, organiser_id)
    events = f"/campaigns/{stage.campaign_id}/events"
    page = client.get(f"{events}/new").text
    assert ">Tess</option>" in page
    assert ">Tom</option>" not in page
    starts_at = (now() + timedelta(days=3)).strftime("%Y-%m-%dT19:30")
    typed = {
        "kind": "training", "title": "Learn to call", "starts_at": starts_at, "host_name": "Tess",
        "place": "SW9", "address": "4 Plum Row", "places": "20",
    }  # fmt: skip
    assert client.post(f"{events}/new", data=typed | {"trainer": str(other)}).status_code == 422
    client.post(f"{events}/new", data=typed | {"trainer": str(trainer_id)})
    assert "Trainer: Tess" in client.get(events).text
    app.extensions["kept_pages"].forget()
    shown = client.get("/near/gb/SW9").text
    assert "Training with Tess" in shown
    with app.app_context():
        room = db.session.query(Training).one()
    # Three days before, nobody can come in.
    refused = client.get(f"/training/{room.code}")
    assert (refused.status_code, "up to 12 hours before" in refused.text) == (410, True)


@pytest.mark.parametrize(
    ("starts_in", "is_cancelled", "on_page", "at_door"),
    [
        (timedelta(days=3), False, "can join from 12 hours before the training", "open yet"),
        (timedelta(hours=-13), False, "This training is over", "This training is over"),
        (timedelta(hours=1), True, "This training is cancelled", "This training is cancelled"),
    ],
)
def test_a_training_with_a_closed_door_says_why(
    app: Flask,
    client: FlaskClient,
    training: dict[str, Any],
    starts_in: timedelta,
    is_cancelled: bool,
    on_page: str,
    at_door: str,
) -> None:
    with app.app_context():
        listing = db.session.get_one(Listing, training["id"])
        listing.starts_at = now() + starts_in
        if is_cancelled:
            listing.state = ListingState.CANCELLED
        db.session.commit()
    page = signed_in_as(app, "tess@example.org").get(f"/volunteer/trainings/{training['id']}").text
    assert on_page in page
    assert at_door in client.get(f"/training/{training['code']}").text


def test_people_come_in_practise_and_get_the_mark(
    app: Flask, client: FlaskClient, stage: Stage, training: dict[str, Any]
) -> None:
    assert client.post("/training", data={"code": "nothing"}).status_code == 404
    door = client.post("/training", data={"code": training["code"].lower()}).location
    for name, words in (("", "is empty"), ("<b>x</b>" * 9, "Use up to 40")):
        refused = client.post(door, data={"first_name": name})
        assert (refused.status_code, words in refused.text) == (422, True)
    phones = [app.test_client() for _ in range(2)]
    for phone, name in zip(phones, ("Ana", "Ben"), strict=True):
        assert phone.post(door, data={"first_name": name}).location == "/calling/practice"
    assert "Hello again, Ana" in phones[0].get(door).text
    phones[0].post(door)  # a second tap changes nothing
    # Nobody in the room gets a person to call.
    assert phones[0].post("/calling/next").status_code in (302, 403)
    with app.app_context():
        ana, ben = db.session.query(Caller).order_by(Caller.first_name)
        assert {ana.state, ben.state} == {CallerState.WAITING}
        ana.practised_at = now()
        db.session.commit()
        ana_id, ben_id = ana.id, ben.id

    trainer = signed_in_as(app, "tess@example.org")
    page = f"/volunteer/trainings/{training['id']}"
    assert "Learn to call" in trainer.get("/volunteer").text
    shown = trainer.get(page).text
    assert training["code"] in shown.replace("<span>", "").replace("</span>", "").replace(" ", "")
    assert "2 came in, 1 finished, 0 trained" in shown
    headers = {"Accept": "application/json"}
    assert trainer.get(page, headers=headers).json == {"count": [2, 1, 0]}
    trainer.post(f"{page}/{ben_id}/trained")
    assert "Ben hasn&#39;t finished a practice call" in trainer.get(page).text
    for _ in range(2):
        trainer.post(f"{page}/{ana_id}/trained")
    assert trainer.get(page, headers=headers).json == {"count": [2, 1, 1]}
    with app.app_context():
        mark = mark_of(db.session.get_one(Caller, ana_id))
        assert mark is not None
        token = mark.token
    assert "by Tess" in client.get(f"/trained/{token}").text
    with app.app_context():
        db.session.delete(db.session.query(VolunteerRole).one())
        db.session.commit()
    assert trainer.get(page).status_code == 404
    assert "Tess" not in client.get(f"/trained/{token}").text
    with app.app_context():
        assert db.session.query(TrainedMark).count() == 1


def link_on(page: str, words: str) -> str:
    """The address of the link that the page shows with these words."""
    found = re.search(rf'<a [^>]*href="([^"]+)"[^>]*>{words}</a>', page)
    assert found, words
    return unescape(found[1])


@pytest.mark.parametrize("leaves_by", ["the end of the practice call", "the lobby"])
def test_a_host_keeps_their_calls_at_a_training_and_then_puts_their_party_on_the_map(
    app: Flask,
    stage: Stage,
    training: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    leaves_by: str,
) -> None:
    with app.app_context():
        db.session.get_one(Campaign, stage.campaign_id).training_for = TrainingFor.HOSTS
        db.session.get_one(Listing, stage.listing_id).state = ListingState.DRAFT
        db.session.commit()
    host = app.test_client()
    sign_in(host, stage.host_id)
    guests = f"/parties/{stage.party_id}/guests"
    details = {
        "way": "in_person", "host_name": "Ada", "place": "SW9", "address": "4 Plum Row",
        "places": "8", "step_free": "no", "languages": "en",
    }  # fmt: skip
    to_do = host.get(guests).text
    assert "make a practice call on your phone. Then tap “Keep my calls”" in to_do
    refused = host.post(guests, data=details)
    assert (refused.status_code, "“Keep my calls”" in refused.text) == (403, True)

    phone = app.test_client()
    door = phone.post("/training", data={"code": training["code"]}).location
    practice = phone.post(door, data={"first_name": "Ada"}).location
    assert phone.get(practice).status_code == 200
    page = phone.post(f"{practice}/done", data={"with": "undecided", "outcome": "talked"}).text
    if leaves_by == "the lobby":
        page = phone.get(link_on(page, "Back")).text
    address = link_on(page, "Keep my calls")
    form = phone.get(address.partition("#")[0]).text.partition(f'id="{address.partition("#")[2]}"')
    assert "If you host, type the e-mail address that you sign in with." in form[2]
    keep = re.search(r'<form method="post" action="([^"]+)">', form[2])
    assert keep
    with phone.post(keep[1], data={"email": stage.host_email.upper()}) as answer:
        assert answer.status_code == 303
    mailed = re.findall(r"http\S+(/volunteer/link/\S+)", capsys.readouterr().out)[-1]

    trainer = signed_in_as(app, "tess@example.org")
    room = f"/volunteer/trainings/{training['id']}"
    given = re.search(rf'action="({room}/\d+/trained)"', trainer.get(room).text)
    assert given
    trainer.post(given[1])
    assert host.post(guests, data=details).status_code == 403, "nobody has opened the link"
    # The link works on any device, here on the laptop on which the host is signed in.
    assert host.post(mailed).location == "/volunteer"
    assert "Your certificate" in host.get("/volunteer").text
    assert "go to a training" not in host.get(guests).text
    assert host.post(guests, data=details).status_code == 303
    with app.app_context():
        assert db.session.get_one(Listing, stage.listing_id).state == ListingState.SHOWN


def test_a_trainer_runs_the_trainings_of_their_campaign_only(
    app: Flask, stage: Stage, training: dict[str, Any]
) -> None:
    with app.app_context():
        name_trainer(create_campaign(name="Another"), "tom@example.org", "Tom")
        caller = Caller(campaign_id=stage.campaign_id, first_name="Eve", practised_at=now())
        db.session.add(caller)
        db.session.commit()
        caller_id = caller.id
    page = f"/volunteer/trainings/{training['id']}"
    assert signed_in_as(app, "tom@example.org").get(page).status_code == 404
    trainer = signed_in_as(app, "tess@example.org")
    assert trainer.post(f"{page}/{caller_id}/trained").status_code == 404  # Eve did not come


def test_an_accepted_guest_comes_in_from_their_own_page(
    app: Flask, client: FlaskClient, training: dict[str, Any]
) -> None:
    with app.app_context():
        guest = Guest(listing_id=training["id"], first_name="Gil", email="gil@example.org")
        db.session.add(guest)
        db.session.commit()
        link = f"/guest/{guest.token}"
    door = f"/training/{training['code']}"
    assert door not in client.get(link).text
    with app.app_context():
        db.session.query(Guest).one().state = GuestState.ACCEPTED
        db.session.commit()
    assert door in client.get(link).text


def test_a_blocked_person_sees_the_waiting_list_and_can_cancel(
    app: Flask, client: FlaskClient, stage: Stage, training: dict[str, Any]
) -> None:
    with app.app_context():
        listing = db.session.get_one(Listing, training["id"])
        home = db.session.get_one(Listing, stage.listing_id)
        first = guests.ask(home, "Sam", "sam@example.org")
        guests.confirm(first)
        guests.block(home, first.id)
        sam = guests.ask(listing, "Sam", "sam@example.org")
        db.session.commit()
        link, at_home = f"/guest/{sam.token}", f"/guest/{first.token}"
    client.post(f"{link}/confirm")
    page = client.get(link).text
    assert "All places are taken. You're number 1 on the waiting list." in page
    assert "answered yet" not in page
    assert "hasn't answered yet" in client.get(at_home).text  # there, the host has to answer
    page = client.post(f"{link}/cancel", follow_redirects=True).text
    assert "You've cancelled. Changed your mind?" in unescape(page)
    assert "Cancel my request" not in page
