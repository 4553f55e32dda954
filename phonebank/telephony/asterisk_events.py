"""Turns Asterisk's messages into our events. This module uses no network.

The channel that Phonebank makes for line 7 has the id `line-7`. If line 7 is a caller's line, the
caller's bridge has the id `bridge-7`. (If a channel and a bridge had the same id, Asterisk would
send the events of only one of them.) So even a process that has just started can tell from the id
which line a channel is. Asterisk chooses the id of a browser's channel; the channel's name says for
which line the browser signed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from phonebank.telephony.events import EndCause, EventKind, LineEvent

Message = dict[str, Any]

_CHANNEL_ID = re.compile(r"line-(\d+)")
_BRIDGE_ID = re.compile(r"bridge-(\d+)")
_SOFTPHONE_NAME = re.compile(r"PJSIP/softphone-(\d+)-[0-9a-f]+")
_MESSAGE_ID = re.compile(r"message-(\d+)")

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
    """Return a LIKE pattern for the ids of the channels that go through the trunk. The channels of
    browsers have other ids."""
    return "line-%"


def bridge_id(line_id: int) -> str:
    """Return the id of the bridge in which a caller's line stays."""
    return f"bridge-{line_id}"


def softphone_name(line_id: int) -> str:
    """Return the name by which a browser signs in for a line."""
    return f"softphone-{line_id}"


def message_id(line_id: int) -> str:
    """Return the id under which the information message is played on a line."""
    return f"message-{line_id}"


def line_of(channel: Message) -> int | None:
    """Return the id of a channel's line, or None for a channel that is not a line."""
    match = _CHANNEL_ID.fullmatch(channel["id"]) or _SOFTPHONE_NAME.match(channel.get("name", ""))
    return int(match[1]) if match else None


def is_browsers(channel: Message) -> bool:
    """Return whether a browser opened this channel."""
    return bool(_SOFTPHONE_NAME.match(channel.get("name", "")))


def is_callers(channel: Message) -> bool:
    """Return whether this channel is a caller's line. A browser's channel always is one."""
    if is_browsers(channel):
        return True
    return str(channel.get("dialplan", {}).get("app_data", "")).endswith(",caller")


def is_alone(bridge: Message) -> bool:
    """Return whether this is the bridge of a caller, with nobody else in it."""
    return _line_of_bridge(bridge) is not None and len(bridge["channels"]) == 1


def is_empty(bridge: Message) -> bool:
    """Return whether this is the bridge of a caller, with nobody in it."""
    return _line_of_bridge(bridge) is not None and not bridge["channels"]


def moment_of(text: str) -> datetime:
    """Return a moment that Asterisk wrote, such as 2026-11-29T11:43:42.456+0000 (aware)."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def events_of(message: Message) -> Iterator[LineEvent]:
    """Yield what a message of ARI means for our lines: no event, or one event for each line."""
    if "timestamp" not in message:
        return
    at = moment_of(message["timestamp"])
    match message["type"]:
        case "ChannelEnteredBridge" | "ChannelLeftBridge":
            yield from _bridge_events(message, at)
        case "PlaybackFinished":
            yield from _played(message["playback"], at)
        case "Dial":
            if message.get("dialstatus") == "RINGING":
                yield from _one(message["peer"], EventKind.RINGING, at)
        case "StasisStart":
            yield from _one(message["channel"], EventKind.ANSWERED, at)
        case "StasisEnd":
            # This is the last message that Asterisk sends about a browser's channel.
            if is_browsers(message["channel"]):
                yield from _one(message["channel"], EventKind.ENDED, at, EndCause.HUNG_UP)
        case "ChannelDestroyed":
            channel = message["channel"]
            yield from _one(channel, EventKind.ENDED, at, cause_of(channel, message.get("cause")))


def state_events(channel: Message, at: datetime) -> Iterator[LineEvent]:
    """Yield the event that says in which state a channel is, as if it had just arrived."""
    if channel["state"] in ("Ring", "Ringing"):
        yield from _one(channel, EventKind.RINGING, at)
    if channel["state"] == "Up" and channel.get("dialplan", {}).get("app_name") == "Stasis":
        yield from _one(channel, EventKind.ANSWERED, at)


def joined_events(bridge: Message, at: datetime) -> Iterator[LineEvent]:
    """Yield JOINED for both lines if a person is in a caller's bridge."""
    caller = _line_of_bridge(bridge)
    if caller is None:
        return
    lines = _lines_in(bridge) | {caller}
    if len(lines) > 1:
        yield from _for_each(lines, EventKind.JOINED, at)


def cause_of(channel: Message, number: int | None) -> EndCause:
    """Return why a channel ended. If it was answered, one of the two sides has hung up."""
    if channel["state"] == "Up":
        return EndCause.HUNG_UP
    return _CAUSE_OF.get(number or 0, EndCause.FAILED)


def _bridge_events(message: Message, at: datetime) -> Iterator[LineEvent]:
    """Yield what it means that a channel entered or left a caller's bridge: one event for the
    caller's line, and one for the person's.

    The caller is alone in the bridge at first. Their own entering joins nobody, so it is no event.
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


def _played(playback: Message, at: datetime) -> Iterator[LineEvent]:
    match = _MESSAGE_ID.fullmatch(playback["id"])
    if match and playback.get("state") == "done":
        yield LineEvent(int(match[1]), 0, EventKind.PLAYED, None, at)


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
    """Return a number that grows with time: twice the milliseconds since 1970, and one more for
    JOINED. A line that moves to another bridge leaves one and joins the other within one
    millisecond, so JOINED must be the later event."""
    return 2 * int(at.timestamp() * 1000) + (kind == EventKind.JOINED)
