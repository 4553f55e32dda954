"""Machine calls while the diallers are killed: nobody is called twice, and no line or call is lost.

`make soak TELEPHONE=yes` runs it for SOAK_SECONDS (60) with progressive and predictive calling. Two
diallers serve the campaign on the simulated network, which loses, doubles and delays events. One of
them is killed every few seconds, also while telephones ring. The callers are here: they connect,
are ready, say how each call ended, and some vanish.
"""

import os
import random
import signal
import subprocess
import time
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from flask import current_app
from sqlalchemy import select, text

from phonebank.calls.record import record
from phonebank.core.config import config_of
from phonebank.core.db import db
from phonebank.models import Call, Caller, CampaignMode, Line, LineSide, PhoneSettings, now
from phonebank.telephony.backend import LineRef
from phonebank.telephony.phases import Phase
from phonebank.telephony.sessions import connect, phone_of, set_ready
from phonebank.telephony.simulator_backend import SimulatorBackend
from tests.factories import (
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    own_number,
)
from tests.processes import Processes

pytestmark = [pytest.mark.load, pytest.mark.crash, pytest.mark.timeout(1200)]

SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
CALLERS, PEOPLE = 12, 3000
NETWORK = "answer=0.6,busy=0.3,ring=3,talk=3,lost=0.05,late=0.2,late_by=1.5,doubled=0.2"
OUTCOMES = ("talked", "answerphone", "hung_up", "refused")


def begin(mode: CampaignMode) -> tuple[int, list[int]]:
    campaign = create_campaign(mode=mode, hold_seconds=600)
    db.session.add(
        PhoneSettings(
            campaign_id=campaign.id,
            shown_number=own_number(999),
            ring_seconds=15,
            law_confirmed_at=now(),
        )
    )
    contacts = create_list(campaign)
    for n in range(PEOPLE):
        create_contact(contacts, phone=f"+4479009{n:05d}")
    callers = [create_caller(campaign, promised_at=datetime.now(UTC)).id for _ in range(CALLERS)]
    db.session.commit()
    return campaign.id, callers


class Volunteer:
    """A caller who does what the page offers."""

    def __init__(self, caller_id: int, chance: random.Random) -> None:
        self.caller_id, self.chance = caller_id, chance
        self.said: dict[uuid.UUID, str] = {}
        self.away_until = 0.0

    def act(self, goes_on: bool) -> None:
        if time.monotonic() < self.away_until:
            return
        phone = phone_of(self.caller_id, seen=True)
        caller = db.session.get_one(Caller, self.caller_id)
        if phone.phase == Phase.WRAPPING_UP:
            outcome = self.chance.choice(OUTCOMES)
            recorded = record(caller, phone.call_id, outcome)
            db.session.commit()
            self.said[phone.call_id] = recorded.outcome
        elif phone.phase == Phase.OFF and goes_on:
            connect(caller, own_number(self.caller_id))
            set_ready(caller, True)
        elif phone.phase in (Phase.RESTING, Phase.WAITING) and not goes_on:
            set_ready(caller, False)
        elif phone.phase == Phase.CALLING and goes_on and self.chance.random() < 0.004:
            self._hang_up(phone.line_id)
        db.session.commit()

    def _hang_up(self, line_id: int) -> None:
        """Let the caller's own telephone go dead."""
        SimulatorBackend(config_of(current_app)).hang_up(LineRef(line_id, f"sim-{line_id}"))
        self.away_until = time.monotonic() + 3


@pytest.mark.parametrize("mode", [CampaignMode.PROGRESSIVE, CampaignMode.PREDICTIVE])
def test_killed_diallers_lose_nothing(app, clean_stores, config, tmp_path, mode) -> None:
    chance = random.Random(f"{SEED} {mode}")
    settings = {"TELEPHONY": "simulator", "SIMULATOR": NETWORK}
    site = Processes(config, tmp_path / "log.txt", settings=settings)
    with app.app_context():
        campaign_id, callers = begin(mode)
    volunteers = [Volunteer(caller_id, chance) for caller_id in callers]
    for _ in range(2):
        site.start_command("run-dialler")
    kills = 0
    try:
        end = time.monotonic() + SECONDS
        kill_at = time.monotonic() + 8
        while time.monotonic() < end:
            turn(app, volunteers, goes_on=True)
            if time.monotonic() >= kill_at:
                kill_one(site, chance)
                kills += 1
                kill_at = time.monotonic() + chance.uniform(4, 9)
        settle(app, volunteers, campaign_id)
    finally:
        site.stop()
    with app.app_context():
        figures = faults_of(campaign_id, volunteers)
    print(f"\n{mode}: {kills} kills, {figures}")
    assert "Traceback" not in site.printed(), site.printed()[-4000:]


def turn(app, volunteers, goes_on) -> None:
    for volunteer in volunteers:
        with app.app_context():
            volunteer.act(goes_on)
    time.sleep(0.1)


def kill_one(site: Processes, chance: random.Random) -> None:
    place = chance.randrange(len(site.running))
    process: subprocess.Popen[bytes] = site.running.pop(place)
    process.send_signal(signal.SIGKILL)
    process.wait()
    site.start_command("run-dialler")


def settle(app, volunteers, campaign_id) -> None:
    """Let the callers finish what they are doing, until no line to a person is open."""
    give_up = time.monotonic() + 90
    open_lines = text(
        "SELECT count(*) FROM line WHERE campaign_id = :id AND side = 'person' AND ended_at IS NULL"
    )
    open_calls = text("SELECT count(*) FROM call WHERE campaign_id = :id AND ended_at IS NULL")
    quiet = (
        0  # looks in a row; the dialler may be about to call for the last callers who were ready
    )
    while quiet < 20:
        turn(app, volunteers, goes_on=False)
        with app.app_context():
            left = [
                db.session.scalar(query, {"id": campaign_id}) for query in (open_lines, open_calls)
            ]
        quiet = quiet + 1 if left == [0, 0] else 0
        assert time.monotonic() < give_up, f"open lines and calls: {left}"


def faults_of(campaign_id: int, volunteers: list[Volunteer]) -> str:
    """Check the promises from the rows. Return figures in words."""
    query = select(Line).where(Line.campaign_id == campaign_id, Line.side == LineSide.PERSON)
    lines = list(db.session.scalars(query.order_by(Line.id)))
    calls = {call.id: call for call in db.session.scalars(select(Call))}
    assert all(line.ended_at and line.cause for line in lines), "a line whose end nobody knows"
    lines_of_call = defaultdict(list)
    lines_of_number = defaultdict(list)
    for line in lines:
        lines_of_call[line.call_id].append(line)
        lines_of_number[calls[line.call_id].phone].append(line)
    assert all(len(of) == 1 for of in lines_of_call.values()), "two lines for one call"
    for of_number in lines_of_number.values():
        for before, after in pairwise(of_number):
            assert before.ended_at <= after.dialled_at, "a number was called twice at once"
            if before.answered_at and not before.joined_at:
                assert after.dialled_at - before.answered_at > timedelta(hours=72)
    for call in calls.values():
        line = lines_of_call[call.id][0] if lines_of_call[call.id] else None
        if line is not None and line.answered_at is None and line.dialled_at is not None:
            assert call.outcome, f"a call that nobody answered was not recorded: {line.cause}"
    said = {call_id: outcome for v in volunteers for call_id, outcome in v.said.items()}
    assert all(calls[call_id].outcome == outcome for call_id, outcome in said.items())
    joined = [line for line in lines if line.joined_at]
    abandoned = [line for line in lines if line.answered_at and not line.joined_at]
    lost = [line for line in lines if line.cause == "lost"]
    figures = (
        f"{len(lines)} people called, {len(joined)} talked with a caller, {len(abandoned)} heard"
        f" the message, {len(lost)} lines the network never had, {len(said)} outcomes recorded"
    )
    assert len(joined) > SECONDS / 8, f"hardly anybody talked: {figures}"
    return figures
