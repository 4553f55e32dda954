"""Speaks to the screens of single callers, whichever process they are connected to.

What is said is a hint to look again: the truth is in PostgreSQL, and a screen that heard nothing
finds it with its next request. Through Redis; raises nothing when Redis is away. Call it after the
commit.
"""

from collections.abc import Iterable
from typing import Any

from phonebank.live.caller_screens import GONE
from phonebank.live.caller_screens import NAMESPACE as NAMESPACE
from phonebank.live.server import socketio

ADMITTED = "admitted"
MESSAGE = "message"
# The party was paused, went on, or ended.
PARTY = "party"


def room_of(caller_id: int) -> str:
    """The room of all screens of one caller."""
    return f"caller:{caller_id}"


def tell_callers(caller_ids: Iterable[int], event: str, data: dict[str, Any] | None = None) -> None:
    """Send an event to every screen of these callers."""
    rooms = [room_of(caller_id) for caller_id in caller_ids]
    if rooms:
        socketio.emit(event, data or {}, namespace=NAMESPACE, to=rooms)


def tell_removed(caller_id: int) -> None:
    """Tell the screens of a caller who was removed or has left, then cut them off, in whichever
    process they are: see `phonebank.live.redis_manager`."""
    tell_callers([caller_id], GONE)
    socketio.close_room(room_of(caller_id), namespace=NAMESPACE)
