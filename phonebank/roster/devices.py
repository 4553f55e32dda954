"""Signs a caller's device out, by changing the secret token that its cookie must hold."""

import secrets

from phonebank.core.db import after_commit
from phonebank.live.caller_events import disconnect_caller
from phonebank.models import Caller


def end_session(caller: Caller) -> None:
    """Sign a caller's device out.

    After the commit every copy of its cookie is invalid, and every socket that it opened closes.
    """
    caller.device_token = secrets.token_urlsafe(24)
    caller_id = caller.id
    after_commit(lambda: disconnect_caller(caller_id))
