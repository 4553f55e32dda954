"""Ten thousand phones on two web workers, which is more than these can serve.

Bars (docs/benchmarks.md): every acknowledged outcome is stored, and every stored one is
acknowledged in the end; no renewed hold is lost before the time it was renewed to; no person is on
two screens, and nothing counts twice; tallies equal a recount; a request is answered within a
second at p99, or refused within a millisecond.

PHONES, PHONES_SECONDS and PHONES_RAMP set another size: how many phones, for how many seconds, and
within how many seconds they come.
"""

import json
import os
import resource
import secrets
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import insert, text

from bench import people
from bench.boards import format_tail, percentile, report
from bench.measuring import Clock
from bench.people import Device
from bench.servers import ROOT, cookies_of, migrated_app, procfile, stores
from phonebank.core.db import db
from phonebank.models import Account, Caller, CallerState, Campaign, Party
from phonebank.tallies.reconcile import differences

ANSWERED_BAR = 1.0  # seconds, p99 of answers, at the server
REFUSED_BAR = 0.001  # seconds, p50 of refusals, at the server
CALLERS_EACH = 10  # of a party
# Seconds. This is shorter than a campaign's default, so that holds are renewed and expire in the
# bench.
HOLD = 120
# Seconds that the phones may go on after the end, until all is acknowledged.
DRAIN = 240


@dataclass(frozen=True)
class Size:
    """How many phones there are, within how many seconds they come, and how long they stay."""

    phones: int
    ramp: int
    seconds: int

    @classmethod
    def from_environment(cls, default: "Size") -> "Size":
        return cls(
            int(os.environ.get("PHONES", default.phones)),
            int(os.environ.get("PHONES_RAMP", default.ramp)),
            int(os.environ.get("PHONES_SECONDS", default.seconds)),
        )


FULL = Size(10_000, 60, 240)
QUICK = Size(500, 10, 30)

# Queries that should find nothing: ids of calls, contacts or callers.
_EXPECTED_NONE = {
    "two calls with one contact at the same time": """
        SELECT contact_id FROM (
            SELECT contact_id, started_at,
                   lag(ended_at) OVER (PARTITION BY contact_id ORDER BY started_at) AS before,
                   row_number() OVER (PARTITION BY contact_id ORDER BY started_at) AS n
            FROM call) AS one
        WHERE n > 1 AND (before IS NULL OR before > started_at)""",
    "two calls of one caller at the same time": """
        SELECT caller_id FROM (
            SELECT caller_id, started_at,
                   lag(ended_at) OVER (PARTITION BY caller_id ORDER BY started_at) AS before,
                   row_number() OVER (PARTITION BY caller_id ORDER BY started_at) AS n
            FROM call) AS one
        WHERE n > 1 AND (before IS NULL OR before > started_at)""",
    "attempts that are not the counted calls": """
        SELECT contact.id FROM contact LEFT JOIN call ON call.contact_id = contact.id AND counted
        WHERE contact.id IN (SELECT contact_id FROM call)
        GROUP BY contact.id
        HAVING contact.attempts - CAST(contact.id IN (SELECT id FROM tried_before) AS integer)
               <> count(call.id)""",
}
_STORED = text("SELECT id::text, outcome FROM call WHERE outcome IS NOT NULL")
_TAKEN = text(
    "SELECT id::text, extract(epoch FROM ended_at)::float AS at, ending FROM call"
    " WHERE ended_at IS NOT NULL AND outcome IS NULL"
)


def main(quick: bool = False) -> bool:
    """Print what was measured; return whether every bar was kept."""
    size = Size.from_environment(QUICK if quick else FULL)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with stores() as environment:
        app = migrated_app(environment)
        with app.app_context():
            devices = _make_callers(app, size.phones)
        with procfile(environment | {"PHONEBANK_TIMINGS": "yes", "WEB_CONCURRENCY": "2"}) as port:
            clock = Clock()
            measured = _run_phones(port, devices, size)
            spent = clock.read(0.0)
        with app.app_context():
            broken = broken_promises(measured)
        log = (Path(environment["PHONEBANK_VAR"]) / "web.log").read_text(errors="replace")
        broken["errors in the log"] = [line for line in log.splitlines() if " ERROR " in line]
    bars = _report(size, measured, spent)
    for name, found in broken.items():
        report(f"  {name}: {len(found)}{' ' + str(found[:3]) if found else ''}")
    bars["every promise kept"] = not any(broken.values())
    for bar, kept in bars.items():
        report(f"  {bar}: {'kept' if kept else 'MISSED'}")
    return all(bars.values())


def _make_callers(app: Flask, phones: int) -> list[Device]:
    """Make so many callers in parties of ten, with enough people to call. Commits."""
    campaign_id, _ = people.build(max(20_000, 20 * phones))
    db.session.get_one(Campaign, campaign_id).hold_seconds = HOLD
    host = Account(email="host@example.org", name="Ada", fs_uniquifier="0" * 32)
    db.session.add(host)
    db.session.flush()
    parties = [
        Party(campaign_id=campaign_id, host_id=host.id, title=f"Party {n}", goal=200)
        for n in range(max(1, phones // CALLERS_EACH))
    ]
    db.session.add_all(parties)
    db.session.flush()
    rows = [
        {
            "campaign_id": campaign_id,
            "party_id": parties[n % len(parties)].id,
            "first_name": f"Sam{n}",
            "state": CallerState.ADMITTED,
        }
        for n in range(phones)
    ]
    db.session.execute(insert(Caller), rows)
    db.session.execute(
        text("CREATE TABLE tried_before AS SELECT id FROM contact WHERE attempts > 0")
    )
    db.session.commit()
    found = db.session.execute(text("SELECT id, device_token FROM caller ORDER BY id")).all()
    cookies = cookies_of(app)
    tokens = URLSafeTimedSerializer(str(app.secret_key), salt="wtf-csrf-token")
    devices = []
    for one, device_token in found:
        secret = secrets.token_hex(20)
        session = {"caller": {"id": one, "token": device_token}, "csrf_token": secret}
        devices.append(
            Device(f"session={cookies.dumps(session | {'_permanent': True})}", tokens.dumps(secret))
        )
    return devices


def _run_phones(port: int, devices: list[Device], size: Size) -> dict[str, Any]:
    """Have the phones call; what they know at the end."""
    settings = {
        "port": port,
        "devices": [asdict(device) for device in devices],
        "ramp": size.ramp,
        "seconds": size.seconds,
        "drain": DRAIN,
        "hold": HOLD,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.handsets"],
        cwd=ROOT,
        input=json.dumps(settings),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def broken_promises(measured: dict[str, Any]) -> dict[str, list[str]]:
    """The calls or rows that break each promise; an empty list for a promise that was kept."""
    stored = {row.id: row.outcome for row in db.session.execute(_STORED)}
    saved, promised = measured["saved"], measured["promised"]
    broken = {
        "acknowledged and not stored as said": [
            call for call, outcome in saved.items() if stored.get(call) != outcome
        ],
        "stored and never acknowledged": [call for call in stored if call not in saved],
        "phones that were not done": measured["unsaved"],
        "what the phones saw broken": measured["broken"],
        "holds that were lost before the time they were renewed to": [
            row.id for row in db.session.execute(_TAKEN) if row.at < promised.get(row.id, 0)
        ],
        "tallies that are not the recount": [str(row) for row in differences()],
    }
    for name, query in _EXPECTED_NONE.items():
        broken[name] = [str(row[0]) for row in db.session.execute(text(query))]
    return broken


def _report(size: Size, measured: dict[str, Any], spent: dict[str, float]) -> dict[str, bool]:
    """Print the figures; each bar of time, and whether it was kept."""
    lasted = measured["lasted"]
    report(
        f"  {size.phones:,} phones, in within {size.ramp} s, for {size.seconds} s and"
        f" {lasted - size.ramp - size.seconds:.0f} s until all were done;"
        f" {len(measured['saved']):,} outcomes acknowledged, {len(measured['saved']) / lasted:.0f}"
        " a second"
    )
    for how in ("answered", "refused"):
        for kind, took in sorted(measured[how].items()):
            report(
                f"  {kind} {how}: {len(took):,}, {len(took) / lasted:.0f} a second;"
                f" at the phone p50, p95, p99 {format_tail(took)} ms"
            )
    answered, refused = measured["server_answered"], measured["server_refused"]
    for name, took in (("answered", answered), ("refused", refused)):
        if took:
            words = ", ".join(
                f"{1000 * percentile(took, share):.2f}" for share in (0.5, 0.95, 0.99)
            )
            report(f"  at the server {name}: p50, p95, p99 {words} ms")
    if measured["other"]:
        report("  besides: " + ", ".join(f"{n} × {what}" for what, n in measured["other"].items()))
    report(
        f"  processor seconds a second: web {spent['web']:.2f}, PostgreSQL {spent['postgres']:.2f},"
        f" Redis {spent['redis']:.2f}, phones {measured['cpu'] / lasted:.2f};"
        f" load average {os.getloadavg()[0]:.1f}"
    )
    return {
        "answers within a second": percentile(answered, 0.99) < ANSWERED_BAR,
        "refusals within a millisecond": not refused or percentile(refused, 0.5) < REFUSED_BAR,
    }


if __name__ == "__main__":
    sys.exit(not main(bool(os.environ.get("BENCH_QUICK"))))
