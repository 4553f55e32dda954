"""Writes what a webhook told once it is answered, so that Twilio never waits for PostgreSQL.

If the process dies in between, the dialler fetches what was lost.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from flask import Flask, Response, current_app
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from phonebank.core.db import autocommit, db
from phonebank.telephony.events import LineEvent
from phonebank.telephony.record_events import record_event

log = logging.getLogger(__name__)

# Events of one process are written a few at a time, so that callers' own requests always find a
# connection.
_at_once = threading.BoundedSemaphore(4)
# Seconds between the tries while PostgreSQL is away.
PAUSES = (0.2, 1.0, 5.0)


def record_after(response: Response, find: Callable[[], Sequence[LineEvent]]) -> Response:
    """Let the response write the events once it is sent. `find` returns them, and may query."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    response.call_on_close(lambda: _record(app, find))
    return response


def _record(app: Flask, find: Callable[[], Sequence[LineEvent]]) -> None:
    for pause in (*PAUSES, None):
        try:
            with _at_once, app.app_context():
                _write(find)
            return
        except (DBAPIError, InvalidRequestError, PoolTimeoutError) as error:
            # The text of the error may name a person's number.
            log.warning("what a webhook told was not written: %s", type(error).__name__)
            if pause is None:
                return
            time.sleep(pause)


@autocommit
def _write(find: Callable[[], Sequence[LineEvent]]) -> None:
    for event in find():
        record_event(event)
        db.session.commit()
