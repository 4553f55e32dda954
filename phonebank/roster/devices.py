"""A caller's device: what its cookie holds, and signing it out."""

import secrets
from typing import Any

from phonebank.core.db import after_commit
from phonebank.live.caller_events import disconnect_caller
from phonebank.models import Caller

# The key of the caller in the session cookie.
COOKIE_KEY = "caller"


def cookie_for(caller: Caller) -> dict[str, Any]:
    """Return what the session cookie of a caller's device must hold."""
    return {"id": caller.id, "token": caller.device_token}


def end_session(caller: Caller) -> None:
    """Sign a caller's device out.

    After the commit every copy of its cookie is invalid, and every socket that it opened closes.
    """
    caller.device_token = secrets.token_urlsafe(24)
    caller_id = caller.id
    after_commit(lambda: disconnect_caller(caller_id))
