"""Turns Asterisk's messages into our events. This module does not use the network.

In Asterisk, a telephone connection is a channel, and a bridge is a group of channels that hear each
other. Phonebank calls a telephone connection a line. The channel that Phonebank makes for line 7
has the id `line-7`. If line 7 is a caller's line, the caller's bridge has the id `bridge-7`. (If a
channel and a bridge had the same id, Asterisk would send the events of only one of them.) Because
of these ids, even a process that has just started can tell which line a channel belongs to. A
browser opens its channel itself. Asterisk chooses the id of such a channel, and the channel's name
says which line the browser signed in for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from phonebank.telephony.asterisk_files import CALLER, PERSON, PLAYED_EVENT
from phonebank.telephony.asterisk_message import played_events
from phonebank.telephony.events import EndCause, EventKind, LineEvent

Message = dict[str, Any]

_CHANNEL_ID = re.compile(r"line-(\d+)")
_BRIDGE_ID = re.compile(r"bridge-(\d+)")
_SOFTPHONE_NAME = re.compile(r"PJSIP/softphone-(\d+)-[0-9a-f]+")

# The types of messages that Phonebank reads.
MESSAGE_TYPES = (
    *("ChannelEnteredBridge", "ChannelLeftBridge", "Dial", "StasisStart"),
    *("StasisEnd", "ChannelUserevent", "ChannelDestroyed", "ApplicationReplaced"),
)

# Causes of ITU-T Q.850, as Asterisk gives them.
_CAUSES = {
    EndCause.NO_SUCH_NUMBER: (1, 2, 3, 22, 28),
    EndCause.BUSY: (17, 21),  # 21: the person refused the call
    EndCause.NO_ANSWER: (18, 19, 20),
    EndCause.CANCELLED: (0, 16, 26),
}
_CAUSE_OF = {number: cause for cause, numbers in _CAUSES.items() for number in numbers}


def channel_id(line_id: int) -> str:
    """Return the id of the channel that Phonebank makes for a line."""
    return f"line-{line_id}"


def channel_ids_like() -> str:
    """Return an SQL LIKE pattern for the ids of channels that use the SIP trunk. Browsers' channels
    have different ids."""
    return "line-%"


def bridge_id(line_id: int) -> str:
    """Return the id of the bridge that a caller's line stays in."""
    return f"bridge-{line_id}"


def softphone_name(line_id: int) -> str:
    """Return the name with which a browser signs in for a line."""
    return f"softphone-{line_id}"


def line_of(channel: Message) -> int | None:
    """Return the id of the line that a channel belongs to, or None if it belongs to no line."""
    match = _CHANNEL_ID.fullmatch(channel["id"]) or _SOFTPHONE_NAME.match(channel.get("name", ""))
    return int(match[1]) if match else None


def is_browsers(channel: Message) -> bool:
    """Return whether a browser opened this channel."""
    return bool(_SOFTPHONE_NAME.match(channel.get("name", "")))


def is_callers(channel: Message) -> bool:
    """Return whether this channel is a caller's line. A channel that a browser opened is always a
    caller's line. The channel of a caller's own telephone is recognised only after the caller has
    answered and Asterisk has passed the channel to our application (Stasis)."""
    if is_browsers(channel):
        return True
    return str(channel.get("dialplan", {}).get("app_data", "")).endswith(f",{CALLER}")


def has_message(channel: Message) -> bool:
    """Return whether Asterisk's dialplan plays the information message on this channel."""
    dialplan = channel.get("dialplan", {})
    is_persons = bool(dialplan.get("exten") == PERSON)
    return is_persons and channel["state"] == "Up" and dialplan.get("app_name") != "Stasis"


def is_alone(bridge: Message) -> bool:
    """Return whether this is a caller's bridge that contains only the caller's channel."""
    caller = _line_of_bridge(bridge)
    # A browser's channel has another id than `line-5`, so `_lines_in` leaves it out.
    return caller is not None and len(bridge["channels"]) == 1 and _lines_in(bridge) <= {caller}


def callers_channel(bridge: Message) -> str:
    """Return the id of the caller's channel in a caller's bridge. Return "" if the caller is not in
    the bridge, or if this is not a caller's bridge."""
    caller = _line_of_bridge(bridge)
    for name in () if caller is None else bridge["channels"]:
        match = _CHANNEL_ID.fullmatch(name)
        # A browser's channel has another id than `line-5`.
        if match is None or int(match[1]) == caller:
            return str(name)
    return ""


def is_empty(bridge: Message) -> bool:
    """Return whether this is a caller's bridge with nobody in it."""
    return _line_of_bridge(bridge) is not None and not bridge["channels"]


def moment_of(text: str) -> datetime:
    """Return the moment (aware) in a text written by Asterisk, such as
    2026-11-29T11:43:42.456+0000."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def events_of(message: Message) -> Iterator[LineEvent]:
    """Yield the events that a message from Asterisk reports, each for one of our lines. Many
    messages report no event."""
    if "timestamp" not in message:
        return
    at = moment_of(message["timestamp"])
    match message["type"]:
        case "ChannelEnteredBridge" | "ChannelLeftBridge":
            yield from _bridge_events(message, at)
        case "Dial" if message.get("dialstatus") == "RINGING":
            yield from _one(message["peer"], EventKind.RINGING, at)
        case "StasisStart":
            yield from _one(message["channel"], EventKind.ANSWERED, at)
        case "StasisEnd" if is_browsers(message["channel"]):
            # This is the last message that Asterisk sends about a browser's channel.
            yield from _one(message["channel"], EventKind.ENDED, at, EndCause.HUNG_UP)
        case "ChannelUserevent":
            yield from _played(message, at)
        case "ChannelDestroyed":
            yield from _destroyed(message["channel"], message.get("cause"), at)


def state_events(channel: Message, at: datetime) -> Iterator[LineEvent]:
    """Yield RINGING if the channel is ringing, or ANSWERED if it was answered and Asterisk has
    passed it to our application (Stasis). The event is dated `at`. Yield nothing for any other
    channel."""
    if channel["state"] in ("Ring", "Ringing"):
        yield from _one(channel, EventKind.RINGING, at)
    if channel["state"] == "Up" and channel.get("dialplan", {}).get("app_name") == "Stasis":
        yield from _one(channel, EventKind.ANSWERED, at)


def joined_events(bridge: Message, at: datetime) -> Iterator[LineEvent]:
    """Yield a JOINED event for the person's line and one for the caller's line, if a person is in a
    caller's bridge."""
    caller = _line_of_bridge(bridge)
    if caller is None:
        return
    lines = _lines_in(bridge) | {caller}
    if len(lines) > 1:
        yield from _for_each(lines, EventKind.JOINED, at)


def cause_of(channel: Message, number: int | None) -> EndCause:
    """Return why a channel ended. If the channel was answered, return HUNG_UP. Otherwise, the
    result depends on `number`, a cause code of the standard ITU-T Q.850. None counts as 0. For a
    code that is not in _CAUSES, return FAILED."""
    if channel["state"] == "Up":
        return EndCause.HUNG_UP
    return _CAUSE_OF.get(number or 0, EndCause.FAILED)


def _bridge_events(message: Message, at: datetime) -> Iterator[LineEvent]:
    """Yield the events for a channel that entered or left a caller's bridge: one for the caller's
    line, and one for the person's line.

    If a caller enters an empty bridge, or was alone in the bridge and leaves it, there is no event,
    because no lines were joined.
    """
    bridge, moved = message["bridge"], line_of(message["channel"])
    caller = _line_of_bridge(bridge)
    if caller is None or moved is None:
        return
    others = _lines_in(bridge) | {caller}
    if message["type"] == "ChannelEnteredBridge":
        kind, lines = EventKind.JOINED, others | {moved}
    else:
        kind, lines = EventKind.LEFT, ({moved, caller} if moved != caller else others)
    if len(lines) > 1:
        yield from _for_each(lines, kind, at)


def _for_each(lines: set[int], kind: EventKind, at: datetime) -> Iterator[LineEvent]:
    for line in sorted(lines):
        yield LineEvent(line, _sequence(at, kind), kind, None, at)


def _played(message: Message, at: datetime) -> Iterator[LineEvent]:
    line = line_of(message.get("channel") or {"id": ""})
    if message["eventname"] == PLAYED_EVENT and line is not None:
        yield from played_events(line, message["userevent"]["began"], at)


def _destroyed(channel: Message, number: int | None, at: datetime) -> Iterator[LineEvent]:
    if channel["state"] == "Up":  # perhaps no process was listening when the line was answered
        yield from _one(channel, EventKind.ANSWERED, at)
    yield from _one(channel, EventKind.ENDED, at, cause_of(channel, number))


def _one(
    channel: Message, kind: EventKind, at: datetime, cause: EndCause | None = None
) -> Iterator[LineEvent]:
    # Each of these events happens to a line only once, so its sequence number may be 0.
    line = line_of(channel)
    if line is not None:
        yield LineEvent(line, 0, kind, cause, at, provider_id=channel["id"])


def _lines_in(bridge: Message) -> set[int]:
    matches = map(_CHANNEL_ID.fullmatch, bridge["channels"])
    return {int(match[1]) for match in matches if match}


def _line_of_bridge(bridge: Message) -> int | None:
    match = _BRIDGE_ID.fullmatch(bridge["id"])
    return int(match[1]) if match else None


def _sequence(at: datetime, kind: EventKind) -> int:
    """Return a number that grows with time: twice the milliseconds since 1970, plus one for JOINED.
    A line that moves from one bridge to another may have LEFT and JOINED in the same millisecond,
    and JOINED must then have the higher number."""
    return 2 * int(at.timestamp() * 1000) + (kind == EventKind.JOINED)
