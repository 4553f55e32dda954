"""What a host may do with a party and the people in it."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from phonebank.core.db import db
from phonebank.core.errors import (
    ConflictError,
    GoneError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
)
from phonebank.models import Call, CallEnding, CallerState, CampaignState, now
from phonebank.parties import participants, services
from phonebank.roster.admit import admit, admit_all, set_door
from phonebank.roster.remove import remove
from tests.factories import create_account, create_campaign
from tests.phonebank.live.party_room import Room, open_room


@pytest.fixture
def room(app_context: Flask) -> Room:
    return open_room()


def test_a_host_may_run_their_own_parties_and_an_organiser_all(room: Room) -> None:
    organiser, stranger = create_account("organiser"), create_account("host")
    assert services.party_for(room.host, room.party.id) is room.party
    assert services.party_for(organiser, room.party.id) is room.party
    for party_id in (room.party.id, 12345):
        with pytest.raises(NotFoundError):
            services.party_for(stranger, party_id)
    assert services.parties_of(stranger) == []
    assert services.parties_of(room.host) == services.parties_of(organiser) == [room.party]


def test_parties_that_have_ended_come_last(room: Room) -> None:
    ended = services.create_party(room.host, room.campaign.id, "Wednesday", 30)
    later = services.create_party(room.host, room.campaign.id, "Thursday", 30)
    services.end_party(ended)
    later.starts_at = now() + timedelta(days=1)
    ended.starts_at = now() + timedelta(days=2)
    assert services.parties_of(room.host) == [later, room.party, ended]


def test_a_host_makes_parties_for_campaigns_given_to_them(room: Room) -> None:
    party = services.create_party(room.host, room.campaign.id, " Wednesday ", 30)
    assert (party.title, party.goal, party.state, party.door_open) == (
        "Wednesday",
        30,
        "open",
        False,
    )
    assert party.code != room.party.code
    other = create_campaign()
    with pytest.raises(NotAllowedError):
        services.create_party(room.host, other.id, "Wednesday", 30)
    assert services.create_party(create_account("organiser"), other.id, "Wednesday", 30)


def test_a_campaign_that_has_ended_gets_no_party(room: Room) -> None:
    room.campaign.state = CampaignState.ENDED
    with pytest.raises(NotAllowedError):
        services.create_party(room.host, room.campaign.id, "Wednesday", 30)


@pytest.mark.parametrize(
    ("title", "goal"), [("", 30), ("x" * 41, 30), ("Fine", 0), ("Fine", -1), ("Fine", 100_001)]
)
def test_a_party_that_cannot_be_is_refused(room: Room, title: str, goal: int) -> None:
    with pytest.raises(InvalidInputError):
        services.create_party(room.host, room.campaign.id, title, goal)


def test_a_code_finds_its_party_however_it_is_typed(room: Room) -> None:
    code = room.party.code
    for typed in (code, code.lower(), f" {code[:3]} {code[3:]} ", f"{code[:3]}-{code[3:]}"):
        assert services.party_by_code(typed) is room.party


@pytest.mark.parametrize("typed", ["", "ABC", "AAAAAA'; DROP TABLE party", "\U0001f339" * 6])
def test_an_unknown_code_says_to_ask_the_host(room: Room, typed: str) -> None:
    with pytest.raises(NotFoundError) as refused:
        services.party_by_code(typed)
    assert "host" in refused.value.what_to_do


def test_the_code_of_an_ended_party_says_so_until_it_is_used_again(room: Room) -> None:
    services.end_party(room.party)
    db.session.flush()
    with pytest.raises(GoneError):
        services.party_by_code(room.party.code)
    again = services.create_party(room.host, room.campaign.id, "Again", 30)
    again.code = room.party.code
    db.session.flush()
    assert services.party_by_code(room.party.code) is again


def test_a_new_code_closes_the_old_one(room: Room) -> None:
    old = room.party.code
    services.change_code(room.party)
    db.session.flush()
    with pytest.raises(NotFoundError):
        services.party_by_code(old)
    assert services.party_by_code(room.party.code) is room.party


def test_a_locked_party_takes_nobody_new(room: Room) -> None:
    services.refuse_newcomers(room.party)
    services.lock(room.party)
    with pytest.raises(ConflictError):
        services.refuse_newcomers(room.party)
    services.unlock(room.party)
    services.refuse_newcomers(room.party)


def test_an_ended_party_is_over_for_good(room: Room) -> None:
    services.end_party(room.party)
    ended_at = room.party.ended_at
    services.end_party(room.party)
    assert room.party.ended_at == ended_at
    with pytest.raises(GoneError):
        services.refuse_newcomers(room.party)
    for action in (
        services.lock,
        services.unlock,
        services.start_break,
        services.end_break,
        services.change_code,
    ):
        with pytest.raises(ConflictError):
            action(room.party)


def test_a_new_board_link_ends_the_old_one(room: Room) -> None:
    old = room.party.board_token
    assert services.party_by_board_token(old) is room.party
    services.change_board_link(room.party)
    db.session.flush()
    with pytest.raises(GoneError):
        services.party_by_board_token(old)
    assert services.party_by_board_token(room.party.board_token) is room.party


def test_a_break_ends_by_itself_or_when_the_host_ends_it(room: Room) -> None:
    party, later = room.party, now() + timedelta(hours=2)
    for minutes in (0, -5, 61):
        with pytest.raises(InvalidInputError):
            services.start_break(party, minutes)
    assert not party.is_paused(now())
    services.start_break(party, 10)
    assert party.is_paused(now())
    assert not party.is_paused(party.break_until)
    assert 540 < party.break_left(now()) <= 600
    assert party.break_left(party.break_until - timedelta(seconds=1.5)) == 2
    services.start_break(party)
    assert (party.break_left(now()), party.is_paused(later)) == (0, True)
    services.start_break(party, 5)
    assert not party.is_paused(later)
    services.end_break(party)
    assert not party.is_paused(now())


def test_callers_are_let_in_one_by_one_or_all_at_once(room: Room) -> None:
    first, *others = [
        room.join(name, state=CallerState.WAITING) for name in ("Sam", "Priya", "Kit")
    ]
    admit([first])
    assert first.state == CallerState.ADMITTED
    assert [caller.first_name for caller in participants.waiting_callers(room.party)] == [
        "Priya",
        "Kit",
    ]
    assert admit_all(room.party) == 2
    assert all(caller.state == CallerState.ADMITTED for caller in others)
    assert admit_all(room.party) == 0


def test_opening_the_door_lets_in_those_who_wait(room: Room) -> None:
    sam = room.join("Sam", state=CallerState.WAITING)
    set_door(room.party, True)
    assert (sam.state, room.party.door_open) == (CallerState.ADMITTED, True)
    set_door(room.party, False)
    assert (sam.state, room.party.door_open) == (CallerState.ADMITTED, False)


def test_a_removed_caller_loses_their_device_and_whom_they_held(room: Room) -> None:
    set_door(room.party, True)
    sam = room.join("Sam")
    room.record(sam, conversation=True)
    held = room.hand_out(sam)
    device = sam.device_token
    remove(sam)
    db.session.flush()
    db.session.refresh(held)
    assert sam.state == CallerState.REMOVED
    assert sam.device_token != device
    assert (held.ending, held.ended_at is not None) == (CallEnding.TAKEN_AWAY, True)
    recorded = select(Call).where(Call.counted, Call.caller_id == sam.id)
    assert len(db.session.scalars(recorded).all()) == 1
    # Through an open door they would walk straight back in.
    assert not room.party.door_open
    with pytest.raises(NotFoundError):
        participants.caller_in(room.party, sam.id)
    admit([sam])
    assert sam.state == CallerState.REMOVED


def test_a_host_reaches_only_callers_of_their_own_party(room: Room) -> None:
    stranger = open_room().join("Elsewhere")
    with pytest.raises(NotFoundError):
        participants.caller_in(room.party, stranger.id)


def test_the_roster_has_everyone_who_is_in_with_their_share(room: Room) -> None:
    sam = room.join("sam")
    room.join("Ada")
    room.join("Waiting", state=CallerState.WAITING)
    room.record(sam, conversation=True)
    room.record(sam)
    assert [
        (guest.caller.first_name, guest.conversations, guest.calls)
        for guest in participants.guests(room.party)
    ] == [("Ada", 0, 0), ("sam", 1, 2)]


def test_names_on_the_board_are_as_clean_as_any(room: Room) -> None:
    sam = room.join("Sam")
    participants.rename_caller(sam, " Sammy ")
    assert sam.first_name == "Sammy"
    with pytest.raises(InvalidInputError):
        participants.rename_caller(sam, "x" * 500)
    assert sam.first_name == "Sammy"


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 201])
def test_a_message_that_cannot_be_read_is_refused(room: Room, text: str) -> None:
    with pytest.raises(InvalidInputError):
        participants.send_message(room.party, text)
