"""A person who was joined and is with nobody now, and one whom the provider does not join."""

from dataclasses import fields
from datetime import timedelta

from phonebank.dialler.people import MOVES_WITHIN, NOBODY_AFTER, TOLD_AFTER, PersonLines
from phonebank.dialler.rows import LineRow
from phonebank.dialler.switchboard import Switchboard
from phonebank.models import LineSide, LineState, now


class HangsUp(Switchboard):
    """Takes the place of the switchboard, and keeps whom it hangs up. The provider never tells of a
    join."""

    def __init__(self):
        self.ended = []

    def join(self, person, caller):
        pass

    def play(self, line, sound):
        pass

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
    switchboard, at = HangsUp(), now()
    people = PersonLines(switchboard)
    people.follow(line(LineState.ANSWERED), at)
    people.follow(line(LineState.JOINED), at + timedelta(seconds=0.2))
    people.follow(line(LineState.ANSWERED), at + 3 * MOVES_WITHIN)
    assert switchboard.ended == []
    people.follow(line(LineState.ANSWERED), at + 5 * MOVES_WITHIN)
    assert switchboard.ended == [7]


def test_the_provider_is_asked_more_often_only_until_the_message_starts(app_context):
    people, at = PersonLines(HangsUp()), now()
    answered = line(LineState.ANSWERED, joined_at=None)
    people.follow(answered, at)
    late = at + 2 * TOLD_AFTER
    assert people.is_waiting(late)
    people.follow(answered, at + 2 * NOBODY_AFTER)
    assert people.has_message(answered)
    assert not people.is_waiting(at + 3 * NOBODY_AFTER)
