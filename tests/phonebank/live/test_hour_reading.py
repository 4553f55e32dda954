"""The last hour in bars: which calls are in which, and how seldom it is read."""

from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import event

from phonebank.live.hour_reading import AGAIN_AT_MOST, HourReadings, read_hours
from phonebank.models import now
from phonebank.stores import db
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
    parties = [room.party.id, *range(1000, 1000 + 3 * AGAIN_AT_MOST)]
    read: list[int] = []

    def note(*args: Any) -> None:
        if "seconds" in args[3]:
            read.append(len(args[3]["party_ids"]))

    # As if ten seconds were over at once.
    readings, hurried = HourReadings(), HourReadings(kept_for=0)
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
    assert read == [len(parties)] * 2 + [AGAIN_AT_MOST] * 4
    assert sum(readings.of(room.party.id)) == 1
    # Each had its turn.
    assert sum(hurried.of(room.party.id)) == 2
