"""Tests the words that a caller reads after a call to be glad of."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from callers.views.page_data import toast_of
from phonebank.core.db import db
from phonebank.models import Caller, now
from phonebank.tallies.totals import hour_of
from tests.phonebank.live.party_room import Room, open_room


@pytest.fixture
def room(app_context: Flask) -> Iterator[Room]:
    with app_context.test_request_context():
        yield open_room(goal=4)


def joy_after(room: Room, caller: Caller, **call: Any) -> str:
    """What the caller reads after a call like this."""
    room.record(caller, **call)
    toast = toast_of(caller)
    assert toast
    return toast.joy


def test_the_first_conversation_and_the_first_yes_are_told_once(room: Room) -> None:
    sam = room.join("Sam")
    assert joy_after(room, sam) == ""
    assert joy_after(room, sam, conversation=True) == "Your first conversation!"
    assert joy_after(room, sam, conversation=True, yes=True) == "Your first yes!"
    assert joy_after(room, sam) == ""
    assert joy_after(room, room.join("Kit"), conversation=True, yes=True) == "Your first yes!"


def test_each_caller_hears_of_the_teams_goal_after_their_own_next_call(room: Room) -> None:
    sam, kit, late = room.join("Sam"), room.join("Kit"), room.join("Late")
    joy_after(room, sam)
    for _ in range(3):
        assert not joy_after(room, kit, conversation=True).startswith("Your team")
    told = "Your team has reached its goal: 4 conversations!"
    assert joy_after(room, kit, conversation=True) == told
    assert joy_after(room, sam) == told
    assert joy_after(room, sam) == ""
    assert joy_after(room, kit, conversation=True) == ""
    # Whose first call began after that had no part in it.
    assert joy_after(room, late, at=now() + timedelta(minutes=1)) == ""
    # A raised goal is another goal.
    room.party.goal = 6
    db.session.flush()
    assert "6 conversations" in joy_after(room, kit, conversation=True)


def test_a_best_hour_is_told_when_it_is_better_than_all_before(room: Room) -> None:
    sam = room.join("Sam")
    room.party.goal = 50
    before = hour_of(now()) - timedelta(minutes=30)
    for _ in range(2):
        room.record(sam, conversation=True, at=before)
    db.session.flush()
    assert [joy_after(room, sam, conversation=True) for _ in range(4)] == [
        "",
        "",
        "Your best hour so far: 3 conversations.",
        "",
    ]


def test_an_hour_with_fast_conversations_is_no_best_one(room: Room) -> None:
    sam = room.join("Sam")
    room.party.goal = 50
    before = hour_of(now()) - timedelta(minutes=30)
    for _ in range(2):
        room.record(sam, conversation=True, at=before)
    assert [joy_after(room, sam, conversation=True, too_fast=True) for _ in range(3)] == [""] * 3
