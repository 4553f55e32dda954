"""What is known of a line does not depend on the order in which a provider tells it."""

from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from phonebank.models import EndCause, LineState
from phonebank.telephony.events import EventKind, LineEvent
from phonebank.telephony.line_states import LineFacts, apply

START = datetime(2026, 5, 1, 18, tzinfo=UTC)


def event(sequence: int, kind: EventKind, cause: EndCause | None = None) -> LineEvent:
    return LineEvent(1, sequence, kind, cause, START + timedelta(seconds=sequence))


@st.composite
def lines(draw):
    """All the events of one line, as they happened."""
    kinds = [EventKind.RINGING] * draw(st.integers(0, 1))
    cause = EndCause.NO_ANSWER
    if draw(st.booleans()):
        kinds += [EventKind.ANSWERED]
        kinds += [EventKind.JOINED, EventKind.LEFT] * draw(st.integers(0, 3))
        kinds += draw(st.sampled_from([[], [EventKind.JOINED], [EventKind.PLAYED]]))
        cause = EndCause.HUNG_UP
    told = [event(number, kind) for number, kind in enumerate(kinds, 1)]
    if draw(st.booleans()):
        told.append(event(len(told) + 1, EventKind.ENDED, cause))
    return told


@given(lines(), st.data())
def test_events_late_twice_and_out_of_order_say_the_same(told, data):
    twice = told + data.draw(st.lists(st.sampled_from(told))) if told else told
    shuffled = data.draw(st.permutations(twice))
    assert reduce(apply, shuffled, LineFacts()) == reduce(apply, told, LineFacts())


@given(lines(), st.data())
def test_a_line_that_has_ended_stays_ended(told, data):
    ended = apply(reduce(apply, told, LineFacts()), event(99, EventKind.ENDED, EndCause.LOST))
    late = data.draw(st.sampled_from([event(100, kind, EndCause.BUSY) for kind in EventKind]))
    after = apply(ended, late)
    assert (after.state, after.cause, after.ended_at) == (
        LineState.ENDED,
        ended.cause,
        ended.ended_at,
    )


def test_a_late_answer_is_still_known():
    ended = apply(LineFacts(), event(3, EventKind.ENDED, EndCause.HUNG_UP))
    assert apply(ended, event(2, EventKind.ANSWERED)).answered_at == START + timedelta(seconds=2)
