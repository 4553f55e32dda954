"""Events near a place, as strangers meet them."""

import ast
import inspect
import random
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from math import acos, cos, radians, sin
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from phonebank.core.db import db
from phonebank.core.errors import PhonebankError
from phonebank.core.mail import Message
from phonebank.listings import (
    alerts,
    editors,
    guests,
    jobs,
    listings,
    mails,
    offers,
    send,
    still_right,
)
from phonebank.listings.nearest import all_events, nearest
from phonebank.models import (
    AuditEntry,
    Caller,
    CallerState,
    Campaign,
    CampaignState,
    Guest,
    GuestState,
    Listing,
    ListingState,
    MailKind,
    NearAlert,
    Place,
)
from phonebank.movement import kept_parts
from phonebank.movement.kept_pages import KEPT_FOR
from phonebank.movement.kept_parts import PARTS_KEPT_FOR
from phonebank.volunteers.roles import name_editor
from phonebank.volunteers.volunteers import find_or_create
from tests.factories import create_account, create_party
from tests.phonebank.listings.conftest import (
    Evening,
    details,
    evening,
    make_evening,
    sent,
    some_places,
)
from tests.signing_in import sign_in
from tests.whole_evening import (
    ADDRESSES,
    POSTCODE,
    STREET,
    begin_evening,
    cookie_of,
    endpoints,
)

__all__ = ["evening", "sent", "some_places"]  # fixtures

# Parts of the address that nobody but an accepted guest and the host may read.
PRIVATE = ("Marmalade", "SW9 8QQ", "SW98QQ", "Flat 3")


@dataclass
class Stage:
    """The ids of an evening, for tests that sign people in: those hold no app context."""

    campaign_id: int
    listing_id: int
    party_id: int
    host_id: int
    host_email: str
    code: str
    starts_at: datetime


@pytest.fixture
def stage(app: Flask, clean_stores: None, some_places: None) -> Stage:
    with app.app_context():
        made = make_evening()
        return Stage(
            made.campaign.id,
            made.listing.id,
            made.party.id,
            made.host.id,
            made.host.email,
            made.party.code,
            made.listing.starts_at,
        )


@pytest.fixture(autouse=True)
def _nothing_kept(app: Flask) -> None:
    app.extensions["kept_pages"].forget()


def private_in(text: str) -> list[str]:
    return [part for part in PRIVATE if part.lower() in text.lower()]


def shown_on(browser: FlaskClient, page: str) -> dict[str, str]:
    """What the buttons of the first event on a page of checks carry."""
    found = re.search(r'name="shown" value="(\w+)"', browser.get(page).text)
    assert found
    return {"shown": found[1]}


def values_of(listing: Listing) -> dict[str, Any]:
    """The values of a listing, for copies of it without a party."""
    return {
        column.name: getattr(listing, column.name)
        for column in Listing.__table__.columns
        if column.name not in ("id", "party_id")
    }


# Searching -----------------------------------------------------------------------------------


def test_a_search_leads_to_the_district_and_forgets_the_rest(
    client: FlaskClient, evening: Evening
) -> None:
    answer = client.post("/near", data={"place": "sw9 8qq"})
    assert (answer.status_code, answer.location) == (303, "/near/gb/SW9")
    page = client.get("/near/gb/SW9")
    assert evening.listing.title in page.text
    assert "under 1 mile" in page.text
    assert "2 places left" in page.text
    assert "step-free" in page.text
    assert "English" in page.text
    assert "needed most" in page.text
    assert private_in(page.text) == []


def test_what_cannot_be_found_is_said_beside_the_field(
    client: FlaskClient, evening: Evening
) -> None:
    for typed in ("", "D02 X285", "<b>x</b>", "nowhere at all"):
        answer = client.post("/near", data={"place": typed})
        assert answer.status_code == 422
        assert 'id="place-error"' in answer.text
        assert "<b>x</b>" not in answer.text
    assert client.get("/near/gb/NOWHERE").status_code == 404
    assert client.get("/near/fr/75001").status_code == 404


def test_a_public_page_has_no_cookie_and_any_cache_may_keep_it(
    client: FlaskClient, stage: Stage
) -> None:
    sign_in(client, stage.host_id)
    for path in ("/near", "/near/gb", "/near/gb/SW9"):
        answer = client.get(path, headers={"Accept-Encoding": "gzip"})
        assert answer.headers["Cache-Control"] == f"public, max-age={PARTS_KEPT_FOR}"
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers["Vary"]
        again = client.get(
            path, headers={"If-None-Match": answer.headers["ETag"]} | {"Accept-Encoding": "gzip"}
        )
        assert again.status_code == 304
        assert stage.host_email.encode() not in client.get(path).data


def test_a_kept_page_is_drawn_again_after_a_minute(
    client: FlaskClient, evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    title = evening.listing.title
    assert title in client.get("/near/gb/SW9").text
    listings.cancel(evening.listing)
    db.session.commit()
    began, started = time.monotonic(), time.time()
    monkeypatch.setattr(time, "monotonic", lambda: began + KEPT_FOR + 1)
    monkeypatch.setattr(time, "time", lambda: started + KEPT_FOR + 1)
    page = client.get("/near/gb/SW9").text
    assert title not in page
    assert "Host a party here" in page
    assert "Tell me when there is an event" in page


def test_only_running_shown_events_are_found_the_nearest_first(
    app_context: Flask, some_places: None
) -> None:
    here, far = make_evening(code="SW9").listing, make_evening(code="M1").listing
    near = make_evening(code="SE5").listing
    hidden, over, ended = (make_evening(code="SW9") for _ in range(3))
    hidden.listing.state = ListingState.HIDDEN
    over.listing.starts_at = datetime.now(UTC) - timedelta(hours=3)
    ended.campaign.state = CampaignState.ENDED
    make_evening(by_video=True)
    db.session.commit()
    found = nearest((here.latitude, here.longitude), datetime.now(UTC))
    assert [one.event.id for one in found] == [here.id, near.id, far.id]
    assert found[0].km == 0
    assert 1 < found[1].km < 3
    assert 255 < found[2].km < 270


def test_the_nearest_are_those_that_a_second_way_of_counting_finds(
    app_context: Flask, some_places: None
) -> None:
    """The search takes boxes and haversines. This takes every event, and the angle between vectors
    from the middle of the earth."""
    choice, first = random.Random(5), make_evening()
    values = values_of(first.listing)
    rows = [
        values | {"latitude": choice.uniform(50, 58), "longitude": choice.uniform(-6, 2)}
        for _ in range(400)
    ]
    db.session.execute(insert(Listing), rows)
    db.session.commit()

    def vector(latitude: float, longitude: float) -> tuple[float, float, float]:
        lat, lng = radians(latitude), radians(longitude)
        return cos(lat) * cos(lng), cos(lat) * sin(lng), sin(lat)

    every = db.session.execute(select(Listing.latitude, Listing.longitude)).all()
    at = datetime.now(UTC)
    kept = all_events(at)
    assert kept is not None
    assert len(kept.found) == 401
    for _ in range(10):
        point = (choice.uniform(51, 57), choice.uniform(-5, 1))
        angles = [
            acos(min(1.0, sum(a * b for a, b in zip(vector(*point), vector(*row), strict=True))))
            for row in every
        ]
        nearest_ten = [6371 * angle for angle in sorted(angles)[:10]]
        asked = nearest(point, at)
        # Events less than 100 m apart come in the order of their start.
        assert [one.km for one in asked][:10] == pytest.approx(nearest_ten, abs=0.11)
        assert nearest(point, at, kept) == asked


def test_twenty_events_are_found_among_hundreds(app_context: Flask, some_places: None) -> None:
    first = make_evening()
    in_camberwell = values_of(first.listing) | {"latitude": 51.474, "longitude": -0.091}
    starts_at = first.listing.starts_at
    rows = [in_camberwell | {"starts_at": starts_at + timedelta(hours=n)} for n in range(30)]
    db.session.execute(insert(Listing), rows)
    db.session.commit()
    found = nearest((51.469, -0.114), datetime.now(UTC))
    assert found[0].event.id == first.listing.id
    assert len(found) == 20
    starts = [one.event.starts_at for one in found[1:]]
    assert starts == sorted(starts)


def test_the_map_has_a_dot_that_leads_to_a_list_and_no_home(
    client: FlaskClient, evening: Evening
) -> None:
    make_evening(code="M1")
    page = client.get("/near/gb").text
    dots = re.findall(
        r'<a href="(/near/gb/[^"]+)" aria-label="([^"]+)"><circle [^>]*cx="([\d.]+)"', page
    )
    assert {address for address, *_ in dots} == {"/near/gb/SW9", "/near/gb/M1"}
    assert "/static/maps/british-isles.svg" in page
    assert "<script" not in page
    assert private_in(page) == []


def test_a_postcode_in_an_address_is_not_kept(client: FlaskClient, some_places: None) -> None:
    """People paste their whole postcode into an address, and half of it must be forgotten."""
    assert client.get("/near/gb/SW98QQ").status_code == 404
    with client.application.test_request_context():
        assert not [code for _, code in kept_parts._parts().places if "8QQ" in code]


def test_a_map_without_a_dot_is_left_out(client: FlaskClient, evening: Evening) -> None:
    make_evening(code="M1")
    assert "maps/british-isles" not in client.get("/near/gb/EH1").text
    assert "maps/british-isles" in client.get("/near/gb/M1").text
    assert "Phone parties in the United Kingdom" in client.get("/near/gb").text
    germany = client.get("/near/de").text
    assert "no in-person events in Germany" in germany
    assert "maps/germany" not in germany


def test_a_place_that_is_not_known_stays_in_the_field(client: FlaskClient) -> None:
    answer = client.post("/near", data={"place": 'Brixten "X"'})
    assert answer.status_code == 422
    assert 'value="Brixten &#34;X&#34;"' in answer.text


# A guest's way -------------------------------------------------------------------------------


def link_in(message: Message) -> str:
    found = re.search(r"http://localhost(/guest/\S+)", message.text)
    assert found
    return found[1]


def test_a_host_is_not_told_to_send_a_link_after_the_campaign_has_ended(
    app: Flask, client: FlaskClient, stage: Stage
) -> None:
    host = app.test_client()
    sign_in(host, stage.host_id)
    assert "Copy the link" in host.get(f"/parties/{stage.party_id}/guests").text
    with app.app_context():
        link = f"/near/event/{stage.listing_id}"
        db.session.get_one(Campaign, stage.campaign_id).state = CampaignState.ENDED
        db.session.commit()
    page = host.get(f"/parties/{stage.party_id}/guests").text
    assert link not in page
    assert "On the map" not in page
    assert link not in host.get(f"/parties/{stage.party_id}/kit").text
    assert client.get(link).status_code == 410


def test_a_stranger_asks_is_let_come_and_walks_past_the_lobby(
    app: Flask, client: FlaskClient, stage: Stage, sent: list[Message]
) -> None:
    event = f"/near/event/{stage.listing_id}"
    asked = client.post(event, data={"first_name": "Sam", "email": "sam@example.org"})
    assert "sam@example.org" in asked.text
    assert stage.code not in asked.text
    link = link_in(sent[0])
    assert link not in asked.text  # the mail alone shows that the address is Sam's
    assert "Yes, ask Ada" in client.get(link).text
    assert len(sent) == 1  # opening the link confirms nothing
    client.post(f"{link}/confirm").close()
    [to_host] = [message for message in sent if message.to == stage.host_email]
    assert "Sam asks to come" in to_host.subject
    assert "Ada hasn't answered yet" in client.get(link).text

    host = app.test_client()
    sign_in(host, stage.host_id)
    page = host.get(f"/parties/{stage.party_id}/guests").text
    answer = re.search(rf"/parties/{stage.party_id}/guests/\d+/let-come", page)
    assert answer
    host.post(answer[0])
    assert "17 Marmalade Terrace" in client.get(link).text
    calendar = client.get(f"{link}/event.ics").text.replace("\r\n ", "").replace("\\", "")
    assert "17 Marmalade Terrace" in calendar
    joined = client.post(f"{link}/join")
    assert joined.location == f"/join/{stage.code}"
    client.post(joined.location, data={"first_name": "Sam"})
    with app.app_context():
        [guest] = db.session.query(Guest)
        [caller] = db.session.query(Caller)
        assert (guest.caller_id, caller.state) == (caller.id, CallerState.ADMITTED)
    client.post(f"{link}/coming")
    assert "says they" in host.get(f"/parties/{stage.party_id}/guests").text
    client.post(f"{link}/cancel")
    assert "17 Marmalade" not in client.get(link).text


def test_a_host_puts_a_party_on_the_map_moves_it_and_cancels_it(
    app: Flask, client: FlaskClient, stage: Stage, sent: list[Message]
) -> None:
    with app.app_context():
        campaign = db.session.get_one(Campaign, stage.campaign_id)
        host = create_account("host", name="Bea Smith")
        party = create_party(campaign, host, starts_at=stage.starts_at, title="Bea's calls")
        empty = create_party(campaign, host, starts_at=stage.starts_at)
        organiser = create_account("organiser")
        db.session.commit()
        empty_id = empty.id
        party_id, host_id, organiser_id = party.id, host.id, organiser.id
    sign_in(client, host_id)
    page = f"/parties/{party_id}/guests"
    button = re.search(rf'<a [^>]*href="{page}">(.*?)</a>', client.get(f"/parties/{party_id}").text)
    assert button
    assert button[1].endswith("Guests")
    shown = client.get(page).text
    assert re.search(r"<h1[^>]*>Guests", shown), "the page has the name of its button"
    assert "Bea" in shown
    typed = {
        "way": "in_person", "host_name": "Bea", "place": "SE5 1AA", "address": "4 Plum Row",
        "places": "12", "step_free": "no", "languages": "en",
    }  # fmt: skip
    for wrong, words in (
        ({"place": "nowhere"}, "don&#39;t know"),
        ({"places": "many"}, "Not a valid integer"),
        ({"places": "10000"}, "from 1 to 500"),
        ({"address": ""}, "need an address"),
    ):
        refused = client.post(page, data=typed | wrong)
        assert (refused.status_code, words in refused.text) == (422, True), wrong
    assert client.post(page, data=typed).status_code == 303
    waiting = client.get(page).text
    assert "a volunteer who checks parties" in waiting
    assert "Send the link" not in waiting  # it leads nowhere before the check
    kit, public = f"/parties/{party_id}/kit", "The page for people you don't know"
    assert public not in client.get(kit).text
    assert "Bea" not in app.test_client().get("/near/gb/SE5").text

    looks = app.test_client()
    sign_in(looks, organiser_id)
    events = f"/campaigns/{stage.campaign_id}/events"
    assert "Waiting for a check" in looks.get(events).text
    with app.app_context():
        listing_id = db.session.query(Listing).filter_by(party_id=party_id).one().id
    looks.post(f"{events}/{listing_id}/show", data=shown_on(looks, events))
    app.extensions["kept_pages"].forget()
    shown = app.test_client().get("/near/gb/SE5").text
    assert "Bea&#39;s calls" in shown
    assert "Plum Row" not in shown
    assert "Plum Row" not in looks.get(events).text

    settings = f"/parties/{party_id}/settings"
    slip = client.post(settings, data={"title": "At 4 Plum Row", "goal": "20"})
    assert (slip.status_code, "title has the address" in slip.text) == (422, True)
    client.post(settings, data={"title": "Bea calls", "goal": "20"})
    app.extensions["kept_pages"].forget()
    assert "Bea calls" in app.test_client().get("/near/gb/SE5").text
    assert 'value="M1"' in client.get(f"/parties/{empty_id}/guests?near=gb/M1").text

    assert "confirmed today" in client.post(f"{page}/right", follow_redirects=True).text
    past = client.post(f"{page}/move", data={"starts_at": "2020-01-01T19:00"})
    assert (past.status_code, "That time has passed" in past.text) == (422, True)
    moved = client.post(f"{page}/move", data={"starts_at": "2036-03-30T01:30"})  # clocks change
    assert moved.status_code == 303
    assert "Sunday 30 March, 0" in client.get(page).text
    same = client.post(f"{page}/move", data={"starts_at": "2036-03-30T01:30"})
    assert "at this time already" in client.get(same.location).text
    assert "evening, minute by minute" in client.get(kit).text
    assert public in client.get(kit).text
    assert "will get an e-mail" in client.post(f"{page}/cancel", follow_redirects=True).text
    assert "Cancelled" in client.get(page).text
    again = client.post(f"{page}/cancel", follow_redirects=True).text
    assert "The party is cancelled already. Nobody gets an e-mail." in again
    assert "will get an e-mail" not in again


def test_an_event_is_cancelled_once(app: Flask, client: FlaskClient, stage: Stage) -> None:
    with app.app_context():
        organiser_id = create_account("organiser").id
        db.session.commit()
    sign_in(client, organiser_id)
    address = f"/campaigns/{stage.campaign_id}/events/{stage.listing_id}/cancel"
    cancelled = client.post(address, follow_redirects=True).text
    assert "Cancelled. Every guest will get an e-mail." in cancelled
    again = client.post(address, follow_redirects=True).text
    assert "The event is cancelled already. Nobody gets an e-mail." in again
    assert "Every guest will get an e-mail." not in again
    with app.app_context():
        recorded = db.session.scalars(select(AuditEntry.action)).all()
    assert recorded.count("event cancelled") == 1


def test_an_organiser_hides_an_event_and_its_guests_still_come(
    app: Flask, client: FlaskClient, stage: Stage
) -> None:
    with app.app_context():
        guest = guests.ask(db.session.get_one(Listing, stage.listing_id), "Sam", "sam@example.org")
        guests.confirm(guest)
        guests.let_come(db.session.get_one(Listing, stage.listing_id), guest.id)
        organiser_id = create_account("organiser").id
        db.session.commit()
        link = f"/guest/{guest.token}"
    sign_in(client, organiser_id)
    events = f"/campaigns/{stage.campaign_id}/events"
    client.post(f"{events}/{stage.listing_id}/hide", data=shown_on(client, events))
    assert f"/near/event/{stage.listing_id}" not in client.get("/near/gb/SW9").text
    assert client.get(f"/near/event/{stage.listing_id}").status_code == 410
    assert "17 Marmalade" in client.get(link).text
    client.post(f"{events}/{stage.listing_id}/show", data=shown_on(client, events))
    assert client.get(f"/near/event/{stage.listing_id}").status_code == 200


def test_the_events_of_an_ended_campaign_are_not_said_to_be_found(
    app: Flask, client: FlaskClient, stage: Stage
) -> None:
    with app.app_context():
        organiser_id = create_account("organiser").id
        db.session.commit()
    sign_in(client, organiser_id)
    events = f"/campaigns/{stage.campaign_id}/events"
    ended = "This campaign has ended, so people can&#39;t find its events."
    assert (">On the map<" in client.get(events).text, ended in client.get(events).text) == (1, 0)
    with app.app_context():
        db.session.get_one(Campaign, stage.campaign_id).state = CampaignState.ENDED
        db.session.get_one(Listing, stage.listing_id).state = ListingState.HIDDEN
        db.session.commit()
    address = f"{events}/{stage.listing_id}/show"
    shown = client.post(address, data=shown_on(client, events), follow_redirects=True).text
    assert "Nobody can find this event, because the campaign has ended." in shown
    assert (">On the map<" in shown, ended in shown) == (0, 1)
    assert f"/near/event/{stage.listing_id}" not in client.get("/near/gb/SW9").text


def test_an_organiser_puts_a_training_on_the_map_and_guests_have_their_place_at_once(
    app: Flask, client: FlaskClient, stage: Stage, sent: list[Message]
) -> None:
    with app.app_context():
        organiser_id = create_account("organiser", name="Olive").id
        db.session.commit()
    sign_in(client, organiser_id)
    events = f"/campaigns/{stage.campaign_id}/events"
    typed = {
        "kind": "training", "title": "How to call", "starts_at": "2036-05-01T19:00",
        "host_name": "Olive", "place": "SE5", "address": "Library, 4 Plum Row", "places": "1",
    }  # fmt: skip
    for wrong in ({"starts_at": "2020-01-01T19:00"}, {"place": "nowhere"}, {"places": "0"}):
        assert client.post(f"{events}/new", data=typed | wrong).status_code == 422
    assert client.post(f"{events}/new", data=typed).status_code == 302
    stranger = app.test_client()
    page = stranger.get("/near/gb/SE5").text
    assert "Training with Olive" in page
    assert "Plum Row" not in page
    with app.app_context():
        event_id = db.session.query(Listing).filter_by(title="How to call").one().id
    for name in ("Sam", "Ann"):
        asked = {"first_name": name, "email": f"{name.lower()}@example.org"}
        stranger.post(f"/near/event/{event_id}", data=asked)
        link = link_in(sent[-1])
        assert "Plum Row" not in stranger.get(link).text
        stranger.post(f"{link}/confirm").close()
        assert ("Plum Row" in stranger.get(link).text) == (name == "Sam")
    assert "number 1 on the waiting list" in stranger.get(link).text
    moved = {"starts_at": "2036-05-02T19:00"}
    for said in ("Moved. Every guest", "is at that time already. Nobody gets"):
        page = client.post(f"{events}/{event_id}/move", data=moved, follow_redirects=True).text
        assert said in page
        assert "Friday 2 May" in page
    client.post(f"{events}/{event_id}/cancel")
    assert "cancelled" in stranger.get(link).text


def test_at_a_video_event_the_code_comes_at_once(
    client: FlaskClient, app_context: Flask, some_places: None, sent: list[Message]
) -> None:
    evening = make_evening(by_video=True, places=1)
    event = f"/near/event/{evening.listing.id}"
    code = evening.party.code
    first = client.post(event, data={"first_name": "Sam", "email": "sam@example.org"})
    assert f"/join/{code}" in first.text
    second = client.post(event, data={"first_name": "Ann", "email": "ann@example.org"})
    assert code not in second.text
    assert "waiting list" in second.text


def test_bad_input_is_refused_in_words(
    client: FlaskClient, evening: Evening, sent: list[Message]
) -> None:
    event = f"/near/event/{evening.listing.id}"
    for data, words in (
        ({"first_name": "", "email": "sam@example.org"}, "Type your first name"),
        ({"first_name": "Sam", "email": "nobody"}, "isn&#39;t an e-mail address"),
        ({"first_name": "wanker", "email": "sam@example.org"}, "can&#39;t show that name"),
    ):
        answer = client.post(event, data=data)
        assert (answer.status_code, words in answer.text) == (422, True), answer.text
    name = "<script>alert(1)</script>"
    answer = client.post(event, data={"first_name": name, "email": "sam@example.org"})
    assert name not in answer.text
    assert client.get("/guest/guessed").status_code == 404
    assert client.post("/guest/guessed/confirm").status_code == 404
    assert client.get("/near/event/999").status_code == 404
    assert client.post(f"{event}/report", data={"reason": "x"}).status_code == 422
    assert "Thank you" in client.post(f"{event}/report", data={"reason": "hoax"}).text
    tell = client.post("/near/gb/M1/tell-me", data={"email": "near@example.org"})
    assert "We&#39;ll tell you" in tell.text
    assert db.session.query(NearAlert).count() == 1


# Nobody but an accepted guest ------------------------------------------------------------------


ACTS = {
    "confirm": lambda listing, guest: guests.confirm(guest),
    "let come": lambda listing, guest: guests.let_come(listing, guest.id),
    "let come too": lambda listing, guest: guests.let_come(listing, guest.id),
    "cancel": lambda listing, guest: guests.cancel(guest),
    "refuse": lambda listing, guest: guests.refuse(listing, guest.id),
    "block": lambda listing, guest: guests.block(listing, guest.id),
    "move": lambda listing, _: listings.move(listing, listing.starts_at + timedelta(minutes=30)),
    "more": lambda listing, _: listings.change_details(listing, details(places=4)),
}


def act(dice: random.Random, listing: Listing, email: str) -> None:
    guest = db.session.query(Guest).filter_by(email=email).first()
    try:
        if guest is None or guest.state == GuestState.CANCELLED:
            guests.ask(listing, email.split("@")[0], email)
        else:
            ACTS[dice.choice(list(ACTS))](listing, guest)
    except PhonebankError as refused:
        db.session.rollback()
        assert private_in(str(refused)) == []
    db.session.commit()


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.load) for seed in range(2, 30))]
)
def test_no_answer_to_anybody_but_an_accepted_guest_has_the_address(
    client: FlaskClient, evening: Evening, seed: int
) -> None:
    """After each of many random acts, every guest asks for everything that could show it."""
    dice = random.Random(seed)
    sent: list[Message] = []
    people = [f"guest{number}@example.org" for number in range(3)]
    seen: set[bool] = set()
    first = guests.ask(evening.listing, "Sam", people[0])
    guests.confirm(first)
    guests.let_come(evening.listing, first.id)
    for turn in range(16):
        if turn:
            act(dice, evening.listing, dice.choice(people))
        db.session.commit()
        accepted = set()
        for guest in db.session.query(Guest).all():
            may = guest.state == GuestState.ACCEPTED
            accepted |= {guest.email} if may else set()
            seen.add(may)
            link = f"/guest/{guest.token}"
            for path in (link, f"{link}/event.ics"):
                answer = client.get(path).text.replace("\r\n ", "").replace("\\", "")
                assert bool(private_in(answer)) == may, path
        while send.send_next(datetime.now(UTC), sent.append):
            pass
        for message in sent:
            assert message.to in accepted or not private_in(message.text), message.subject
        sent.clear()
    assert True in seen  # the test has seen the address where it may be


def test_an_organiser_changes_a_party_without_seeing_its_address(app: Flask, stage: Stage) -> None:
    with app.app_context():
        organiser_id = create_account("organiser").id
        db.session.commit()
    organiser, host = app.test_client(), app.test_client()
    sign_in(organiser, organiser_id)
    sign_in(host, stage.host_id)
    page = f"/parties/{stage.party_id}/guests"
    assert private_in(organiser.get(page).text) == []
    typed = {
        "way": "in_person", "host_name": "Ada", "place": "SW9", "address": "", "places": "5",
        "step_free": "yes", "languages": "en",
    }  # fmt: skip
    assert organiser.post(page, data=typed).status_code == 303
    assert private_in(host.get(page).text)


@pytest.mark.pages
@pytest.mark.parametrize("who", ["organiser", "volunteer"])
def test_no_page_gives_an_organiser_or_a_volunteer_who_checks_events_the_address(
    app: Flask, clean_stores: None, who: str
) -> None:
    """`tests/test_privacy.py` asks for every address as hosts, callers and strangers."""
    with app.app_context():
        evening = begin_evening()
    client = app.test_client()
    client.set_cookie("session", cookie_of(app, evening.cookies[who]))
    shown, seen = set(), 0
    for endpoint in sorted(endpoints(app) & set(ADDRESSES)):
        answer = client.get(ADDRESSES[endpoint](evening))
        seen += answer.status_code == 200
        text = answer.get_data().decode(errors="replace")
        if any(part in text for part in (STREET, POSTCODE, STREET.replace(" ", "+"))):
            shown.add(endpoint)
    assert seen > (80 if who == "organiser" else 25)
    # A person with the link of an accepted guest counts as that guest.
    assert shown == {"guest.show", "guest.calendar"}


def makers_of_mail() -> set[str]:
    """The functions that make an e-mail about a listing, by their source."""
    found = set()
    for path in Path(listings.__file__).parent.glob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and any(
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id == "Message"
                for call in ast.walk(function)
            ):
                found.add(f"{path.stem}.{function.name}")
    return found


def test_no_email_to_anybody_but_an_accepted_guest_has_the_address(
    app: Flask, evening: Evening, sent: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every function that makes an e-mail about a listing makes one here."""
    tried = set()

    def note(*args: Any, **values: Any) -> Message:
        caller = inspect.stack()[1]
        tried.add(f"{Path(caller.filename).stem}.{caller.function}")
        return Message(*args, **values)

    for module in (mails, editors, offers, still_right, send):
        monkeypatch.setattr(module, "Message", note)
    listing = evening.listing
    guest = guests.ask(listing, "Sam", "sam@example.org")
    guests.confirm(guest)
    listing.starts_at = datetime.now(UTC) + timedelta(days=1)
    listing.created_at = datetime.now(UTC) - timedelta(days=3)
    listing.returned_because = "The title says nothing."
    place = db.session.scalars(select(Place).where(Place.code == "SE5")).one()
    alerts.wait_for_event("near@example.org", place)
    day = datetime.now(UTC).date() + timedelta(days=9)
    offer = offers.make_offer(
        evening.campaign, place, "Vik", "vik@example.org", day, clock_time(19, 30)
    )
    db.session.commit()
    waiting = make_evening(campaign=evening.campaign, host=evening.host).listing
    waiting.state, waiting.checked_at = ListingState.WAITING, None
    find_or_create("ed@example.org", "Ed")
    name_editor(evening.campaign, "ed@example.org", "Ed", place, 30)
    db.session.commit()
    [editor] = editors.editors_to_tell(datetime.now(UTC))
    sent += [
        editors.message_to_editor(editor),
        offers.refused_message(offer),
        mails.confirm_message(guest, listing),
        mails.message_to_host(evening.host.email, guest, listing, "https://example.org"),
        editors.message_to_host(listing),
        still_right.question_to_host(listing),
        offers.confirm_offer_message(offer),
        *(mails.message_to_guest(kind, guest, listing, datetime.now(UTC)) for kind in MailKind),
    ]
    jobs.send_due_reminders()
    assert tried == makers_of_mail()
    for message in sent:
        files = "".join(file.content.decode() for file in message.attachments)
        written = message.subject + message.text + files.replace("\r\n ", "").replace("\\", "")
        assert private_in(written) == [], message.subject
    guests.let_come(listing, guest.id)
    coming = mails.message_to_guest(MailKind.ACCEPTED, guest, listing, datetime.now(UTC))
    assert private_in(coming.text)  # the search finds what it looks for


# What a page says is so ----------------------------------------------------------------------


def test_a_guests_page_says_only_what_is_so(
    app: Flask, client: FlaskClient, stage: Stage, sent: list[Message]
) -> None:
    event = f"/near/event/{stage.listing_id}"
    client.post(event, data={"first_name": "Sam", "email": "sam@example.org"})
    link = link_in(sent[0])
    client.post(f"{link}/confirm").close()
    page = client.get(link).text
    assert "Cancel my request" in page
    assert "can then have your place" not in page
    # The button of an earlier page: Sam has no place any more.
    assert "See you there" not in client.post(f"{link}/coming", follow_redirects=True).text
    with app.app_context():
        [guest] = db.session.query(Guest)
        listing = db.session.get_one(Listing, stage.listing_id)
        guests.let_come(listing, guest.id)
        db.session.commit()
    assert "Cancel my place" in client.get(link).text
    assert "See you there" in client.post(f"{link}/coming", follow_redirects=True).text
    assert "Ask again" in client.post(f"{link}/cancel", follow_redirects=True).text
    with app.app_context():
        db.session.get_one(Listing, stage.listing_id).state = ListingState.HIDDEN
        db.session.commit()
    assert "Ask again" not in client.get(link).text  # the event's page would say no


def test_who_waits_gets_a_place_when_the_host_offers_more(
    app: Flask, client: FlaskClient, stage: Stage, sent: list[Message]
) -> None:
    with app.app_context():
        made = make_evening(by_video=True, places=1)
        listing_id, party_id, host_id = made.listing.id, made.party.id, made.host.id
    said = []
    for name in ("Ann", "Bob", "Cem"):
        typed = {"first_name": name, "email": f"{name}@example.org"}
        said.append(client.post(f"/near/event/{listing_id}", data=typed).text)
    assert "to your own page, which shows this code" in said[0]
    assert (
        "All places are taken. If you get a place" in client.get(f"/near/event/{listing_id}").text
    )
    assert "on the waiting list" in said[1]
    host = app.test_client()
    sign_in(host, host_id)
    more = {
        "way": "by_video", "host_name": "Ada", "place": "SW9", "address": "", "places": "2",
        "step_free": "unknown", "languages": "en",
    }  # fmt: skip
    assert host.post(f"/parties/{party_id}/guests", data=more).status_code == 303
    with app.app_context():
        states = {guest.first_name: guest.state for guest in db.session.query(Guest)}
    assert states == {
        "Ann": GuestState.ACCEPTED,
        "Bob": GuestState.ACCEPTED,
        "Cem": GuestState.QUEUED,
    }


def test_a_refused_guest_who_asks_again_by_video_is_not_put_on_a_waiting_list(
    app: Flask, client: FlaskClient, stage: Stage
) -> None:
    with app.app_context():
        listing = make_evening(by_video=True).listing
        guest = guests.ask(listing, "Sam", "sam@example.org")
        guests.refuse(listing, guest.id)
        db.session.commit()
        listing_id = listing.id
    typed = {"first_name": "Sam", "email": "sam@example.org"}
    page = client.post(f"/near/event/{listing_id}", data=typed).text
    assert "waiting list" not in page
    assert "The host has your request" in page
