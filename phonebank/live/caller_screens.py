"""Keeps track of the callers' screens that are connected to this process, and disconnects a screen
when its device is signed out or its caller is removed.

A caller who is removed or signs out is disconnected immediately, by an event through Redis
(`caller_events`). That event may be lost. So every few seconds, a single statement asks PostgreSQL
which of the screens must be disconnected.
"""

import logging
import threading
from dataclasses import dataclass, field

from flask import Flask
from flask_socketio import SocketIO
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from phonebank.core.db import db
from phonebank.models import CallerState

log = logging.getLogger(__name__)

NAMESPACE = "/caller"
# The event that a screen gets before its socket closes. Its page then asks for the caller's state.
GONE = "removed"

# Seconds. Ten thousand screens in two processes cost PostgreSQL about 2 ms of each second.
ASK_EVERY = 5.0

_ENDED = text("""
SELECT s.sid
FROM unnest(CAST(:sids AS text[]), CAST(:callers AS bigint[]), CAST(:tokens AS text[]))
    AS s(sid, caller, token)
LEFT JOIN caller c ON c.id = s.caller AND c.device_token = s.token AND c.state <> :removed
WHERE c.id IS NULL
""")


@dataclass
class CallerScreens:
    """The connected sockets of callers' screens, each with its caller and device token.

    A background task calls `disconnect_ended` every ASK_EVERY seconds. The task starts when the
    first screen connects, and ends after the last screen has disconnected.
    """

    app: Flask
    socketio: SocketIO
    _devices: dict[str, tuple[int, str]] = field(default_factory=dict)
    _running: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, sid: str, caller_id: int, device_token: str) -> None:
        """From now on, disconnect the screen with this socket id if its device is signed out or its
        caller is removed."""
        with self._lock:
            self._devices[sid] = (caller_id, device_token)
            if self._running:
                return
            self._running = True
        self.socketio.start_background_task(self._run)

    def remove(self, sid: str) -> None:
        """Forget the screen with this socket id. If no such screen is connected to this process,
        nothing changes."""
        self._devices.pop(sid, None)

    def disconnect_ended(self) -> None:
        """Disconnect the screens whose device has been signed out or whose caller has been removed.
        Call this method in an app context."""
        devices = dict(self._devices)
        if not devices:
            return
        asked = {
            "sids": list(devices),
            "callers": [caller_id for caller_id, _ in devices.values()],
            "tokens": [token for _, token in devices.values()],
            "removed": CallerState.REMOVED,
        }
        for sid in db.session.scalars(_ENDED, asked).all():
            self.remove(sid)
            self.socketio.emit(GONE, {}, namespace=NAMESPACE, to=sid, ignore_queue=True)
            self.socketio.server.disconnect(sid, namespace=NAMESPACE, ignore_queue=True)

    def _run(self) -> None:
        while True:
            self.socketio.sleep(ASK_EVERY)
            with self._lock:
                if not self._devices:
                    self._running = False
                    return
            try:
                with self.app.app_context():
                    self.disconnect_ended()
            except SQLAlchemyError as error:
                log.warning("callers' screens were not checked: %s", type(error).__name__)
