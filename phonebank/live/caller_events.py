"""Sends events to the screens of individual callers. The events go through Redis, so they reach the
screens that are connected to any web process.

Most events only tell a screen that something has changed. If a screen missed such an event, it
learns of the change from the answer to its next request. A screen that missed a host's message
(MESSAGE) does not show that message. Call the functions of this module after the commit. These
functions raise no error if Redis is unavailable.
"""

from collections.abc import Iterable
from typing import Any

from phonebank.live.caller_screens import GONE
from phonebank.live.caller_screens import NAMESPACE as NAMESPACE
from phonebank.live.server import socketio

ADMITTED = "admitted"
MESSAGE = "message"
# An organiser took the person on the screen out of calling, with a file.
TAKEN = "taken"
# The party was paused, was resumed, or ended.
PARTY = "party"
# Something has changed on the caller's telephone line, or on that of their person.
PHONE = "phone"


def room_of(caller_id: int) -> str:
    """Return the name of the Socket.IO room for all screens of one caller."""
    return f"caller:{caller_id}"


def emit_to_callers(
    caller_ids: Iterable[int], event: str, data: dict[str, Any] | None = None
) -> None:
    """Send an event to every screen of these callers."""
    rooms = [room_of(caller_id) for caller_id in caller_ids]
    if rooms:
        socketio.emit(event, data or {}, namespace=NAMESPACE, to=rooms)


def disconnect_caller(caller_id: int) -> None:
    """Tell a caller's screens that the caller was removed or has signed out. Then close the sockets
    of these screens in every process (see `redis_manager`)."""
    emit_to_callers([caller_id], GONE)
    socketio.close_room(room_of(caller_id), namespace=NAMESPACE)
