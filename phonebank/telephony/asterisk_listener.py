"""Listens to Asterisk's events in a separate thread, and reconnects after each failure."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import websocket

from phonebank.telephony.asterisk_ari import Ari
from phonebank.telephony.asterisk_events import (
    MESSAGE_TYPES,
    Message,
    bridge_id,
    callers_channel,
    events_of,
    has_message,
    is_alone,
    is_browsers,
    is_callers,
    is_empty,
    joined_events,
    line_of,
    state_events,
)
from phonebank.telephony.asterisk_files import TRUNK
from phonebank.telephony.asterisk_message import fetch_message_events
from phonebank.telephony.asterisk_softphones import end_old_sign_ins, end_sign_in
from phonebank.telephony.asterisk_waiting import play_waiting, stop_waiting
from phonebank.telephony.backend import BackendUnavailableError
from phonebank.telephony.events import EventKind, LineEvent

log = logging.getLogger(__name__)

STARTS_WITHIN = 2.0  # seconds
RECONNECTS_AFTER = 1.0
SWEEPS_AFTER = 60.0
# Asterisk says nothing while nothing happens, so a dead connection is noticed by a ping.
PINGS_AFTER = 10.0


class Listener:
    """Passes Asterisk's events to `tell` in the order in which they arrive.

    Asterisk does not keep events while no process is listening. So each time the listener connects,
    it reports the state of every line that is ringing, or that was answered and has not ended.
    `AsteriskBackend.fetch` finds the lines that ended while no process was listening.
    """

    def __init__(self, ari: Ari, tell: Callable[[LineEvent], None]) -> None:
        self._ari = ari
        self._tell = tell
        # The ids of the open channels whose answer was heard here.
        self._heard: set[str] = set()
        self._stopping = threading.Event()
        self.is_listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="asterisk", daemon=True)

    def start(self) -> None:
        """Start listening. Wait until Asterisk is ready to send its events, but at most two
        seconds. If a call ends before Asterisk is ready, the listener does not learn how the call
        ended."""
        self._thread.start()
        self.is_listening.wait(STARTS_WITHIN)

    def stop(self) -> None:
        """Stop listening, and wait for the thread to end. The wait usually takes about a second.
        After five seconds, this function returns even if the thread is still running."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        was_there = True
        while not self._stopping.is_set():
            try:
                self._listen()
                was_there = True
            except (OSError, websocket.WebSocketException, BackendUnavailableError) as fault:
                if was_there:
                    # Only the kind of error is logged, because its text has the password in it.
                    log.warning("Asterisk's events stopped: %s", type(fault).__name__)
                was_there = False
            except Exception:
                log.exception("an event of Asterisk could not be told")
            self._stopping.wait(RECONNECTS_AFTER)

    def _listen(self) -> None:
        connection = websocket.create_connection(
            self._ari.events_url, timeout=1, suppress_origin=True
        )
        try:
            self._subscribe()
            self._tell_all()
            self.is_listening.set()
            heard = swept = time.monotonic()
            while not self._stopping.is_set():
                now = time.monotonic()
                if now - swept > SWEEPS_AFTER:
                    end_old_sign_ins(self._ari)
                    swept = now
                if now - heard > PINGS_AFTER:
                    if now - heard > 3 * PINGS_AFTER:
                        return
                    connection.ping()
                try:
                    opcode, data = connection.recv_data(control_frame=True)
                except websocket.WebSocketTimeoutException:
                    continue
                heard = time.monotonic()
                if opcode == websocket.ABNF.OPCODE_TEXT:
                    self._take(json.loads(data))
                elif opcode == websocket.ABNF.OPCODE_CLOSE:
                    return
        finally:
            self.is_listening.clear()
            connection.close(timeout=1)

    def _subscribe(self) -> None:
        """Subscribe to the events of every channel on the trunk, and tell Asterisk to send only
        events of the types in MESSAGE_TYPES. Without the subscription, Asterisk sends a channel's
        events only after the channel was answered."""
        app = f"/applications/{self._ari.app}"
        allowed = [{"type": name} for name in MESSAGE_TYPES]
        for answer in (
            self._ari.ask("PUT", f"{app}/eventFilter", json={"allowed": allowed}),
            self._ari.ask(
                "POST", f"{app}/subscription", params={"eventSource": f"endpoint:{TRUNK}"}
            ),
        ):
            if not answer.ok:
                raise BackendUnavailableError(f"Asterisk answered {answer.status_code}")

    def _take(self, message: Message) -> None:
        channel = message.get("channel") or {}
        if message["type"] == "StasisStart":
            self._take_answer(channel)
        elif message["type"] == "ChannelDestroyed":
            self._take_end(channel)
        for event in events_of(message):
            self._tell(event)
        bridge = message.get("bridge") or {"id": "", "channels": []}
        caller = callers_channel(bridge)
        if message["type"] == "ChannelLeftBridge" and is_alone(bridge):
            play_waiting(self._ari, caller)
        elif message["type"] == "ChannelEnteredBridge" and caller and not is_alone(bridge):
            # If this event comes long after the one before, the waiting sound may have begun in
            # between, when the person was already in the bridge.
            stop_waiting(self._ari, caller)
        if message["type"] == "StasisEnd" and is_callers(channel):
            self._clean_up(channel)
        if message["type"] == "ApplicationReplaced":
            log.error("Another process listens to the same Asterisk. Run one dialler.")

    def _take_answer(self, channel: Message) -> None:
        if not is_browsers(channel):
            self._heard.add(channel["id"])
        if is_callers(channel):
            self._put_into_bridge(channel)

    def _take_end(self, channel: Message) -> None:
        if channel["state"] == "Up" and channel["id"] not in self._heard:
            self._tell_message(channel, datetime.now(UTC))
        self._heard.discard(channel["id"])

    def _tell_all(self) -> None:
        at = datetime.now(UTC)
        self._heard.clear()
        bridges = self._ari.list_of("/bridges")
        bridged = {name for bridge in bridges for name in bridge["channels"]}
        for channel in self._ari.list_of("/channels"):
            if is_callers(channel) and channel["state"] == "Up" and channel["id"] not in bridged:
                self._put_into_bridge(channel)
            for event in state_events(channel, at):
                self._tell(event)
                if event.kind == EventKind.ANSWERED and not is_browsers(channel):
                    self._heard.add(channel["id"])
            if has_message(channel):
                self._tell_message(channel, at)
        for bridge in bridges:
            for event in joined_events(bridge, at):
                self._tell(event)
            self._tidy(bridge)

    def _tidy(self, bridge: Message) -> None:
        """Correct the state of a caller's bridge after a time in which no process listened. Delete
        the bridge if it is empty. Play the waiting sound if the caller is alone, and stop the sound
        if the caller is not alone."""
        caller = callers_channel(bridge)
        if is_empty(bridge):
            self._ari.ask("DELETE", f"/bridges/{bridge['id']}")
        elif is_alone(bridge):
            play_waiting(self._ari, caller)
        elif caller:
            stop_waiting(self._ari, caller)

    def _tell_message(self, channel: Message, at: datetime) -> None:
        """If the information message has begun on a channel, report PLAYING. If the person has
        heard the whole message, also report PLAYED."""
        line = line_of(channel)
        if line is not None:
            for event in fetch_message_events(self._ari, line, channel["id"], at):
                self._tell(event)

    def _put_into_bridge(self, channel: Message) -> None:
        """Open a caller's bridge, put the caller into it, and play the waiting sound. So the bridge
        is already open when a person is to be joined to the caller."""
        line = line_of(channel)
        if line is not None:
            bridge = f"/bridges/{bridge_id(line)}"
            self._ari.ask("POST", bridge, params={"type": "mixing"})
            self._ari.ask("POST", f"{bridge}/addChannel", params={"channel": channel["id"]})
            play_waiting(self._ari, channel["id"])

    def _clean_up(self, channel: Message) -> None:
        line = line_of(channel)
        if line is not None:
            self._ari.ask("DELETE", f"/bridges/{bridge_id(line)}")
            if is_browsers(channel):
                end_sign_in(self._ari, line)
