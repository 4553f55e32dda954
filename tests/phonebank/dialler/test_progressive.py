"""Progressive calling on the simulated network, seen from the rows that pages show."""

import pytest

from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.core.db import db
from phonebank.models import (
    Call,
    CallEnding,
    Contact,
    EndCause,
    Line,
    LineSide,
    LineState,
    PhoneSession,
    now,
)
from phonebank.telephony.backend import LineRef
from phonebank.telephony.phases import Phase
from phonebank.telephony.sessions import (
    connect,
    finish_after_call,
    phone_of,
    set_ready,
    want_hang_up,
    want_person_line,
)
from tests.factories import own_number
from tests.phonebank.dialler.evening import evening

pytestmark = pytest.mark.usefixtures("clean_stores")


def test_a_caller_who_is_ready_talks_with_one_person_after_another(app):
    with evening(app, how="answer=1,talk=2,lost=0") as tonight:
        caller = tonight.callers[0]
        tonight.connect_all(ready=False)
        tonight.run(lambda: phone_of(caller.id).phase == Phase.RESTING)
        assert tonight.calls() == [], "nobody is called before the caller is ready"
        set_ready(caller, True)
        db.session.commit()
        tonight.run(lambda: phone_of(caller.id).phase == Phase.CALLING)
        assert not phone_of(caller.id).shows_person, "the person has not answered"
        phone = tonight.run(lambda: (p := phone_of(caller.id)).phase == Phase.TALKING and p)
        assert phone.shows_person
        tonight.run(lambda: phone_of(caller.id).phase == Phase.WRAPPING_UP)
        assert len(tonight.lines()) == 1, "the next person waits for the outcome"
        finish_after_call(caller)
        record(caller, phone.call_id, "talked")
        db.session.commit()
        tonight.run(lambda: phone_of(caller.id).phase == Phase.OFF)
        tonight.run(lambda: not [x for x in tonight.lines(LineSide.CALLER) if not x.ended_at])
        session = db.session.get_one(PhoneSession, caller.id)
        assert session.number is None, "the caller's own number is forgotten"
        assert len(tonight.calls()) == 1, "they finished after this call"


def test_people_who_cannot_be_reached_are_recorded_and_the_next_is_called(app):
    with evening(app, people=4, how="answer=0,busy=0.5,no_such_number=0.5") as tonight:
        tonight.connect_all()
        tonight.run(lambda: len([call for call in tonight.calls() if call.outcome]) == 4)
        for call, line in zip(tonight.calls(), tonight.lines(), strict=True):
            assert call.outcome == {"busy": "busy", "no_such_number": "disconnected"}[line.cause]
        tonight.run(lambda: phone_of(tonight.callers[0].id).notice)


def test_a_line_that_is_not_wanted_any_more_is_not_dialled_and_counts_nowhere(app):
    with evening(app, people=1, how="answer=1") as tonight:
        caller = tonight.callers[0]
        tonight.connect_all(ready=False)
        tonight.run(lambda: phone_of(caller.id).phase == Phase.RESTING)
        hold = claim(caller)
        line = want_person_line(
            caller, db.session.get_one(Call, hold.call.id), tonight.backend.name
        )
        want_hang_up(caller, hold.call.id)
        db.session.commit()
        tonight.run(lambda: db.session.get_one(Line, line.id, populate_existing=True).ended_at)
        tonight.run(lambda: tonight.calls()[0].ended_at)
        call = tonight.calls()[0]
        assert tonight.lines()[0].dialled_at is None
        assert (call.ending, call.outcome, call.counted) == (CallEnding.GIVEN_BACK, None, False)


def test_nobody_there_for_a_person_who_answers(app):
    with evening(app, people=1, how="answer=1,ring=3") as tonight:
        caller = tonight.callers[0]
        tonight.connect_all()
        line = tonight.run(lambda: [x for x in tonight.lines() if x.state == LineState.RINGING])[0]
        own = tonight.lines(LineSide.CALLER)[0]
        tonight.backend.hang_up(LineRef(own.id, own.provider_id))
        tonight.run(
            lambda: (
                phone_of(caller.id).phase == Phase.CALLING
                and db.session.get_one(Line, own.id).ended_at
            )
        )
        ended = tonight.run(lambda: (x := db.session.get_one(Line, line.id)).ended_at and x)
        assert ended.played_at is not None, "the information message was played to its end"
        assert ended.joined_at is None
        tonight.run(lambda: tonight.calls()[0].ended_at)
        contact = db.session.get_one(Contact, tonight.contacts[0])
        assert (contact.callable_at - now()).total_seconds() > 71.9 * 3600


def test_a_line_that_rings_is_adopted_by_the_next_dialler(app):
    with evening(app, people=1, how="answer=1,ring=1,talk=60,lost=1") as tonight:
        caller = tonight.callers[0]
        tonight.connect_all()
        tonight.run(lambda: [x for x in tonight.lines() if x.dialled_at], seconds=20)
        tonight.restart()
        tonight.run(lambda: phone_of(caller.id).phase == Phase.TALKING, seconds=20)
        assert len(tonight.lines()) == 1


def test_changing_to_another_telephone_keeps_the_person(app):
    with evening(app, people=1, how="answer=1,talk=100") as tonight:
        caller = tonight.callers[0]
        tonight.connect_all()
        tonight.run(lambda: phone_of(caller.id).phase == Phase.TALKING)
        connect(caller, own_number(7))
        db.session.commit()
        tonight.run(lambda: len([x for x in tonight.lines(LineSide.CALLER) if x.ended_at]) == 1)
        assert phone_of(caller.id).phase == Phase.TALKING
        assert tonight.lines()[0].cause != EndCause.HUNG_UP
