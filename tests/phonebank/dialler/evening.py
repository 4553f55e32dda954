"""An evening on the simulated telephone network, in one process, for tests of the dialler."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from sqlalchemy import select

from phonebank.core.config import config_of
from phonebank.core.db import db
from phonebank.dialler.campaign_dialler import CampaignDialler
from phonebank.models import Call, CampaignMode, Line, LineSide, PhoneSettings
from phonebank.telephony.backend import Backend
from phonebank.telephony.record_events import record_event
from phonebank.telephony.sessions import connect, set_ready
from phonebank.telephony.simulator_backend import SimulatorBackend
from scripts_library.library import source_of
from tests.factories import (
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_script,
    drama_number,
    own_number,
)

# Steady, because a conversation of a few hundredths of a second is over before a test can see it.
QUICK = "ring=0.3,talk=1,late_by=0.3,steady=1"


class Evening:
    """A campaign whose callers are on the telephone."""

    message_takes = 1.1  # seconds, as `SimulatedLine` has it, and a look at the network

    def __init__(self, app: Flask, mode: CampaignMode, people: int, callers: int, how: str) -> None:
        self.app = app
        self.campaign = create_campaign(mode=mode)
        db.session.add(
            PhoneSettings(
                campaign_id=self.campaign.id, shown_number=drama_number(0), ring_seconds=15
            )
        )
        contact_list = create_list(self.campaign)
        self.contacts = [
            create_contact(contact_list, phone=drama_number(n + 1)).id for n in range(people)
        ]
        create_script(self.campaign, source_of("persuasive-conversation", "en"))
        self.callers = [
            create_caller(self.campaign, promised_at=datetime.now(UTC)) for _ in range(callers)
        ]
        db.session.commit()
        self.campaign_id = self.campaign.id
        config = replace(config_of(app), telephony="simulator", simulator=f"{QUICK},{how}")
        self.backend: Backend = SimulatorBackend(config)
        self.dialler = CampaignDialler(self.campaign_id, self.backend)

    def restart(self) -> None:
        """Let another dialler take over, which knows nothing but the tables."""
        self.dialler.close()
        self.dialler = CampaignDialler(self.campaign_id, self.backend)

    def connect_all(self, ready: bool = True) -> None:
        for n, caller in enumerate(self.callers):
            connect(caller, own_number(n))
            if ready:
                set_ready(caller, True)
        db.session.commit()

    def run(self, until: Callable[[], Any], seconds: float = 15) -> Any:
        """Take turns until the condition holds, and return it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.dialler.turn()
            db.session.expire_all()
            found = until()
            if found:
                return found
            time.sleep(0.03)
        raise AssertionError(f"not within {seconds} seconds: {self.lines()}")

    def lines(self, side: LineSide = LineSide.PERSON) -> list[Line]:
        query = select(Line).where(Line.campaign_id == self.campaign_id, Line.side == side)
        return list(
            db.session.scalars(query.order_by(Line.id).execution_options(populate_existing=True))
        )

    def calls(self) -> list[Call]:
        query = select(Call).where(Call.campaign_id == self.campaign_id)
        return list(
            db.session.scalars(
                query.order_by(Call.started_at).execution_options(populate_existing=True)
            )
        )


@contextmanager
def evening(
    app: Flask,
    mode: CampaignMode = CampaignMode.PROGRESSIVE,
    people: int = 3,
    callers: int = 1,
    how: str = "lost=0",
) -> Iterator[Evening]:
    """An evening in which the dialler takes its turns when `run` is called."""
    with app.app_context():
        made = Evening(app, mode, people, callers, how)

        def tell(event):
            with app.app_context():
                record_event(event)
                db.session.commit()

        made.backend.listen(tell)
        try:
            yield made
        finally:
            made.backend.close()
            made.dialler.close()
