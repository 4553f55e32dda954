"""Works out what is known about a line (one telephone connection) after an event. This module uses
no database.

Providers may report events late, twice, or in the wrong order. So a line never returns to an
earlier state, with one exception: when two joined lines are parted, each line that has not ended is
ANSWERED again. The state ENDED is final. An event that arrives late can still fill in a time that
was not known, or replace a known time by an earlier one. For example, if ANSWERED arrives after
ENDED, the time of the answer is stored.

A line must be answered before it can be joined to another line, and before a sound can be played on
it. So JOINED, PLAYING and PLAYED also say that the line was answered at that moment or earlier.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from phonebank.models.line import EndCause, LineState
from phonebank.telephony.events import EventKind, LineEvent

_ORDER = list(LineState)
# Each of these happens only to a line that has been answered.
_WHEN_ANSWERED = (EventKind.ANSWERED, EventKind.JOINED, EventKind.PLAYING, EventKind.PLAYED)


@dataclass(frozen=True)
class LineFacts:
    """What is known about a line. `cause` says why the line ended, and is None before that.
    `sequence` is the highest sequence number of the JOINED and LEFT events so far.

    The five moments are aware, and each is None until it is known. `answered_at` is the earliest
    moment at which the line is known to have been answered, and `joined_at` is when it was first
    joined to another line. `message_at` is when the information message first began on the line,
    and `played_at` is when the message was first played to its end.
    """

    state: LineState = LineState.WANTED
    cause: EndCause | None = None
    sequence: int = 0
    answered_at: datetime | None = None
    joined_at: datetime | None = None
    message_at: datetime | None = None
    played_at: datetime | None = None
    ended_at: datetime | None = None


def apply(facts: LineFacts, event: LineEvent) -> LineFacts:
    """Return what is known about the line after this event."""
    is_newest = event.sequence > facts.sequence
    facts = _with_moments(facts, event)
    if facts.state == LineState.ENDED:
        return facts
    match event.kind:
        case EventKind.RINGING:
            return _at_least(facts, LineState.RINGING)
        case EventKind.ANSWERED | EventKind.PLAYING | EventKind.PLAYED:
            return _at_least(facts, LineState.ANSWERED)
        case EventKind.JOINED | EventKind.LEFT:
            if not is_newest:
                return _at_least(facts, LineState.ANSWERED)
            is_joined = event.kind == EventKind.JOINED
            return replace(facts, state=LineState.JOINED if is_joined else LineState.ANSWERED)
        case EventKind.ENDED:
            cause = event.cause or EndCause.FAILED
            return replace(facts, state=LineState.ENDED, cause=cause, ended_at=event.at)


def _with_moments(facts: LineFacts, event: LineEvent) -> LineFacts:
    if event.kind in (EventKind.JOINED, EventKind.LEFT):
        facts = replace(facts, sequence=max(facts.sequence, event.sequence))
    if event.kind in _WHEN_ANSWERED:
        facts = replace(facts, answered_at=_earlier(facts.answered_at, event.at))
    if event.kind == EventKind.JOINED:
        return replace(facts, joined_at=_earlier(facts.joined_at, event.at))
    if event.kind == EventKind.PLAYING:
        return replace(facts, message_at=_earlier(facts.message_at, event.at))
    if event.kind == EventKind.PLAYED:
        return replace(facts, played_at=_earlier(facts.played_at, event.at))
    return facts


def _at_least(facts: LineFacts, state: LineState) -> LineFacts:
    return replace(facts, state=max(facts.state, state, key=_ORDER.index))


def _earlier(known: datetime | None, told: datetime) -> datetime:
    return told if known is None else min(known, told)
