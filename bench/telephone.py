"""Measures calls through Twilio at the rate of a very busy evening: 70 dials a second, with 2,000
callers.

A simulated Twilio (`bench.twilio_network`) gets the requests over HTTP from `TwilioBackend`, the
code that also talks to the real Twilio. The simulated Twilio sends its webhooks to two web workers.

Bars (docs/benchmarks.md):
- at p99 the server takes at most 100 ms for a webhook
- every webhook is accepted, and each line (a telephone call at Twilio) that ended at Twilio has
  also ended in the table `line`, and the simulated Twilio notes no fault
"""

import random
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from flask import Flask
from sqlalchemy import text

from bench.command_process import CommandProcess
from bench.measuring import Clock
from bench.reporting import format_tail, percentile, report
from bench.servers import migrated_app, stores, web
from bench.twilio_network import CALLERS
from phonebank.core.config import Config, config_of
from phonebank.core.db import db
from phonebank.models import LineSide, LineState
from phonebank.models.state_column import state_text
from phonebank.telephony.backend import BackendUnavailableError, LineRef
from phonebank.telephony.twilio_backend import TwilioBackend
from phonebank.telephony.twilio_events import CAUSES
from tests.factories import create_campaign
from tests.twilio_api.simulator import ACCOUNT, AUTH_TOKEN

BAR = 0.1  # seconds, p99
WORKERS = 2
PUBLIC = "https://phonebank.example"
SHOWN = "+442079460000"
TWILIO = {
    "TELEPHONY": "twilio",
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
    "TWILIO_CALLS_A_SECOND": "1000",
    "BASE_URL": PUBLIC,
    "PHONEBANK_TIMINGS": "yes",
}
# Seconds. All calls have ended within this time after the last dial.
ENDS_WITHIN = 45.0

_LINES = text("""
INSERT INTO line (campaign_id, side, backend, state, sequence, created_at, dialled_at)
SELECT :campaign_id, :side, 'twilio', 'wanted', 0, now(), now() FROM generate_series(1, :count)
RETURNING id
""")
# The web processes lock lines in the order of their ids, too.
_LOCK = text("SELECT id FROM line WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")
_SET_IDS = text("""
UPDATE line SET provider_id = coalesce(line.provider_id, told.sid)
FROM unnest(CAST(:ids AS bigint[]), CAST(:sids AS text[])) AS told (id, sid)
WHERE line.id = told.id
""")
_ANSWERED = state_text(
    """
SELECT id, provider_id FROM line WHERE side = :person AND state = :answered
  AND joined_at IS NULL AND id > :after ORDER BY id
""",
    person=LineSide.PERSON,
    answered=LineState.ANSWERED,
)
_OPEN = state_text("SELECT count(*) FROM line WHERE state <> :ended", ended=LineState.ENDED)
_ENDED = text("SELECT provider_id, state, cause FROM line WHERE provider_id IS NOT NULL")


class Dialler:
    """Makes calls as the dialler does, through `TwilioBackend`."""

    def __init__(self, app: Flask, backend: TwilioBackend, campaign_id: int) -> None:
        self._app, self._backend, self._campaign_id = app, backend, campaign_id
        self._pool = ThreadPoolExecutor(24)
        self._random = random.Random(5)
        self.callers: list[LineRef] = []
        self._joined: set[int] = set()
        self.unavailable = 0

    def make_lines(self, side: str, count: int) -> list[int]:
        values = {"campaign_id": self._campaign_id, "side": side, "count": count}
        ids = list(db.session.execute(_LINES, values).scalars())
        db.session.commit()
        return ids

    def dial(self, side: str, ids: list[int], rate: float) -> None:
        """Dial these lines at a steady rate (lines a second). Meanwhile, look for people who have
        answered, and join each of them to a random caller."""
        began = time.monotonic()
        under_way: deque[tuple[int, Future[str | None]]] = deque()
        for index, line_id in enumerate(ids):
            wait = began + index / rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            number = f"+4477{line_id:08}"
            under_way.append((line_id, self._pool.submit(self._place, side, line_id, number)))
            if index % 20 == 19:
                self._take(under_way, side)
                self.join_those_who_answered()
        while under_way:
            self._take(under_way, side, wait=True)

    def _place(self, side: str, line_id: int, number: str) -> str | None:
        try:
            if side == "caller":
                return self._backend.call_caller(line_id, CALLERS, SHOWN)
            return self._backend.call_person(line_id, number, SHOWN, 15)
        except BackendUnavailableError:
            return None

    def _take(self, under_way: deque, side: str, wait: bool = False) -> None:
        told = []
        while under_way and (wait or under_way[0][1].done()):
            line_id, future = under_way.popleft()
            sid = future.result()
            if sid is None:
                self.unavailable += 1
                continue
            told.append((line_id, sid))
        if side == "caller":
            self.callers += [LineRef(line_id, sid) for line_id, sid in told]
        ids, sids = [line for line, _ in told], [sid for _, sid in told]
        db.session.execute(_LOCK, {"ids": ids})
        db.session.execute(_SET_IDS, {"ids": ids, "sids": sids})
        db.session.commit()

    def join_those_who_answered(self) -> None:
        for row in db.session.execute(_ANSWERED, {"after": 0}).all():
            if row.id not in self._joined and self.callers:
                self._joined.add(row.id)
                caller = self._random.choice(self.callers)
                self._pool.submit(self._backend.join, LineRef(row.id, row.provider_id), caller)
        db.session.commit()

    def hang_up_callers(self) -> None:
        list(self._pool.map(self._backend.hang_up, self.callers))


def main(callers: int = 2000, rate: float = 70, seconds: float = 60) -> bool:
    """Measure, print the report, and return whether the bars are met."""
    with stores() as environment:
        environment |= TWILIO
        app = migrated_app(environment)
        with (
            app.app_context(),
            web(environment, "wsgi:app", WORKERS) as port,
            CommandProcess("bench.twilio_network") as network,
        ):
            url = network.ask("start", public=PUBLIC, port=port)["url"]
            campaign = create_campaign()
            db.session.commit()
            config: Config = config_of(app)
            config = replace(config, twilio=replace(config.twilio, api_url=url))
            dialler = Dialler(app, TwilioBackend(config), campaign.id)
            dialler.dial("caller", dialler.make_lines("caller", callers), rate=100)
            clock = Clock()
            people = dialler.make_lines("person", round(rate * seconds))
            began = time.monotonic()
            dialler.dial("person", people, rate)
            took = time.monotonic() - began
            give_up = time.monotonic() + ENDS_WITHIN
            while time.monotonic() < give_up:
                dialler.join_those_who_answered()
                state = network.ask("state")
                if state.get("in-progress", 0) <= callers and not state.get("ringing"):
                    break
                time.sleep(1)
            dialler.hang_up_callers()
            _wait_until_written()
            used = {kind: round(share, 2) for kind, share in clock.read().items()}
            told = network.ask("stop")
            lines = {row.provider_id: row for row in db.session.execute(_ENDED)}
    return _report(told, lines, len(people) / took, dialler.unavailable, used)


def _wait_until_written() -> None:
    """Wait until the number of open lines has stayed the same for three seconds. By then, the
    server should have written everything that the simulated Twilio reported."""
    before, since = -1, time.monotonic()
    while time.monotonic() < since + 3:
        time.sleep(0.5)
        open_lines = db.session.scalar(_OPEN)
        db.session.commit()
        if open_lines != before:
            before, since = open_lines, time.monotonic()


def _report(told: dict, lines: dict, rate: float, unavailable: int, used: dict) -> bool:
    seconds = [took for _, status, took in told["delivered"] if status]
    refused = sum(1 for _, status, _ in told["delivered"] if not 200 <= status < 300)
    wrong = [
        sid
        for sid, status in told["ended"].items()
        if status in CAUSES and (sid not in lines or lines[sid].state != LineState.ENDED)
    ]
    p99 = percentile(told["server_seconds"], 0.99)
    report(f"{rate:.1f} dials a second, {len(lines)} lines, {unavailable} not taken by Twilio")
    report(f"{len(seconds)} webhooks, p50, p95, p99 in ms:")
    report(f"  the server took {format_tail(told['server_seconds'])}")
    report(f"  the simulated Twilio waited {format_tail(seconds)}")
    report(f"processors: {used}")
    report(f"{refused} webhooks refused, {len(wrong)} lines whose end was lost")
    report(f"faults: {told['faults']}")
    return p99 <= BAR and not refused and not wrong and not told["faults"]
