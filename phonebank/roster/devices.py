"""A caller's device: the secret in its cookie, which makes it the caller's."""

import secrets

from phonebank.core.db import after_commit
from phonebank.live.caller_events import disconnect_caller
from phonebank.models import Caller


def end_session(caller: Caller) -> None:
    """End the session of a caller's device on the server: every copy of its cookie, and every
    socket that it opened, is worthless after the commit."""
    caller.device_token = secrets.token_urlsafe(24)
    caller_id = caller.id
    after_commit(lambda: disconnect_caller(caller_id))
