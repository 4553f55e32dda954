"""Tests what the host's list says that each caller is doing."""

from datetime import timedelta

import pytest
from flask import Flask

from phonebank.core.db import db
from phonebank.models import CallEnding, CallerState, now
from phonebank.parties import services
from phonebank.parties.doing import describe_doing, doing_in
from tests.phonebank.live.party_room import open_room

NOW = now()
AN_AGE = timedelta(hours=5)


@pytest.mark.parametrize(
    ("ended_ago", "ending", "on_break", "kind", "words"),
    [
        (timedelta(minutes=9), CallEnding.RECORDED, False, "waiting", "Waiting"),
        (timedelta(minutes=10), CallEnding.RECORDED, False, "idle", "Idle for 10 minutes"),
        (timedelta(minutes=61), CallEnding.EXPIRED, False, "idle", "Idle for an hour"),
        (AN_AGE, CallEnding.RECORDED, False, "idle", "Idle for 5 hours"),
        (timedelta(minutes=9), CallEnding.GIVEN_BACK, False, "break", "On a break"),
        (timedelta(minutes=15), CallEnding.GIVEN_BACK, False, "idle", "Idle for 15 minutes"),
        # In a break of the party nobody is idle.
        (AN_AGE, CallEnding.RECORDED, True, "break", "On a break"),
        (None, None, False, "calling", "Calling"),
        (None, None, True, "calling", "Calling"),
    ],
)
def test_what_a_caller_does_follows_from_their_latest_call(
    ended_ago: timedelta | None, ending: CallEnding | None, on_break: bool, kind: str, words: str
) -> None:
    ended_at = None if ended_ago is None else NOW - ended_ago
    doing = describe_doing(NOW - AN_AGE, ended_at, ending, on_break, NOW)
    assert (doing.kind, doing.words) == (kind, words)


def test_the_list_goes_by_the_latest_call_and_the_partys_break(app_context: Flask) -> None:
    room = open_room()
    sam, priya, kit = room.join("Sam"), room.join("Priya"), room.join("Kit")
    room.join("Lee", state=CallerState.WAITING)
    room.record(sam, at=now() - timedelta(minutes=20))
    room.hand_out(sam)
    room.record(priya, at=now() - timedelta(minutes=20))
    db.session.flush()
    kinds = {caller_id: doing.kind for caller_id, doing in doing_in(room.party).items()}
    assert kinds == {sam.id: "calling", priya.id: "idle", kit.id: "new"}
    services.start_break(room.party, 5)
    kinds = {caller_id: doing.kind for caller_id, doing in doing_in(room.party).items()}
    assert kinds == {sam.id: "calling", priya.id: "break", kit.id: "break"}
