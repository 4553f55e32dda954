"""Places between the parties of a campaign."""

from flask import Flask

from phonebank.parties.standings import standings
from tests.phonebank.live.party_room import open_room, party_with


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
