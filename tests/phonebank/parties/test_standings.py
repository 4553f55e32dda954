"""Places between the parties of a campaign."""

from flask import Flask
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.parties.standings import standings
from tests.factories import create_account, create_party
from tests.phonebank.live.party_room import Room, open_room
from tests.signing_in import sign_in


def party_with(room: Room, title: str, conversations: int, too_fast: int = 0) -> None:
    party = create_party(room.campaign, room.host, title=title)
    here = Room(room.campaign, room.contact_list, room.host, party)
    caller = here.join("Sam")
    here.record(caller)
    for number in range(conversations + too_fast):
        here.record(caller, conversation=True, too_fast=number >= conversations)


def test_ties_share_a_place_and_nobody_is_last(app_context: Flask) -> None:
    room = open_room()
    for title, conversations in (("Attic", 2), ("Barn", 3), ("Cellar", 2), ("Den", 0)):
        party_with(room, title, conversations)
    party_with(room, "Eaves", 1, too_fast=9)
    assert [(row["place"], row["names"], row["conversations"]) for row in
            standings(room.campaign.id)] == [
        (1, "Barn", 3), (2, "Attic and Cellar", 2), (4, "Eaves", 1),
    ]  # fmt: skip


def test_places_end_after_the_fifth(app_context: Flask) -> None:
    room = open_room()
    for number in range(1, 8):
        party_with(room, f"Party {number}", number)
    assert [row["place"] for row in standings(room.campaign.id)] == [1, 2, 3, 4, 5]


def test_one_party_alone_has_no_places(app_context: Flask) -> None:
    room = open_room()
    party_with(room, "Attic", 2)
    assert standings(room.campaign.id) == []


def test_hosts_see_them_and_not_another_campaigns(client: FlaskClient, app: Flask) -> None:
    with app.app_context():
        room, elsewhere = open_room(), open_room()
        party_with(room, "Attic <b>", 2)
        party_with(room, "Barn", 1)
        party_with(elsewhere, "Castle", 5)
        db.session.commit()
        party_id, host_id = room.party.id, room.host.id
    sign_in(client, host_id)
    page = client.get(f"/parties/{party_id}").text
    assert "Parties with the most conversations" in page
    assert "Attic &lt;b&gt;" in page
    assert "Castle" not in page


def test_organisers_see_them_on_the_campaigns_page(client: FlaskClient, app: Flask) -> None:
    with app.app_context():
        room = open_room()
        party_with(room, "Attic", 1)
        party_with(room, "Barn", 2)
        organiser = create_account("organiser")
        db.session.commit()
        campaign_id, organiser_id = room.campaign.id, organiser.id
    sign_in(client, organiser_id)
    page = client.get(f"/campaigns/{campaign_id}").text
    ranking = page.split("Parties with the most conversations")[1]
    assert 0 <= ranking.index("Barn") < ranking.index("Attic")
