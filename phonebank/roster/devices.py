"""A caller's device: the secret token in its cookie."""

import secrets

from phonebank.core.db import after_commit
from phonebank.live.caller_events import disconnect_caller
from phonebank.models import Caller


def end_session(caller: Caller) -> None:
    """End the session of a caller's device on the server.

    After the commit every copy of its cookie is invalid, and every socket that it opened closes.
    """
    caller.device_token = secrets.token_urlsafe(24)
    caller_id = caller.id
    after_commit(lambda: disconnect_caller(caller_id))
