"""Find out to which caller a device belongs. A signed cookie on the device has the caller's id and
device token.

A caller has no account and no password. A caller joins with a code or a link, and gives only a
first name. A host or an organiser then admits the caller, or the caller is admitted automatically.
When a caller leaves or is removed, the server stores a new device token for the caller. The server
then accepts neither the old cookie nor any copy of it.
"""

import functools
from collections.abc import Callable
from typing import Any

from flask import g, session
from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload

from phonebank.calls.caller_to_read import caller_to_read
from phonebank.calls.hold import Device
from phonebank.core.access import CALLER, open_to
from phonebank.core.db import autocommit, db, retry_on_deadlock
from phonebank.core.errors import SignInRequiredError
from phonebank.core.rate_limits import client_key
from phonebank.models import Caller, CallerState
from phonebank.roster.devices import COOKIE_KEY, cookie_for, id_and_token, is_device_of

# The query also loads the campaign and the party, which nearly every request needs.
_BY_ID = (
    select(Caller)
    .options(joinedload(Caller.campaign), joinedload(Caller.party))
    .where(Caller.id == bindparam("id"))
)


def remember(caller: Caller) -> None:
    """Store in this device's cookie that the device belongs to the caller. The browser keeps the
    cookie even when the browser is closed."""
    session[COOKIE_KEY] = cookie_for(caller)
    session.permanent = True


def forget() -> None:
    """Forget which caller this device belongs to."""
    session.pop(COOKIE_KEY, None)


def device_of_cookie() -> Device | None:
    """Return the caller's id and the device token from the cookie, or None if the cookie has no
    caller. The token has not been checked against PostgreSQL yet."""
    known = id_and_token(session.get(COOKIE_KEY))
    return Device(*known) if known is not None else None


def device_key() -> str:
    """Return the key by which a rate limit counts requests: the caller's id from the cookie, or the
    network address if the cookie has no caller."""
    device = device_of_cookie()
    return f"caller {device.id}" if device else client_key()


def caller_of_device() -> Caller | None:
    """Return the caller to whom this device belongs, even if the caller is not admitted yet. Return
    None if the device has no valid cookie. The cookie of a removed caller is no longer valid."""
    return _caller_of_device(_find)


def _caller_of_device(find: Callable[[int], Caller | None]) -> Caller | None:
    device = device_of_cookie()
    if device is None:
        return None
    caller = find(device.id)
    if caller is None or not is_device_of(caller, device.device_token):
        return None
    return caller


def _find(caller_id: int) -> Caller | None:
    caller: Caller | None = db.session.scalar(_BY_ID, {"id": caller_id})
    return caller


def current_caller() -> Caller:
    """Return the caller of this request.

    Raises SignInRequiredError if the device has no valid cookie, or if the caller was removed.
    """
    return _let_in(caller_of_device())


def _let_in(caller: Caller | None) -> Caller:
    if caller is None or caller.state == CallerState.REMOVED:
        raise SignInRequiredError(
            "You haven't joined on this device, or you've left, or the host or an organiser has "
            "removed you.",
            "Join with the code on your host's screen, or with your campaign's link.",
        )
    return caller


# The query needs no transaction. A view that writes begins its transaction after the query.
_look_up = autocommit(current_caller)


def for_callers(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let only callers open a view, and pass the caller to the view in `g.caller`. The caller may
    still be waiting to be admitted.

    The view may run again after a deadlock: see `retry_on_deadlock`.
    """

    @functools.wraps(view)
    @retry_on_deadlock
    def known(*args: Any, **kwargs: Any) -> Any:
        g.caller = _look_up()
        return view(*args, **kwargs)

    return open_to(CALLER)(known)


def for_busy_callers(
    view: Callable[..., Any], find: Callable[[int], Caller | None] = caller_to_read
) -> Callable[..., Any]:
    """Let only callers open a view, as `for_callers` does. This decorator is for views that every
    phone requests again and again.

    The view can read `g.caller`, `g.caller.campaign` and `g.caller.party`, but must not change
    these objects or read their other relationships. Each SQL statement of the view is a separate
    transaction: see `autocommit`. Like `caller_to_read`, `find` takes an id and returns the caller
    with this id, or None if there is no such caller.
    """

    @functools.wraps(view)
    @retry_on_deadlock
    @autocommit
    def known(*args: Any, **kwargs: Any) -> Any:
        g.caller = _let_in(_caller_of_device(find))
        return view(*args, **kwargs)

    return open_to(CALLER)(known)
