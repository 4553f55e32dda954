"""All parties of a campaign together: exact, read once, shown where there are two."""

from flask import Flask
from sqlalchemy import event

from phonebank.core.db import db
from phonebank.live.board_payload import CampaignTotals, payload
from phonebank.live.board_query import read_figures
from phonebank.live.campaign_totals_cache import KEPT_FOR, CampaignTotalsCache, read_campaign_totals
from phonebank.models import Party, now
from phonebank.tallies import totals
from tests.factories import create_party
from tests.phonebank.live.party_room import Room, open_room


def another_party(room: Room, title: str = "Next door") -> Room:
    party = create_party(room.campaign, room.host, title=title)
    return Room(room.campaign, room.contact_list, room.host, party)


def strip(party: Party) -> str:
    db.session.flush()
    figures = read_figures([party.id])[party.id]
    return payload(figures, read_campaign_totals([party.campaign_id])[party.campaign_id])[
        "all_parties"
    ]


def test_the_strip_sums_the_campaigns_parties_and_no_others(app_context: Flask) -> None:
    room, elsewhere = open_room(), open_room()
    sam = room.join("Sam")
    room.record(sam, conversation=True)
    elsewhere.record(elsewhere.join("Ada"), conversation=True)
    # One party is not all parties.
    assert strip(room.party) == ""
    other = another_party(room)
    kit = other.join("Kit")
    for _ in range(2):
        other.record(kit, conversation=True)
    call = other.record(kit, conversation=True)
    assert strip(room.party) == strip(other.party) == "All parties: 4 conversations"
    other.undo(call)
    assert strip(room.party) == "All parties: 3 conversations"


def test_calls_without_a_party_are_in_no_party(app_context: Flask) -> None:
    room = open_room()
    sam = room.join("Sam")
    totals.add(room.campaign.id, None, sam.id, now(), calls=1, conversations=1)
    assert read_campaign_totals([room.campaign.id]) == {room.campaign.id: CampaignTotals()}
    room.record(sam, conversation=True)
    assert read_campaign_totals([room.campaign.id]) == {room.campaign.id: CampaignTotals(1, 1)}


def test_the_whole_is_never_less_than_its_part(app_context: Flask) -> None:
    room = open_room()
    sam = room.join("Sam")
    for _ in range(5):
        room.record(sam, conversation=True)
    db.session.flush()
    figures = read_figures([room.party.id])[room.party.id]
    assert payload(figures, CampaignTotals(2, 3))["all_parties"] == "All parties: 5 conversations"


def test_a_campaign_is_read_once_for_many_boards(app_context: Flask) -> None:
    rooms = [open_room() for _ in range(2)]
    ids = [room.campaign.id for room in rooms]
    readings, statements = CampaignTotalsCache(), []

    def note(*args: object) -> None:
        statements.append(args[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        for _ in range(50):
            assert set(readings.of([*ids, *ids])) == set(ids)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(statements) == 1


def test_one_who_asks_is_answered_when_another_asks_in_between(app_context: Flask) -> None:
    """A total that was new enough when the first reader began is too old when the second one
    begins, and is dropped."""
    kept, missing = open_room().campaign.id, open_room().campaign.id
    readings = CampaignTotalsCache()
    readings.of([kept])

    def another_asks(*_: object) -> None:
        readings._read = {
            key: (at - KEPT_FOR, together) for key, (at, together) in readings._read.items()
        }
        readings.of([])

    event.listen(db.engine, "before_cursor_execute", another_asks)
    try:
        assert readings.of([kept, missing]) == {kept: CampaignTotals(), missing: CampaignTotals()}
    finally:
        event.remove(db.engine, "before_cursor_execute", another_asks)
