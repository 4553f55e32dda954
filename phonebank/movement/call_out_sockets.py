"""The websockets for a call-out (a meeting in a hall). The page on the projector uses one, and so
does the remote (the page from which somebody controls the projector). Through the websocket, these
pages receive the call-out's state, but cannot change anything."""

from typing import Any

from flask import request
from flask_socketio import join_room

from phonebank.callouts.board import NAMESPACE, room_of, state_of
from phonebank.callouts.call_outs import call_out_by_projector, call_out_by_remote
from phonebank.core.access import ANYONE, TV, open_to
from phonebank.core.errors import GoneError
from phonebank.live.server import on_event, refuse_unknown_events
from phonebank.models import CallOut

refuse_unknown_events(NAMESPACE)

# For each open socket of this process, by socket id: the token with which the socket connected.
_tokens: dict[str, str] = {}


@on_event("connect", NAMESPACE)
@open_to(TV)
def watcher_connects(proof: Any = None) -> None:
    """Connect the projector's page or the remote to the call-out to which the page belongs.

    `proof` is {"token": …}, with the token from the page's link. Raises GoneError if no call-out
    has this token.
    """
    token = proof.get("token") if isinstance(proof, dict) else None
    call_out = _call_out(str(token or ""))
    join_room(room_of(call_out.id))
    _tokens[request.sid] = str(token)  # type: ignore[attr-defined]


@on_event("disconnect", NAMESPACE)
@open_to(ANYONE)
def watcher_disconnects(_reason: str = "") -> None:
    """Forget the token of this socket, which has disconnected."""
    _tokens.pop(request.sid, None)  # type: ignore[attr-defined]


@on_event("snapshot", NAMESPACE)
@open_to(TV)
def call_out_snapshot(_: Any = None) -> dict[str, Any]:
    """Return the call-out's current state. Raises GoneError if the call-out's link no longer
    works."""
    return {"board": state_of(_call_out(_tokens.get(request.sid, "")))}  # type: ignore[attr-defined]


def _call_out(token: str) -> CallOut:
    try:
        return call_out_by_projector(token)
    except GoneError:
        return call_out_by_remote(token)
