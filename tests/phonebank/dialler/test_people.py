"""A person who was joined and is with nobody now, one whom the provider does not join, and one who
hears a message that another process began."""

from concurrent.futures import wait
from dataclasses import fields, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from phonebank.core.db import db
from phonebank.dialler import switchboard
from phonebank.dialler.people import (
    MESSAGE_AT_MOST,
    MOVES_WITHIN,
    NOBODY_AFTER,
    TOLD_AFTER,
    PersonLines,
)
from phonebank.dialler.rows import LineRow
from phonebank.dialler.switchboard import Switchboard
from phonebank.models import Line, LineSide, LineState, now
from phonebank.telephony.backend import BackendUnavailableError, LineRef, Sound
from phonebank.telephony.events import EventKind, LineEvent
from phonebank.telephony.record_events import record_event
from tests.factories import create_campaign


class HangsUp(Switchboard):
    """Takes the place of the switchboard, and keeps whom it hangs up. The provider never tells of a
    join."""

    def __init__(self):
        self.ended, self.joined, self.played = [], [], []

    def join(self, person, caller):
        self.joined.append((person.line_id, caller.line_id))

    def play(self, line, sound):
        self.played.append(line.line_id)

    def hang_up(self, line):
        self.ended.append(line.line_id)


def line(state, **more):
    known = {
        "id": 7,
        "side": LineSide.PERSON,
        "state": state,
        "caller_id": 3,
        "joined_at": now(),
        "call_is_open": True,
        "own_id": 5,
        "is_on": True,
    } | more
    return LineRow(**{field.name: known.get(field.name) for field in fields(LineRow)})


def test_who_moves_to_the_callers_other_telephone_stays_and_who_is_left_alone_does_not():
    phones, at = HangsUp(), now()
    people = PersonLines(phones)
    people.follow(line(LineState.ANSWERED), at)
    people.follow(line(LineState.JOINED), at + timedelta(seconds=0.2))
    people.follow(line(LineState.ANSWERED), at + 3 * MOVES_WITHIN)
    assert phones.ended == []
    people.follow(line(LineState.ANSWERED), at + 5 * MOVES_WITHIN)
    assert phones.ended == [7]


def test_the_provider_is_asked_more_often_only_until_the_message_starts(app_context):
    people, at = PersonLines(HangsUp()), now()
    answered = line(LineState.ANSWERED, joined_at=None)
    people.follow(answered, at)
    late = at + 2 * TOLD_AFTER
    assert people.is_waiting(late)
    people.follow(answered, at + 2 * NOBODY_AFTER)
    assert people.has_message(answered)
    assert not people.is_waiting(at + 3 * NOBODY_AFTER)


def test_a_message_that_the_provider_began_is_not_cut_off(app_context):
    phones, at = HangsUp(), now()
    people = PersonLines(phones)
    row = stored_line(EventKind.PLAYING)
    for seconds in (1, 20):  # the call is over, and has been for longer than a telephone rings
        hears = line(LineState.ANSWERED, id=row, joined_at=None, message_at=at, call_is_open=False)
        assert people.has_message(hears)
        people.follow(hears, at + timedelta(seconds=seconds))
    assert (phones.ended, phones.joined, phones.played) == ([], [], [])
    people.follow(replace(hears, played_at=at), at + timedelta(seconds=21))
    assert phones.ended == [row]


def test_a_message_that_a_dialler_wanted_and_nobody_reported_is_asked_for_again(app_context):
    phones, at = HangsUp(), now()
    people = PersonLines(phones)
    hears = line(LineState.ANSWERED, id=stored_line(EventKind.RINGING), joined_at=None)
    hears = replace(hears, message_at=at)
    for _ in range(2):
        people.follow(hears, at)
    assert phones.played == [hears.id]
    people.follow(hears, at + 2 * MESSAGE_AT_MOST)
    assert phones.ended == [hears.id]


def test_people_who_were_joined_at_the_moment_of_the_message_go_on_talking(app_context):
    phones, at = HangsUp(), now()
    people = PersonLines(phones)
    talks = line(LineState.JOINED, id=stored_line(EventKind.PLAYING), message_at=at, played_at=at)
    people.follow(talks, at + 2 * MESSAGE_AT_MOST)
    assert (phones.ended, phones.played) == ([], [])


def test_a_dialler_that_stops_leaves_nobody_waiting(app_context):
    phones, at = HangsUp(), now()
    people = PersonLines(phones)
    waits = {"joined_at": None, "answered_at": at}
    rows = [stored_line(EventKind.ANSWERED) for _ in range(2)]
    people.leave_nobody_waiting(line(LineState.ANSWERED, id=rows[0], **waits), at)
    nobodys = line(LineState.ANSWERED, id=rows[1], caller_id=None, own_id=None, **waits)
    people.leave_nobody_waiting(nobodys, at)
    assert phones.joined == [(rows[0], 5)]
    assert phones.played == [rows[1]]


def stored_line(kind):
    """Store a person's line of which the provider has reported one event, and return its id."""
    stored = Line(
        campaign_id=create_campaign().id,
        side=LineSide.PERSON,
        backend="simulator",
        dialled_at=now(),
    )
    db.session.add(stored)
    db.session.commit()
    record_event(LineEvent(stored.id, 0, kind, None, now()))
    db.session.commit()
    return stored.id


def test_a_message_that_the_provider_refused_is_asked_for_again_and_dated_later(app_context):
    phones, at = HangsUp(), now()
    people = PersonLines(phones)
    waits = line(LineState.ANSWERED, id=stored_line(EventKind.ANSWERED), joined_at=None)
    waits = replace(waits, call_is_open=False)

    def message_at():
        return db.session.get_one(Line, waits.id, populate_existing=True).message_at

    people.follow(waits, at)
    assert message_at() == at
    people.take_message_answer(waits.id, failed=True)
    assert message_at() is None
    later = at + timedelta(seconds=1)
    people.follow(waits, later)
    people.take_message_answer(waits.id, failed=False)
    people.follow(replace(waits, message_at=later), later)
    assert phones.played == [waits.id, waits.id]
    assert message_at() == later
    assert phones.ended == []


def test_people_who_were_joined_after_the_message_began_may_change_telephones(app_context):
    phones, at = HangsUp(), now()
    people = PersonLines(phones)
    began = at - 3 * MESSAGE_AT_MOST
    apart = line(LineState.ANSWERED, id=stored_line(EventKind.PLAYING), message_at=began)
    people.follow(apart, at)
    assert phones.ended == []
    people.follow(apart, at + 2 * MOVES_WITHIN)
    assert phones.ended == [apart.id]


class RefusesOnce:
    """A provider that refuses the first request for a message."""

    def __init__(self):
        self.asked = 0

    def play(self, line, sound):
        self.asked += 1
        if self.asked == 1:
            raise BackendUnavailableError


def test_a_request_that_failed_may_be_sent_again_soon(monkeypatch):
    backend: Any = RefusesOnce()
    at = [100.0]
    monkeypatch.setattr(switchboard, "time", SimpleNamespace(monotonic=lambda: at[0]))
    board = Switchboard(backend)
    for after in (0, 0.1, 1, 1):
        at[0] += after
        board.play(LineRef(7, None), Sound.INFORMATION_MESSAGE)
        wait(board._under_way.values())
        board.collect()
    board.close()
    assert backend.asked == 2, "at once, and after half a second"
