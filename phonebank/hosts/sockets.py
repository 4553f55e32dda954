"""The websocket of a party's board (the page of figures for the television in the room).

A board receives events, and cannot change anything. When a board connects, it sends a proof: a
television sends the token of its link, and a host's page sends the party's id. The board then gets
the events of that party. A connected board may send only one kind of event, which asks for the
board's whole state.
"""

from typing import Any

from flask import request
from flask_security import current_user
from flask_socketio import join_room

from phonebank.accounts import sessions
from phonebank.core import access
from phonebank.core.access import ANYONE, TV, open_to
from phonebank.core.errors import InvalidInputError, NotAllowedError
from phonebank.live import broadcaster
from phonebank.live.board_snapshot import board_snapshot
from phonebank.live.broadcaster import Watcher
from phonebank.live.server import live, on_event, refuse_unknown_events
from phonebank.models import RoleName
from phonebank.parties.services import party_by_board_token, party_for

refuse_unknown_events(broadcaster.NAMESPACE)


@on_event("connect", broadcaster.NAMESPACE)
@open_to(TV)
def board_connects(proof: Any = None) -> None:
    """Connect a board. `proof` is {"token": …} from a television, or {"party": id} from the page of
    a signed-in host. Raises the errors of `_watcher`."""
    watcher = _watcher(proof)
    join_room(broadcaster.room_of(watcher.party_id))
    live().broadcaster.add(request.sid, watcher)  # type: ignore[attr-defined]


@on_event("disconnect", broadcaster.NAMESPACE)
@open_to(ANYONE)
def board_disconnects(_reason: str = "") -> None:
    """Stop sending events to this board."""
    live().broadcaster.remove(request.sid)  # type: ignore[attr-defined]


@on_event("snapshot", broadcaster.NAMESPACE)
@open_to(TV)
def snapshot(_: Any = None) -> dict[str, Any]:
    """Return the board's current state. Raises NotAllowedError if this board is not connected.
    Raises the errors of `_watcher` if the proof that the board sent is no longer valid."""
    watcher = live().broadcaster.watcher(request.sid)  # type: ignore[attr-defined]
    if watcher is None:
        raise NotAllowedError("This board isn't connected.", "Reload the page.")
    # The proof is checked again, because the host may have signed out since the board connected, or
    # the link may have been replaced.
    if watcher.token is None:
        _watcher({"party": watcher.party_id})
    return {"board": board_snapshot(watcher.party_id, watcher.token)}


def _watcher(proof: Any) -> Watcher:
    """Return a `Watcher` (a connected board) for the party that the sender of this proof may see.

    Raises GoneError if the board's link was replaced, and InvalidInputError if the proof names no
    board. A proof that names a party needs a sign-in: raises SignInRequiredError if nobody is
    signed in. Raises NotAllowedError if the signed-in person may not host, and NotFoundError if
    they may not run this party.
    """
    token = proof.get("token") if isinstance(proof, dict) else None
    party_id = proof.get("party") if isinstance(proof, dict) else None
    if isinstance(token, str) and token:
        return Watcher(party_by_board_token(token).id, token)
    if type(party_id) is not int or not 0 < party_id < 2**31:
        raise InvalidInputError(
            "This isn't a link to a board.", "Open the board from the host's page."
        )
    access.check(RoleName.HOST)
    return Watcher(
        party_for(current_user, party_id).id,
        account_id=current_user.id,
        session_id=sessions.current_id(),
    )
