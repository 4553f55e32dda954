"""Asks Twilio for the states of lines, because webhooks may be lost."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from phonebank.telephony.backend import LineRef
from phonebank.telephony.events import EndCause, EventKind, LineEvent
from phonebank.telephony.twilio_events import CAUSES, PLACES, event_of_status, joined_or_left
from phonebank.telephony.twilio_twiml import line_of

Answer = TypeVar("Answer")

# Seconds. If Twilio has begun a call whose id we did not get, Twilio reports the call within this
# time.
UNKNOWN_FOR = 120.0
# For more lines than this, all open calls are listed, instead of asking for each call.
ASKED_ONE_BY_ONE = 20
OPEN = ("queued", "ringing", "in-progress")
PAGE = 1000


class _Join(NamedTuple):
    person: LineRef
    caller: LineRef
    is_seen: bool


class LineFetcher:
    """Asks Twilio for the states of lines, and remembers what this process has learned about the
    lines.

    `client` is the client from Twilio's library. `ask` sends a request, and returns None if the
    call has ended, or if the call or room does not exist at Twilio. The methods may be called from
    several threads.
    """

    def __init__(self, client: Any, ask: Callable[[Callable[[], Any]], Any]) -> None:
        self._client, self._ask = client, ask
        self._unknown_since: dict[int, float] = {}
        self._undialled: set[int] = set()
        self._joins: dict[int, _Join] = {}
        # A process that has just started does not know who is in which room.
        self._knows_rooms = False

    def remember_undialled(self, line_id: int) -> None:
        """Remember that Twilio has definitely not dialled this line."""
        self._undialled.add(line_id)

    def remember_join(self, person: LineRef, caller: LineRef) -> None:
        """Remember that the person was put into the caller's room."""
        self._joins[person.line_id] = _Join(person, caller, is_seen=False)

    def has_joined(self, person: LineRef, caller: LineRef) -> bool:
        """Whether the person was put into this caller's room and, as far as this process knows, has
        not left it."""
        join = self._joins.get(person.line_id)
        return join is not None and join.caller.line_id == caller.line_id

    def fetch(self, lines: Sequence[LineRef]) -> list[LineEvent]:
        """See `Backend.fetch`."""
        found: list[LineEvent] = []
        for line in lines:
            if line.provider_id is None:
                found += self._without_id(line)
        dialled = {line.provider_id: line for line in lines if line.provider_id is not None}
        calls = self._calls(dialled)
        for sid, line in dialled.items():
            self._unknown_since.pop(line.line_id, None)
            found += _status_events(line, calls.get(sid))
        talking = {
            line.line_id
            for sid, line in dialled.items()
            if calls.get(sid) is not None and calls[sid].status == "in-progress"
        }
        found += self._left(talking)
        return found + self._joined(talking)

    def _without_id(self, line: LineRef) -> list[LineEvent]:
        since = self._unknown_since.setdefault(line.line_id, time.monotonic())
        if line.line_id not in self._undialled and time.monotonic() - since < UNKNOWN_FOR:
            return []
        self._undialled.discard(line.line_id)
        del self._unknown_since[line.line_id]
        return [_lost(line)]

    def _calls(self, sids: Iterable[str]) -> dict[str, Any]:
        """Return Twilio's calls with these ids. The keys are the ids. Calls that Twilio does not
        have are left out."""
        wanted = set(sids)
        found: dict[str, Any] = {}
        if len(wanted) > ASKED_ONE_BY_ONE:
            for status in OPEN:
                calls = self._client.calls
                listed = self._ask(lambda: calls.list(status=status, page_size=PAGE))  # noqa: B023
                found |= {call.sid: call for call in listed or () if call.sid in wanted}
        for sid in wanted - found.keys():
            call = self._ask(self._client.calls(sid).fetch)
            if call is not None:
                found[sid] = call
        return found

    def _left(self, talking: set[int]) -> list[LineEvent]:
        """Find the people who were joined to a caller and whose calls at Twilio have ended, while
        the caller's call goes on. For each of these people, return a LEFT event for the person's
        line and one for the caller's line. `talking` has the ids of the lines whose calls are in
        progress."""
        found: list[LineEvent] = []
        for join in list(self._joins.values()):
            if join.person.line_id in talking or join.caller.line_id not in talking:
                continue
            call = self._ask(self._client.calls(join.person.provider_id).fetch)
            if call is None or call.status in CAUSES:
                self._joins.pop(join.person.line_id, None)
                at = (call and call.end_time) or datetime.now(UTC)
                found += _both(EventKind.LEFT, join.person, join.caller.line_id, at, PLACES - 1)
        return found

    def _joined(self, talking: set[int]) -> list[LineEvent]:
        """Return JOINED events for callers and people who are in a room together. `talking` has the
        ids of the lines whose calls are in progress. A process that has just started looks into the
        rooms of all lines in `talking`, and also returns a LEFT event for each caller who is alone
        in a room. Later, the process looks into a room only if it has put a person there and has
        not yet seen that person in the room."""
        unseen = {join.caller.line_id for join in self._joins.values() if not join.is_seen}
        if not talking or (self._knows_rooms and not unseen & talking):
            return []
        began = datetime.now(UTC)
        found: list[LineEvent] = []
        rooms = self._client.conferences
        for room in self._ask(lambda: rooms.list(status="in-progress", page_size=PAGE)) or ():
            caller = line_of(room.friendly_name or "")
            if caller not in talking or (self._knows_rooms and caller not in unseen):
                continue
            inside = self._ask(rooms(room.sid).participants.list) or ()
            lines = [(line_of(one.label or ""), one) for one in inside]
            people = [(line, one) for line, one in lines if line is not None and line != caller]
            if not people and not self._knows_rooms:
                # Twilio's clock shows whole seconds, and a person may be entering right now. So the
                # event is dated two seconds back.
                before = began - timedelta(seconds=2)
                found.append(_left_alone(caller, before))
            for person, one in people:
                known, caller_line = LineRef(person, one.call_sid), LineRef(caller, None)
                self._joins[person] = _Join(known, caller_line, is_seen=True)
                found += _both(EventKind.JOINED, known, caller, one.date_created, PLACES // 2)
        self._knows_rooms = True
        return found


def _status_events(line: LineRef, call: Any) -> list[LineEvent]:
    if call is None:
        return [_lost(line)]
    at = call.end_time or call.start_time or datetime.now(UTC)
    event = event_of_status(line.line_id, line.provider_id or "", call.status, at)
    return [event] if event is not None else []


def _both(
    kind: EventKind, person: LineRef, caller: int, at: datetime, place: int
) -> list[LineEvent]:
    return joined_or_left(kind, person.line_id, caller, at, place, person.provider_id or "")


def _left_alone(caller: int, at: datetime) -> LineEvent:
    return LineEvent(caller, int(at.timestamp()) * PLACES, EventKind.LEFT, None, at)


def _lost(line: LineRef) -> LineEvent:
    now = datetime.now(UTC)
    return LineEvent(line.line_id, 0, EventKind.ENDED, EndCause.LOST, now, line.provider_id)
