"""A dialler that is asked to stop."""

import threading

import pytest

from phonebank.core.db import db
from phonebank.dialler import process
from phonebank.dialler.campaign_dialler import CampaignDialler
from phonebank.models import EndCause, LineSide, LineState
from phonebank.telephony.events import EventKind, LineEvent
from phonebank.telephony.record_events import record_event
from tests.phonebank.dialler.evening import evening


@pytest.mark.parametrize("caller_goes_on", [True, False])
def test_a_person_who_answers_at_the_last_moment_is_not_left_waiting(
    app, clean_stores, monkeypatch, caller_goes_on
):
    """The person answers after the last turn, just before the dialler stops listening."""
    with evening(app, people=1, how="answer=1,ring=14,talk=60,lost=0") as tonight:
        tonight.connect_all()
        [line] = tonight.run(lambda: [x for x in tonight.lines() if x.state == LineState.RINGING])
        tonight.dialler.close()
        backend, stop = tonight.backend, threading.Event()
        asked: list[tuple[str, int]] = []
        monkeypatch.setattr(
            backend, "join", lambda person, _: asked.append(("join", person.line_id))
        )
        monkeypatch.setattr(backend, "play", lambda who, _: asked.append(("play", who.line_id)))
        monkeypatch.setattr(backend, "listen", lambda tell: None)
        monkeypatch.setattr(process, "backend_for", lambda config: backend)
        close = backend.close

        def answer_and_close():
            with app.app_context():
                at = line.dialled_at
                record_event(LineEvent(line.id, 9, EventKind.ANSWERED, None, at))
                if not caller_goes_on:
                    own = tonight.lines(LineSide.CALLER)[0]
                    record_event(LineEvent(own.id, 9, EventKind.ENDED, EndCause.HUNG_UP, at))
                db.session.commit()
            close()

        monkeypatch.setattr(backend, "close", answer_and_close)
        stop_after_a_turn(monkeypatch, stop)
        process.run_dialler(app, stop)
        assert asked == [("join" if caller_goes_on else "play", line.id)]


def stop_after_a_turn(monkeypatch, stop):
    turn = CampaignDialler.turn

    def turn_and_stop(self):
        turn(self)
        stop.set()

    monkeypatch.setattr(CampaignDialler, "turn", turn_and_stop)
