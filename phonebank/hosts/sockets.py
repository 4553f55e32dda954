"""The two lines to browsers: a party's board, and a caller's own screens.

Both only listen. A client proves itself on connecting and is told what its proof allows; the few
events it may send ask for a whole state, and change nothing.
"""

from typing import Any

from flask import request
from flask_security import current_user
from flask_socketio import join_room

from phonebank.accounts import sessions
from phonebank.core import access
from phonebank.core.access import ANYONE, CALLER, TV, open_to
from phonebank.core.db import db
from phonebank.core.errors import BadInput, NotAllowed, SignInNeeded
from phonebank.live import broadcaster, caller_events
from phonebank.live.board_snapshot import whole_board
from phonebank.live.broadcaster import Watcher
from phonebank.live.server import hears, live, refuse_unknown_events
from phonebank.models import HOST, Caller, Party
from phonebank.models.caller import REMOVED
from phonebank.parties.services import party_by_board_token, party_for

for namespace in (broadcaster.NAMESPACE, caller_events.NAMESPACE):
    refuse_unknown_events(namespace)


@hears("connect", broadcaster.NAMESPACE)
@open_to(TV)
def board_connects(proof: Any = None) -> None:
    """Let in a television by its link's token, or a host by their sign-in.

    `proof` is {"token": …} or {"party": id}.
    """
    watcher = _watcher(proof)
    join_room(broadcaster.room_of(watcher.party_id))
    live().pump.add(request.sid, watcher)  # type: ignore[attr-defined]


@hears("disconnect", broadcaster.NAMESPACE)
@open_to(ANYONE)
def board_goes(_reason: str = "") -> None:
    """Feed this board no more."""
    live().pump.remove(request.sid)  # type: ignore[attr-defined]


@hears("snapshot", broadcaster.NAMESPACE)
@open_to(TV)
def board_asks(_: Any = None) -> dict[str, Any]:
    """The whole board, as it is now."""
    watcher = live().pump.watcher(request.sid)  # type: ignore[attr-defined]
    if watcher is None:
        raise NotAllowed("This board isn't connected.", "Reload the page.")
    # Asked again: the host may have signed out since it connected, the link have been replaced.
    if watcher.token is None:
        _watcher({"party": watcher.party_id})
    return {"board": whole_board(watcher.party_id, watcher.token)}


def _watcher(proof: Any) -> Watcher:
    """Who watches which party, by what they show. Raises Gone, SignInNeeded, NotAllowed, NotFound
    or BadInput."""
    token = proof.get("token") if isinstance(proof, dict) else None
    party_id = proof.get("party") if isinstance(proof, dict) else None
    if isinstance(token, str) and token:
        return Watcher(party_by_board_token(token).id, token)
    if type(party_id) is not int or not 0 < party_id < 2**31:
        raise BadInput("This isn't a link to a board.", "Open the board from the host's page.")
    access.check(HOST)
    return Watcher(
        party_for(current_user, party_id).id,
        account_id=current_user.id,
        session_id=sessions.current_id(),
    )


@hears("connect", caller_events.NAMESPACE)
@open_to(CALLER)
def caller_connects(_: Any = None) -> None:
    """Let in one screen of a caller, known by their device's cookie."""
    caller = _caller()
    join_room(caller_events.room_of(caller.id))
    live().screens.add(request.sid, caller.id, caller.device_token)  # type: ignore[attr-defined]


@hears("disconnect", caller_events.NAMESPACE)
@open_to(ANYONE)
def caller_goes(_reason: str = "") -> None:
    """Look after this screen no more."""
    live().screens.remove(request.sid)  # type: ignore[attr-defined]


@hears("state", caller_events.NAMESPACE)
@open_to(CALLER)
def caller_asks(_: Any = None) -> dict[str, Any]:
    """Where the caller stands: for a screen that may have missed an event while it slept."""
    caller = _caller()
    party = db.session.get(Party, caller.party_id) if caller.party_id else None
    return {
        "state": caller.state,
        "paused": party.paused if party else False,
        "ended": party.is_over if party else False,
    }


def _caller() -> Caller:
    caller = live().recognise_caller()
    if caller is None:
        raise SignInNeeded("We don't recognise this device.", "Join again with the code.")
    if caller.state == REMOVED:
        raise NotAllowed("You are no longer in this party.", "If this is a mistake, ask the host.")
    return caller
