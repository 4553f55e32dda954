"""Makes and reads the part of the session cookie that identifies a caller's device, and signs the
device out."""

import hmac
import secrets
from typing import Any

from phonebank.core.db import after_commit
from phonebank.live.caller_events import disconnect_caller
from phonebank.models import Caller

# The key of the caller in the session cookie.
COOKIE_KEY = "caller"


def cookie_for(caller: Caller) -> dict[str, Any]:
    """Return the value that the session cookie of a caller's device must have for COOKIE_KEY."""
    return {"id": caller.id, "token": caller.device_token}


def id_and_token(known: object) -> tuple[int, str] | None:
    """Return the caller's id and the token from a device's session cookie. `known` is the cookie's
    value for COOKIE_KEY. Return None if `known` is not a dict with an int as "id"."""
    if not isinstance(known, dict) or type(known.get("id")) is not int:
        return None
    return known["id"], str(known.get("token"))


def is_device_of(caller: Caller, token: str) -> bool:
    """Whether a cookie with this token is valid for the caller's device."""
    return hmac.compare_digest(caller.device_token, token)


def end_session(caller: Caller) -> None:
    """Sign a caller's device out.

    After the commit, all copies of the device's cookie are invalid, and the caller's open sockets
    are closed.
    """
    caller.device_token = secrets.token_urlsafe(24)
    caller_id = caller.id
    after_commit(lambda: disconnect_caller(caller_id))
