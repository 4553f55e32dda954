"""Stores the events that webhooks report. Each webhook is answered first, so Twilio does not wait
until the events are stored.

In each process, one thread stores the events of all waiting webhooks. One transaction stores the
events of up to AT_ONCE webhooks.

Events are lost if the process dies before they are stored, or if PostgreSQL does not answer for
several seconds. The dialler then asks Twilio for the states of the lines. But some facts stay lost,
because Twilio does not keep these facts: for example, that a message was played.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence

from flask import Flask, Response, current_app
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from phonebank.core.db import db
from phonebank.telephony.events import LineEvent
from phonebank.telephony.record_events import record_events

log = logging.getLogger(__name__)

Find = Callable[[], Sequence[LineEvent]]

# The events of at most this many webhooks are written in one transaction.
AT_ONCE = 200
# Seconds between the tries while PostgreSQL does not answer, or after a conflict of two processes.
PAUSES = (0.1, 1.0, 5.0)

_EXTENSION = "phonebank.phone_webhooks"
_starting = threading.Lock()


def record_after(response: Response, find: Find) -> Response:
    """Return the response. After the response has been sent, the thread that stores this process's
    events calls `find`. `find` returns the events that the webhook reported, and may read the
    database."""
    writer = _writer()
    response.call_on_close(lambda: writer.put(find))
    return response


def _writer() -> "queue.SimpleQueue[Find]":
    """Return this process's queue. Each item is a function that returns events. A thread takes the
    functions from the queue, calls them and stores the events. If this thread has not been started
    in this process yet, start it."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with _starting:
        waiting: queue.SimpleQueue[Find] | None = app.extensions.get(_EXTENSION)
        if waiting is None:
            waiting = app.extensions[_EXTENSION] = queue.SimpleQueue()
            threading.Thread(target=_write_for_ever, args=(app, waiting), daemon=True).start()
    return waiting


def _write_for_ever(app: Flask, waiting: "queue.SimpleQueue[Find]") -> None:
    while True:
        finds = [waiting.get()]
        while len(finds) < AT_ONCE and not waiting.empty():
            finds.append(waiting.get())
        try:
            with app.app_context():
                _write(finds)
        except Exception as error:  # the thread must continue, because later webhooks need it
            # The text of the error may name a person's number.
            log.error("webhooks were not written: %s", type(error).__name__)


def _write(finds: Sequence[Find]) -> None:
    for pause in (0.0, *PAUSES):
        time.sleep(pause)
        try:
            record_events([event for find in finds for event in find()])
            db.session.commit()
            return
        except (DBAPIError, InvalidRequestError, PoolTimeoutError) as error:
            db.session.rollback()
            log.warning("webhooks wait to be written: %s", type(error).__name__)
            if len(finds) > 1 and isinstance(error, IntegrityError):
                # One of the webhooks can't be written, and must not hold up the others.
                for find in finds:
                    _write([find])
                return
    log.error("%d webhooks were not written, and the dialler asks for what they told", len(finds))
