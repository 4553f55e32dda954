"""Parties that nobody ended end by themselves, and no others."""

from datetime import timedelta

from flask import Flask

from phonebank.core.db import db
from phonebank.models import now
from phonebank.parties.auto_end import end_forgotten_parties
from tests.phonebank.live.party_room import Room, open_room

TWO_DAYS_AGO = timedelta(days=2)


def old_party() -> Room:
    at = now() - TWO_DAYS_AGO
    return open_room(starts_at=at, created_at=at)


def has_ended(room: Room) -> bool:
    db.session.commit()
    end_forgotten_parties()
    db.session.refresh(room.party)
    return room.party.has_ended


def test_a_day_without_a_call_ends_it_and_frees_its_code(app_context: Flask) -> None:
    room = old_party()
    room.record(room.join("Sam"), at=now() - timedelta(hours=25))
    assert has_ended(room)
    assert room.party.ended_at is not None


def test_a_party_with_calls_goes_on(app_context: Flask) -> None:
    room = old_party()
    room.record(room.join("Sam"), at=now() - timedelta(hours=23))
    assert not has_ended(room)


def test_one_with_somebody_on_the_phone_goes_on(app_context: Flask) -> None:
    room = old_party()
    room.hand_out(room.join("Sam"))
    assert not has_ended(room)


def test_one_still_to_come_or_made_today_goes_on(app_context: Flask) -> None:
    to_come = open_room(created_at=now() - TWO_DAYS_AGO, starts_at=now() + timedelta(days=3))
    assert not has_ended(to_come)
    made_today = open_room(starts_at=now() - TWO_DAYS_AGO)
    assert not has_ended(made_today)
