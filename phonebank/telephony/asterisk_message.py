"""The information message, which Asterisk plays to a person for whom no caller is free.

Asterisk's dialplan (`asterisk_config/extensions.conf`) plays the message and then ends the call.
The dialplan does so when a dialler (the process of Phonebank that dials) asks for the message. It
also does so by itself when a person answers while no dialler is listening. So a message that has
begun needs no dialler.

For each channel on which the message is played, Asterisk has a global variable. The dialplan writes
into this variable when the message began and, if the person heard the whole message, when the
message ended. A dialler that starts later reads these moments there. When a person has heard the
whole message, a dialler that is listening at that moment also gets an event. The global variables
are lost when Asterisk ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from phonebank.telephony.asterisk_ari import Ari
from phonebank.telephony.asterisk_files import CALLS, MESSAGE_LABEL, MESSAGE_VARIABLE, PERSON
from phonebank.telephony.events import EventKind, LineEvent

# Asterisk keeps the moments. If Phonebank's database was emptied, a new line may have an old line's
# id, so older moments are ignored.
KEPT_FOR = timedelta(days=1)

_MOMENTS = re.compile(r"(\d{9,11})(?: (\d{9,11}))?", re.ASCII)


def begin_message(ari: Ari, channel: str) -> None:
    """Let Asterisk's dialplan play the message on a channel and then end the call. If the message
    has begun already, or the channel is gone, nothing happens. Raises BackendUnavailableError for
    the same reasons as `Ari.ask`."""
    place = {"context": CALLS, "extension": PERSON, "label": MESSAGE_LABEL}
    ari.ask("POST", f"/channels/{channel}/continue", params=place)


def fetch_message_events(ari: Ari, line_id: int, channel: str, at: datetime) -> list[LineEvent]:
    """Return PLAYING for a line on which the message has begun, and also PLAYED if the person has
    heard the whole message. Return an empty list for any other line, and for a message that began
    more than a day ago (KEPT_FOR).

    `channel` is the id of the line's channel, and `at` is the present moment (aware). Raises
    BackendUnavailableError for the same reasons as `Ari.ask`.
    """
    asked = ari.ask("GET", "/asterisk/variable", params={"variable": MESSAGE_VARIABLE + channel})
    found = _MOMENTS.fullmatch(asked.json()["value"]) if asked.ok else None
    if found is None or at - _moment(found[1]) > KEPT_FOR:
        return []
    events = [_playing(line_id, found[1])]
    if found[2]:
        events.append(LineEvent(line_id, 0, EventKind.PLAYED, None, _moment(found[2])))
    return events


def played_events(line_id: int, began: str, at: datetime) -> Iterator[LineEvent]:
    """Yield PLAYING and PLAYED for a message that the person has heard to its end. (Asterisk
    reports this with PLAYED_EVENT.) `began` is when the message began, in seconds since 1970. `at`
    is when the message ended (aware)."""
    yield _playing(line_id, began)
    yield LineEvent(line_id, 0, EventKind.PLAYED, None, at)


def _playing(line_id: int, began: str) -> LineEvent:
    return LineEvent(line_id, 0, EventKind.PLAYING, None, _moment(began))


def _moment(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
