"""Which boards a broadcaster reads in which round, with real rows, a real Redis, rounds by hand."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from phonebank.core.db import db
from phonebank.live.broadcaster import EACH_BOARD_EVERY, ROUND, Broadcaster, Watcher
from phonebank.live.campaign_totals_cache import CampaignTotalsCache
from phonebank.live.change_marks import mark_after_commit
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


def broadcaster_for(app: Flask, watched: list[Party]) -> Broadcaster:
    """A broadcaster with a television on each of these parties' boards. Nothing runs it."""
    broadcaster = Broadcaster(app, live().broadcaster.socketio)
    for party in watched:
        broadcaster._watchers[f"tv {party.id}"] = Watcher(party.id, party.board_token)
    return broadcaster


def half_a_second_later(broadcaster: Broadcaster) -> None:
    broadcaster._read_at = {party: at - ROUND for party, at in broadcaster._read_at.items()}
    broadcaster._round()


def signal_all(watched: list[Party]) -> None:
    for party in watched:
        mark_after_commit(party.id)
    db.session.commit()


def test_boards_that_changed_together_are_not_read_together_ever_after(
    app_context: Flask, read: list[set[int]]
) -> None:
    watched = parties(60)
    everyone = {party.id for party in watched}
    signal_all(watched)
    broadcaster = broadcaster_for(app_context, watched)
    for happening in (lambda: None, lambda: signal_all(watched)):
        happening()
        read.clear()
        half_a_second_later(broadcaster)
        assert read == [everyone]
        read.clear()
        for _ in range(ROUNDS):
            half_a_second_later(broadcaster)
        # Each had its turn within four seconds, and no round had the half of them.
        assert set.union(*read) == everyone
        assert max(map(len, read)) < len(watched) / 2


def test_a_board_that_was_not_reached_is_sent_in_the_next_round(
    app_context: Flask, read: list[set[int]]
) -> None:
    watched = parties(2)
    broadcaster = broadcaster_for(app_context, watched)
    broadcaster._round()
    broadcaster._read_at = dict.fromkeys(broadcaster._read_at, time.monotonic())
    signal_all(watched)
    broadcaster.campaigns = CampaignTotalsCache()
    read.clear()

    def fail(*args: Any) -> None:
        if "FROM tally WHERE campaign_id" in args[2]:
            raise OperationalError("the database has gone", None, Exception())

    event.listen(db.engine, "before_cursor_execute", fail)
    try:
        with pytest.raises(OperationalError):
            broadcaster._round()
    finally:
        event.remove(db.engine, "before_cursor_execute", fail)
    broadcaster._round()
    broadcaster._round()
    assert read == [{party.id for party in watched}] * 2
