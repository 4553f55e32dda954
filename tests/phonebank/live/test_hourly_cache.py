"""The last hour in bars: which bar a call is in, and how seldom the hour is read."""

from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import event, func, select

from phonebank.core.db import db
from phonebank.live.board_payload import NO_CALLS
from phonebank.live.hourly_cache import AT_ONCE, HourlyCache, read_hours
from phonebank.live.request_coalescer import BoardCoalescer
from phonebank.models import Call, now
from tests.phonebank.live.party_room import Room, open_room


def hour_of(room: Room) -> list[int]:
    db.session.flush()
    return read_hours([room.party.id])[room.party.id]


def test_each_call_is_in_its_five_minutes_and_old_ones_in_none(app_context: Flask) -> None:
    room, other = open_room(), open_room()
    sam = room.join("Sam")
    for minutes in (0, 1, 4, 6, 59, 61, 300):
        room.record(sam, at=now() - timedelta(minutes=minutes))
    other.record(other.join("Elsewhere"))
    assert hour_of(room) == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3]
    # Recorded by a machine whose clock is ahead.
    room.record(sam, at=now() + timedelta(minutes=7))
    assert hour_of(room)[-1] == 4


def test_what_was_undone_or_does_not_count_is_in_no_bar(app_context: Flask) -> None:
    room = open_room()
    sam = room.join("Sam")
    room.undo(room.record(sam))
    room.record(room.join("Kit")).counted = False
    assert sum(hour_of(room)) == 0


def test_an_hour_is_read_every_ten_seconds_and_many_not_at_once(app_context: Flask) -> None:
    room = open_room()
    sam = room.join("Sam")
    room.record(sam)
    db.session.flush()
    parties = [room.party.id, *range(1000, 1000 + 3 * AT_ONCE)]
    read: list[int] = []

    def note(*args: Any) -> None:
        if "seconds" in args[3]:
            read.append(len(args[3]["party_ids"]))

    # As if ten seconds were over at once.
    readings, hurried = HourlyCache(), HourlyCache(kept_for=0)
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert sum(readings.of(room.party.id)) == 0
        for kept in (readings, hurried):
            kept.refresh(parties)
        room.record(sam)
        db.session.flush()
        for _ in range(4):
            readings.refresh(parties)
            hurried.refresh(parties)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert read == [AT_ONCE, AT_ONCE, AT_ONCE, 1] * 2 + [AT_ONCE] * 4
    assert sum(readings.of(room.party.id)) == 1
    # Each had its turn.
    assert sum(hurried.of(room.party.id)) == 2


def test_an_older_reading_does_not_take_the_place_of_a_newer_one(app_context: Flask) -> None:
    """A reading of many boards may take so long that one of them is read again meanwhile."""
    room = open_room()
    sam = room.join("Sam")
    room.record(sam)
    db.session.flush()
    readings = HourlyCache(kept_for=0)
    begun: list[object] = []

    def another_is_quicker(*args: Any) -> None:
        """Once the slow one has its answer."""
        if "seconds" in args[3] and not begun:
            begun.append(True)
            room.record(sam)
            db.session.flush()
            readings.refresh([room.party.id])
            assert sum(readings.of(room.party.id)) == 2

    event.listen(db.engine, "after_cursor_execute", another_is_quicker)
    try:
        readings.refresh([room.party.id])
    finally:
        event.remove(db.engine, "after_cursor_execute", another_is_quicker)
    assert sum(readings.of(room.party.id)) == 2


def test_an_hour_that_cannot_be_read_keeps_no_board_waiting(app_context: Flask) -> None:
    room = open_room()
    room.record(room.join("Sam"))
    db.session.commit()
    tried: list[bool] = []

    def fail(*args: Any) -> tuple[str, Any]:
        if "seconds" not in args[3]:
            return args[2], args[3]
        tried.append(True)
        return "SELECT 1/0", ()

    readings = BoardCoalescer()
    event.listen(db.engine, "before_cursor_execute", fail, retval=True)
    try:
        for _ in range(3):
            found = readings.of(room.party.id)
            assert found
            assert (found.figures.calls, found.hour) == (1, NO_CALLS)
            # The transaction that it failed in is over.
            assert db.session.scalar(select(func.count()).select_from(Call)) == 1
    finally:
        event.remove(db.engine, "before_cursor_execute", fail)
    # Nor is it tried for every board.
    assert len(tried) == 1
