"""Compares the board with a recount after every step of random evenings. The steps are those of
real callers: claims, outcomes, undos, expired holds, late outcomes and removals."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import time_machine
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from phonebank.calls.answers import save_answer
from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.hold import current_hold
from phonebank.calls.record import record
from phonebank.calls.undo import last_recorded_id, undo
from phonebank.contact_queue.expire_holds import expire_holds
from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.live.board_query import read_figures
from phonebank.models import Call, Caller, now
from phonebank.roster.remove import remove as remove_caller
from phonebank.roster.rename import hide as hide_caller
from phonebank.tallies.reconcile import differences
from tests.crash.world import SCRIPT
from tests.factories import create_contact, create_script
from tests.phone_bank import call_of
from tests.phonebank.live.party_room import Room, open_room

OUTCOMES = ("no_answer", "talked", "refused", "skipped", "do_not_call", "wrong_number")
# Fewer than an evening rings, so that people whose caller went dark are handed on.
PEOPLE = 4

actions = st.lists(
    st.tuples(
        st.sampled_from(
            ("hand out", "answer", "record", "record", "undo", "go dark", "late", "remove", "hide")
        ),
        st.integers(0, 1),
        st.sampled_from(OUTCOMES),
    ),
    max_size=18,
)


@dataclass
class Evening:
    """A party, two callers, and the calls whose screens went dark, by caller."""

    room: Room
    clock: time_machine.Traveller
    callers: list[Caller]
    dark: list[list[Call]] = field(default_factory=lambda: [[], []])

    def do(self, action: str, index: int, outcome: str) -> None:
        """One action of one caller; what the rules forbid just now does nothing."""
        with suppress(ConflictError, NobodyToCallError):
            self._do(action, index, outcome)
        # What was refused leaves nothing behind; what was done is committed.
        db.session.rollback()

    def _do(self, action: str, index: int, outcome: str) -> None:
        caller = self.callers[index]
        hold = current_hold(caller)
        if action == "hand out" and hold is None:
            claim(caller)
        elif action == "answer" and hold is not None:
            save_answer(caller, hold.call.id, "support", "7")
            save_answer(caller, hold.call.id, "help", "yes")
        elif action == "record" and hold is not None:
            record(caller, hold.call.id, outcome)
        elif action == "undo" and (last := last_recorded_id(caller)):
            undo(caller, last)
        elif action == "go dark" and hold is not None:
            self.dark[index].append(call_of(hold))
            self.clock.shift(hold.expires_at - now() + timedelta(seconds=1))
            expire_holds(self.room.campaign)
        elif action == "late" and self.dark[index]:
            record(caller, self.dark[index].pop().id, outcome)
        elif action == "remove":
            remove_caller(caller)
            self.callers[index], self.dark[index] = self.room.join("Newcomer"), []
        elif action == "hide":
            hide_caller(caller, not caller.hidden)
        db.session.commit()


def begin(clock: time_machine.Traveller) -> Evening:
    """Make a party with a script and fewer people than calls. Commits."""
    room = open_room()
    create_script(room.campaign, SCRIPT)
    for _ in range(PEOPLE):
        create_contact(room.contact_list)
    evening = Evening(room, clock, [room.join("Ada"), room.join("Bo")])
    db.session.commit()
    return evening


# A screen goes dark, the person is handed on, both say how it ended, and one is taken back.
HANDED_ON = [
    ("hand out", 0, ""),
    ("answer", 0, ""),
    ("go dark", 0, ""),
    *[("hand out", 1, ""), ("record", 1, "do_not_call")] * PEOPLE,
    ("late", 0, "talked"),
    ("undo", 0, ""),
    ("undo", 1, ""),
]
# The one who is removed holds somebody, and had recorded before.
REMOVED_WHILE_RINGING = [
    ("hand out", 0, ""),
    ("answer", 0, ""),
    ("record", 0, "talked"),
    ("hand out", 0, ""),
    ("remove", 0, ""),
    ("hand out", 0, ""),
    ("record", 0, "refused"),
]


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(actions)
@example(HANDED_ON)
@example(REMOVED_WHILE_RINGING)
def test_the_board_equals_a_recount_after_everything_that_callers_do(
    app_context: Flask, actions: list[tuple[str, int, str]]
) -> None:
    with time_machine.travel(now(), tick=True) as clock:
        evening = begin(clock)
        room = evening.room
        party_id, campaign_id = room.party.id, room.campaign.id
        last_version = 0
        for action in actions:
            evening.do(*action)
            figures = read_figures([party_id])[party_id]
            seen = (figures.calls, figures.reached, figures.conversations, figures.yeses)
            assert seen == room.recount()
            assert differences(campaign_id) == []
            assert figures.tally_version >= last_version
            last_version = figures.tally_version
            db.session.rollback()


def test_the_evenings_tried_first_get_as_far_as_they_say(app_context: Flask) -> None:
    with time_machine.travel(now(), tick=True) as clock:
        for actions in (HANDED_ON[:-2], REMOVED_WHILE_RINGING):
            evening = begin(clock)
            for action in actions:
                evening.do(*action)
            calls = db.session.scalars(
                select(Call).where(Call.party_id == evening.room.party.id)
            ).all()
            if actions is REMOVED_WHILE_RINGING:
                endings = sorted(str(call.ending) for call in calls)
                assert endings == ["recorded", "recorded", "taken_away"]
            else:
                assert [call.counted for call in calls if call.late] == [False]
