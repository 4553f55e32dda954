"""Makes calls through the installation's own Asterisk server, over the server's REST interface
(ARI).

In Asterisk, a bridge connects lines, so that the people on these lines can hear each other. Each
caller's line has its own bridge. The caller stays in the bridge, and the people who are called
enter and leave it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from phonebank.core.config import Config, ConfigError
from phonebank.telephony import asterisk_softphones as softphones
from phonebank.telephony.asterisk_ari import Ari
from phonebank.telephony.asterisk_events import (
    Message,
    bridge_id,
    channel_id,
    has_message,
    joined_events,
    line_of,
    state_events,
)
from phonebank.telephony.asterisk_files import (
    APPLICATION,
    CALLER,
    CALLS,
    PERSON,
)
from phonebank.telephony.asterisk_listener import Listener
from phonebank.telephony.asterisk_message import begin_message, fetch_message_events
from phonebank.telephony.asterisk_waiting import play_waiting, stop_waiting
from phonebank.telephony.backend import (
    LineRef,
    NoSoftphoneError,
    NumberRefusedError,
    SoftphoneToken,
    Sound,
)
from phonebank.telephony.events import EndCause, EventKind, LineEvent

NUMBER = re.compile(r"\+[1-9]\d{6,14}")
CALLER_RING_SECONDS = 40
# Until this many seconds after a line was dialled, `fetch` never reports the line as lost, because
# Asterisk may not list it yet.
SECONDS_TO_APPEAR = 10.0


class AsteriskBackend:
    """The backend for an Asterisk server with a SIP trunk. `phonebank asterisk-config` configures
    the server."""

    name = "asterisk"
    sends_webhooks = False

    def __init__(self, config: Config) -> None:
        """Raises ConfigError if the settings lack the address or the password of the Asterisk
        server."""
        for variable, value in (
            ("ASTERISK_URL", config.asterisk_url),
            ("ASTERISK_PASSWORD", config.asterisk_password),
        ):
            if not value:
                raise ConfigError(f"TELEPHONY=asterisk needs {variable}: see docs/operations.md.")
        self._config = config
        self._ari = Ari(
            config.asterisk_url, config.asterisk_user, config.asterisk_password, APPLICATION
        )
        self._dialled: dict[int, float] = {}
        # By the ids of two lines that are joined: the ids of those that `fetch` has reported.
        self._joined: dict[frozenset[int], set[int]] = {}
        self._listener: Listener | None = None

    def call_caller(self, line_id: int, number: str, show: str) -> str:
        return self._dial(line_id, number, show, CALLER_RING_SECONDS, CALLER)

    def call_person(self, line_id: int, number: str, show: str, ring_seconds: int) -> str:
        return self._dial(line_id, number, show, ring_seconds, PERSON)

    def join(self, person: LineRef, caller: LineRef) -> None:
        bridge = bridge_id(caller.line_id)
        stop_waiting(self._ari, self._channel(caller))
        added = self._add(bridge, self._channel(person))
        if added == 404:  # no process heard the caller answer, so there is no bridge yet
            self._open_bridge(caller)
            added = self._add(bridge, self._channel(person))
        if added >= 400:  # the person has hung up, so the caller goes on waiting
            play_waiting(self._ari, self._channel(caller))

    def play(self, line: LineRef, sound: Sound) -> None:
        if sound == Sound.WAITING:
            play_waiting(self._ari, self._channel(line))
        else:
            begin_message(self._ari, self._channel(line))

    def hang_up(self, line: LineRef) -> None:
        if line.provider_id is None:
            # A browser may have opened the line, although we do not know the channel.
            softphones.end_sign_in(self._ari, line.line_id)
            for channel in self._ari.list_of("/channels"):
                if line_of(channel) == line.line_id:
                    self._ari.ask("DELETE", f"/channels/{channel['id']}")
            return
        address = f"/channels/{line.provider_id}"
        found = self._ari.ask("GET", address)
        # The dialplan ends the call after the message.
        if found.ok and not has_message(found.json()):
            self._ari.ask("DELETE", address)

    def softphone_token(self, caller_id: int, line_id: int) -> SoftphoneToken:
        if not self._config.asterisk_softphone_url:
            raise NoSoftphoneError
        return softphones.make_sign_in(self._ari, line_id, self._config.asterisk_softphone_url)

    def fetch(self, lines: Sequence[LineRef]) -> list[LineEvent]:
        at, asked = datetime.now(UTC), time.monotonic()
        # The sign-ins are read first, so that no line is missed that a browser opens in between.
        waiting = softphones.lines_with_sign_ins(self._ari)
        channels: dict[int, Message] = {}
        for channel in self._ari.list_of("/channels"):
            line_id = line_of(channel)
            if line_id is not None:
                channels[line_id] = channel
        events: list[LineEvent] = []
        for line in lines:
            if line.line_id in channels:
                events += self._so_far(line.line_id, channels[line.line_id], at)
            elif line.line_id not in waiting and not self._is_young(line.line_id, asked):
                events += self._end_of(line, at)
        return events + self._newly_joined(lines, at)

    def listen(self, tell: Callable[[LineEvent], None]) -> None:
        self._listener = Listener(self._ari, tell)
        self._listener.start()

    def close(self) -> None:
        if self._listener is not None:
            self._listener.stop()

    def _dial(self, line_id: int, number: str, show: str, seconds: int, side: str) -> str:
        """Call a number. The channel's id is made from the line's id. If Asterisk's answer is lost,
        the call can be found by this channel id, so nobody is called twice for one line.

        Raises NumberRefusedError if `number` or `show` is not in E.164 format, or if Asterisk
        refuses the call with the status 400. Raises BackendUnavailableError as `Ari.ask` does.
        """
        if not NUMBER.fullmatch(number) or not NUMBER.fullmatch(show):
            raise NumberRefusedError("not an international number")
        name = channel_id(line_id)
        self._dialled = {
            line: moment
            for line, moment in self._dialled.items()
            if time.monotonic() - moment < SECONDS_TO_APPEAR
        } | {line_id: time.monotonic()}
        answer = self._ari.ask(
            "POST",
            "/channels",
            json={
                "endpoint": f"PJSIP/{number}@trunk",
                "context": CALLS,
                "extension": side,
                "priority": 1,
                "channelId": name,
                "callerId": f"<{show}>",
                "timeout": seconds,
            },
        )
        if answer.status_code == 400:
            raise NumberRefusedError("Asterisk refuses the number")
        return name  # a status of 409 says that this line was dialled before

    def _newly_joined(self, lines: Sequence[LineRef], at: datetime) -> list[LineEvent]:
        """Return a JOINED event for each of `lines` that is in a bridge with another line. Leave
        out an event that `fetch` has already returned for the same two lines."""
        asked = {line.line_id for line in lines}
        told, self._joined = self._joined, {}
        events: list[LineEvent] = []
        for bridge in self._ari.list_of("/bridges"):
            found = {event.line_id: event for event in joined_events(bridge, at)}
            before = told.get(frozenset(found), set())
            new = (found.keys() & asked) - before
            events += [found[line_id] for line_id in sorted(new)]
            self._joined[frozenset(found)] = before | new
        return events

    def _so_far(self, line_id: int, channel: Message, at: datetime) -> list[LineEvent]:
        """Return the events so far of a line whose channel Asterisk still lists."""
        if has_message(channel):
            return fetch_message_events(self._ari, line_id, channel["id"], at)
        return list(state_events(channel, at))

    def _end_of(self, line: LineRef, at: datetime) -> list[LineEvent]:
        """Return the events of a line whose channel Asterisk no longer lists. The last of these
        events is ENDED."""
        channel = self._channel(line)
        events = fetch_message_events(self._ari, line.line_id, channel, at)
        # Asterisk does not keep when the person hung up, so the end has the moment that is known.
        ended, cause = (events[-1].at, EndCause.HUNG_UP) if events else (at, EndCause.LOST)
        return [*events, LineEvent(line.line_id, 0, EventKind.ENDED, cause, ended, channel)]

    def _is_young(self, line_id: int, asked: float) -> bool:
        moment = self._dialled.get(line_id)
        return moment is not None and asked - moment < SECONDS_TO_APPEAR

    def _channel(self, line: LineRef) -> str:
        return line.provider_id or channel_id(line.line_id)

    def _open_bridge(self, caller: LineRef) -> None:
        bridge = bridge_id(caller.line_id)
        self._ari.ask("POST", f"/bridges/{bridge}", params={"type": "mixing"})
        if self._add(bridge, self._channel(caller)) >= 400:
            self._ari.ask("DELETE", f"/bridges/{bridge}")  # the caller is gone

    def _add(self, bridge: str, channel: str) -> int:
        answer = self._ari.ask("POST", f"/bridges/{bridge}/addChannel", params={"channel": channel})
        return answer.status_code
