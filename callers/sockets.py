"""The socket of a caller's own pages.

When a screen (an open page) connects, the device's cookie identifies the caller. A screen mostly
receives events. A screen can also send two kinds of request. A `state` request asks for the
caller's state and the state of the party, and changes nothing. A `renew` request extends the time
for which the caller keeps the contact on the screen.
"""

import uuid
from datetime import datetime
from typing import Any

from flask import request
from flask_socketio import join_room

from callers.sessions import caller_of_device, device_of_cookie
from callers.views.call_view_model import seconds_until
from phonebank.calls.hold import renew_hold
from phonebank.core.access import ANYONE, CALLER, open_to
from phonebank.core.db import autocommit, db, retry_on_deadlock
from phonebank.core.errors import NotAllowedError, NotFoundError, SignInRequiredError
from phonebank.core.overload import record_under_way
from phonebank.live import caller_events
from phonebank.live.server import live, on_event, refuse_unknown_events
from phonebank.models import Caller, CallerState, Party
from phonebank.parties.services import state_for_callers

refuse_unknown_events(caller_events.NAMESPACE)


@on_event("connect", caller_events.NAMESPACE)
@open_to(CALLER)
def screen_connects(_: Any = None) -> None:
    """Connect one screen (an open page) of a caller, who is identified by their device's cookie."""
    caller = _caller()
    join_room(caller_events.room_of(caller.id))
    live().screens.add(request.sid, caller.id, caller.device_token)  # type: ignore[attr-defined]


@on_event("disconnect", caller_events.NAMESPACE)
@open_to(ANYONE)
def screen_disconnects(_reason: str = "") -> None:
    """Remove this screen from the list of connected screens."""
    live().screens.remove(request.sid)  # type: ignore[attr-defined]


@on_event("state", caller_events.NAMESPACE)
@open_to(CALLER)
def state(_: Any = None) -> dict[str, Any]:
    """Return the caller's state, and whether the party is on a break or has ended.

    A page asks for this when it connects and when it becomes visible again, because it may have
    missed an event about a new state, a break or the end of the party.
    """
    caller = _caller()
    party = db.session.get(Party, caller.party_id) if caller.party_id else None
    return {"state": caller.state, **state_for_callers(party)}


@on_event("renew", caller_events.NAMESPACE)
@open_to(CALLER)
def renew(asked: Any = None) -> dict[str, Any]:
    """Extend the hold of a call (the time for which the caller keeps the contact), like the view
    `renew` in `views/record.py`.

    `asked` is {"call": the call's id}. "seconds_left" in the result is the number of seconds until
    the hold ends. Raises NotFoundError if `asked` contains no call id, and the errors of
    `renew_hold` and of `record_under_way`. If the device's cookie is missing or no longer valid,
    raises SignInRequiredError instead of the error of `renew_hold`.
    """
    call_id = _call_id(asked)
    with record_under_way():
        return {"seconds_left": seconds_until(_renew(call_id))}


@retry_on_deadlock
@autocommit
def _renew(call_id: uuid.UUID) -> datetime:
    device = device_of_cookie()
    try:
        # The statement that renews the hold also checks the device token, so no other query has to
        # find the caller first.
        until = renew_hold(device or _caller(), call_id)
    except NotFoundError:
        _caller()
        raise
    db.session.commit()
    return until


def _call_id(asked: Any) -> uuid.UUID:
    try:
        return uuid.UUID(asked["call"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NotFoundError("There is no such call.", "Reload the page.") from None


def _caller() -> Caller:
    caller = caller_of_device()
    if caller is None:
        raise SignInRequiredError("We don't recognise this device.", "Join again with the code.")
    if caller.state == CallerState.REMOVED:
        raise NotAllowedError(
            "You are no longer in this party.", "If this is a mistake, ask the host."
        )
    return caller
