"""Which boards a pump reads in which round: real rows and a real Redis, and rounds made by hand."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from phonebank.core.db import db
from phonebank.live.broadcaster import EACH_BOARD_EVERY, ROUND, Pump, Watcher
from phonebank.live.campaign_totals_cache import CampaignReadings
from phonebank.live.change_marks import board_changed
from phonebank.live.server import live
from phonebank.models import Party
from tests.factories import create_party
from tests.phonebank.live.party_room import open_room

ROUNDS = int(EACH_BOARD_EVERY / ROUND)


@pytest.fixture
def read(app_context: Flask) -> Iterator[list[set[int]]]:
    """The parties that each statement for boards' figures asked for."""
    asked: list[set[int]] = []

    def note(*args: Any) -> None:
        if "FROM party p" in args[2] and "party_ids" in args[3]:
            asked.append(set(args[3]["party_ids"]))

    event.listen(db.engine, "before_cursor_execute", note)
    yield asked
    event.remove(db.engine, "before_cursor_execute", note)


def parties(number: int) -> list[Party]:
    room = open_room()
    made = [room.party, *(create_party(room.campaign, room.host) for _ in range(number - 1))]
    db.session.flush()
    return made


def pump_for(app: Flask, watched: list[Party]) -> Pump:
    """A pump with a television on each of these parties' boards, and nothing that runs it."""
    pump = Pump(app, live().pump.socketio)
    for party in watched:
        pump._watchers[f"tv {party.id}"] = Watcher(party.id, party.board_token)
    return pump


def half_a_second_later(pump: Pump) -> None:
    pump._read_at = {party: at - ROUND for party, at in pump._read_at.items()}
    pump._round()


def signal_all(watched: list[Party]) -> None:
    for party in watched:
        board_changed(party.campaign_id, party.id)


def test_boards_that_changed_together_are_not_read_together_ever_after(
    app_context: Flask, read: list[set[int]]
) -> None:
    watched = parties(60)
    everyone = {party.id for party in watched}
    signal_all(watched)
    pump = pump_for(app_context, watched)
    for happening in (lambda: None, lambda: signal_all(watched)):
        happening()
        read.clear()
        half_a_second_later(pump)
        assert read == [everyone]
        read.clear()
        for _ in range(ROUNDS):
            half_a_second_later(pump)
        # Each had its turn within four seconds, and no round had the half of them.
        assert set.union(*read) == everyone
        assert max(map(len, read)) < len(watched) / 2


def test_a_board_that_was_not_reached_is_sent_in_the_next_round(
    app_context: Flask, read: list[set[int]]
) -> None:
    watched = parties(2)
    pump = pump_for(app_context, watched)
    pump._round()
    pump._read_at = dict.fromkeys(pump._read_at, time.monotonic())
    signal_all(watched)
    pump.campaigns = CampaignReadings()
    read.clear()

    def fail(*args: Any) -> None:
        if "FROM tally WHERE campaign_id" in args[2]:
            raise OperationalError("the database has gone", None, Exception())

    event.listen(db.engine, "before_cursor_execute", fail)
    try:
        with pytest.raises(OperationalError):
            pump._round()
    finally:
        event.remove(db.engine, "before_cursor_execute", fail)
    pump._round()
    pump._round()
    assert read == [{party.id for party in watched}] * 2
