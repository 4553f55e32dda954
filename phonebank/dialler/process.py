"""The process `phonebank run-dialler`. Several such processes may run, but only one of them at a
time serves a campaign."""

import logging
import signal
import threading
import time
from collections.abc import Callable

from flask import Flask
from sqlalchemy.exc import DBAPIError

from phonebank.core.config import config_of
from phonebank.core.db import db
from phonebank.dialler.campaign_dialler import CampaignDialler
from phonebank.dialler.locks import CampaignLocks
from phonebank.dialler.rows import campaigns_on_the_telephone
from phonebank.telephony.backend import Backend
from phonebank.telephony.backends import backend_for
from phonebank.telephony.events import LineEvent
from phonebank.telephony.record_events import record_event

log = logging.getLogger(__name__)

# Seconds between two turns, between two searches for campaigns, and after a failure.
TURN_EVERY = 0.1
LOOK_EVERY = 1.0
AFTER_FAILURE = 1.0


def run_dialler(app: Flask, stop: threading.Event | None = None) -> None:
    """Serve campaigns until `stop` is set. If `stop` is None, serve campaigns until SIGTERM or
    SIGINT asks the process to stop. Lines that are open at the end stay open, and the next dialler
    takes them over. If no telephone provider is set up, only wait."""
    if stop is None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    backend = backend_for(config_of(app))
    if backend is None:
        while not stop.wait(60):
            pass
        return
    backend.listen(lambda event: _tell(app, event))
    locks, served = CampaignLocks(), dict[int, CampaignDialler]()
    try:
        _serve(app, backend, stop, locks, served)
    finally:
        _end(app, backend, locks, served)


def _tell(app: Flask, event: LineEvent) -> None:
    """Store an event that `Backend.listen` has passed on. If PostgreSQL does not answer, the event
    is dropped, and the next `fetch` reports it again."""
    with app.app_context():
        try:
            record_event(event)
            db.session.commit()
        except DBAPIError as error:
            log.warning("an event was not written: %s", type(error).__name__)


def _serve(
    app: Flask,
    backend: Backend,
    stop: threading.Event,
    locks: CampaignLocks,
    served: dict[int, CampaignDialler],
) -> None:
    looked_at = float("-inf")
    while not stop.is_set():
        pause = TURN_EVERY if served else LOOK_EVERY
        try:
            with app.app_context():
                if time.monotonic() - looked_at >= LOOK_EVERY:
                    looked_at = time.monotonic()
                    _take_over(locks, served, backend)
                for dialler in served.values():
                    dialler.turn()
        except DBAPIError as error:
            log.warning("the dialler could not reach PostgreSQL: %s", type(error).__name__)
            pause = AFTER_FAILURE
        stop.wait(pause)


def _end(
    app: Flask, backend: Backend, locks: CampaignLocks, served: dict[int, CampaignDialler]
) -> None:
    """Play the message to people who would otherwise stay on a silent line. Then store what the
    provider knows about the lines that are still open, and release the campaigns' locks."""

    def for_each(act: Callable[[CampaignDialler], None]) -> None:
        with app.app_context():
            for campaign_id in locks.hold(served):
                try:
                    act(served[campaign_id])
                except Exception as error:  # the other campaigns' people wait, too
                    db.session.rollback()
                    log.error("a campaign's lines were left: %s", type(error).__name__)

    for_each(CampaignDialler.leave_nobody_waiting)
    # From here on, the provider itself plays the message to people who answer. Somebody may have
    # answered just before.
    backend.close()
    for_each(CampaignDialler.ask_provider)
    for_each(CampaignDialler.leave_nobody_waiting)
    for dialler in served.values():
        dialler.close()
    # Now it is known who was put through at the last moment.
    for_each(CampaignDialler.ask_provider)
    with app.app_context():
        locks.close()


def _take_over(locks: CampaignLocks, served: dict[int, CampaignDialler], backend: Backend) -> None:
    held = locks.hold(campaigns_on_the_telephone())
    db.session.commit()
    for campaign_id in served.keys() - held:
        served.pop(campaign_id).close()
    for campaign_id in held - served.keys():
        served[campaign_id] = CampaignDialler(campaign_id, backend)
