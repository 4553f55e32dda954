"""What Asterisk did by itself when a person answered while no dialler was listening.

The dialplan (`asterisk_config/extensions.conf`) then plays the information message, because the
person must not hear silence, and ends the call. It writes two moments into a global variable of
Asterisk, where the next dialler finds them: when the person answered and, if the person heard the
whole message, when the message ended. If a dialler has started by then, Asterisk also sends it an
event. The global variables are lost when Asterisk ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from phonebank.telephony.asterisk_ari import Ari
from phonebank.telephony.asterisk_files import MISSED
from phonebank.telephony.events import EventKind, LineEvent

# Asterisk keeps the moments. If Phonebank's database was emptied, a new line may have an old line's
# id, so older moments are ignored.
KEPT_FOR = timedelta(days=1)

_MOMENTS = re.compile(r"(\d{9,11})(?: (\d{9,11}))?", re.ASCII)


def fetch_missed_answer(ari: Ari, line_id: int, channel: str, at: datetime) -> list[LineEvent]:
    """Return PLAYING for a line that Asterisk answered by itself, and also PLAYED if the person has
    heard the whole message. Return an empty list for any other line.

    `channel` is the id of the line's channel, and `at` the present moment (aware). Raises
    BackendUnavailableError if Asterisk does not answer.
    """
    asked = ari.ask("GET", "/asterisk/variable", params={"variable": f"{MISSED}{channel}"})
    found = _MOMENTS.fullmatch(asked.json()["value"]) if asked.ok else None
    if found is None or at - _moment(found[1]) > KEPT_FOR:
        return []
    events = [_playing(line_id, found[1])]
    if found[2]:
        events.append(LineEvent(line_id, 0, EventKind.PLAYED, None, _moment(found[2])))
    return events


def played_events(line_id: int, answered: str, at: datetime) -> Iterator[LineEvent]:
    """Yield what PLAYED_EVENT reports: the person answered, and has heard the whole message.
    `answered` is the moment of the answer, in seconds since 1970."""
    yield _playing(line_id, answered)
    yield LineEvent(line_id, 0, EventKind.PLAYED, None, at)


def _playing(line_id: int, answered: str) -> LineEvent:
    """Return the event that says that the message began, which was as soon as the person had
    answered."""
    return LineEvent(line_id, 0, EventKind.PLAYING, None, _moment(answered))


def _moment(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
