"""An event is written once, with what it changes on its line, even if several processes tell it."""

import random
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from phonebank.core.db import db
from phonebank.models import EndCause, Line, LineEventRow, LineSide, LineState
from phonebank.telephony.events import EventKind, LineEvent
from phonebank.telephony.line_states import LineFacts, apply
from phonebank.telephony.record_events import record_event, record_events
from tests.factories import create_campaign
from tests.phonebank.telephony.test_line_states import lines

# The columns that differ between any two lines.
OWN = {"id", "campaign_id", "provider_id", "created_at", "xmin"}
START = datetime(2026, 5, 1, 18, tzinfo=UTC)


def make_line() -> int:
    line = Line(campaign_id=create_campaign().id, side=LineSide.PERSON, backend="simulator")
    db.session.add(line)
    db.session.commit()
    return line.id


def told(line_id, sequence, kind, cause=None) -> LineEvent:
    at = START + timedelta(seconds=sequence)
    return LineEvent(line_id, sequence, kind, cause, at, provider_id="CA1")


@pytest.mark.usefixtures("app_context")
def test_an_event_counts_once():
    line_id = make_line()
    events = [
        told(line_id, 4, EventKind.ENDED, EndCause.HUNG_UP),
        told(line_id, 2, EventKind.ANSWERED),
        told(line_id, 3, EventKind.JOINED),
        told(line_id, 1, EventKind.RINGING),
    ]
    assert [record_event(event) for event in events] == [True] * 4
    db.session.commit()
    assert [record_event(event) for event in events] == [False] * 4
    assert not record_event(told(line_id + 1, 1, EventKind.RINGING)), "a line that does not exist"
    line = db.session.get_one(Line, line_id, populate_existing=True)
    assert (line.state, line.cause, line.provider_id) == (LineState.ENDED, "hung_up", "CA1")
    assert line.answered_at == START + timedelta(seconds=2)
    assert db.session.scalar(select(func.count()).select_from(LineEventRow)) == 4


@pytest.mark.usefixtures("app_context")
def test_many_events_at_once_have_the_effect_of_each_alone():
    kinds = [
        (1, EventKind.RINGING, None),
        (2, EventKind.ANSWERED, None),
        (3, EventKind.JOINED, None),
        (4, EventKind.LEFT, None),
        (5, EventKind.PLAYED, None),
        (6, EventKind.ENDED, EndCause.HUNG_UP),
    ]
    for shuffled in (random.Random(seed) for seed in range(40)):
        one, together = make_line(), make_line()
        written = shuffled.sample(kinds, shuffled.randint(1, 6))
        later = shuffled.choices(kinds, k=4)
        record_events([told(together, *kind) for kind in written])
        record_events([told(together, *kind) for kind in later] + [told(10**9, *kinds[0])])
        for kind in written + later:
            record_event(replace(told(one, *kind), provider_id=f"other-{one}"))
        db.session.commit()
        first, second = (
            db.session.get_one(Line, id, populate_existing=True) for id in (one, together)
        )
        names = {column.key for column in Line.__table__.columns} - OWN
        assert {n: getattr(first, n) for n in names} == {n: getattr(second, n) for n in names}
        assert second.provider_id == "CA1"
        db.session.delete(second)
        db.session.commit()


def test_two_processes_tell_at_once(app, clean_stores):
    with app.app_context():
        line_id = make_line()
        record_event(told(line_id, 2, EventKind.ANSWERED))  # not committed yet
        results = []

        def tell_too():
            with app.app_context():
                results.append(record_event(told(line_id, 2, EventKind.ANSWERED)))
                results.append(record_event(told(line_id, 3, EventKind.ENDED, EndCause.HUNG_UP)))
                db.session.commit()

        other = threading.Thread(target=tell_too)
        other.start()
        other.join(0.3)
        assert other.is_alive(), "it waits for the first"
        db.session.commit()
        other.join(10)
        assert results == [False, True]
        line = db.session.get_one(Line, line_id, populate_existing=True)
        assert (line.state, line.answered_at) == (LineState.ENDED, START + timedelta(seconds=2))


@pytest.mark.usefixtures("app_context")
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines(), st.data())
def test_the_table_says_what_the_reducer_says_in_any_order(happened, data):
    line_id = make_line()
    events = [replace(event, line_id=line_id) for event in happened]
    twice = events + data.draw(st.lists(st.sampled_from(events))) if events else events
    for event in data.draw(st.permutations(twice)):
        record_event(event)
        db.session.commit()
    line = db.session.get_one(Line, line_id, populate_existing=True)
    facts = reduce(apply, events, LineFacts())
    assert {name: getattr(line, name) for name in vars(facts)} == vars(facts)
