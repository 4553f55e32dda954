"""Measures how soon a pledge is on the projector while there are many call-outs. A call-out is an
evening in a hall. People pledge there to host a party, and the hall's projector shows the pledges.

Bars (docs/benchmarks.md), with twenty call-outs of 500 people each:
- at p99 a pledge is on the projector of its hall within a second after a phone has sent it
- no pledge is missing on the projector, and no pledge is stored twice

    python -m bench.call_outs
"""

import random
import re
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import requests
from socketio import Client
from sqlalchemy import func, insert, select

from bench.reporting import format_tail, percentile
from bench.servers import cookies_of, migrated_app, stores, web
from phonebank.callouts.call_outs import create_call_out
from phonebank.core.db import db
from phonebank.models import Account, CallOut, Campaign, Pledge, SignUp, now

BAR = 1.0  # seconds, p99
CALL_OUTS, PEOPLE, PLEDGES = 20, 500, 47
# Pledges a second in all halls together: each hall's 47 come within two minutes.
RATE = 8.0


class Projector:
    """The projector of one call-out. An object of this class notes when it first got each name."""

    def __init__(self, port: int, token: str) -> None:
        self.seen: dict[str, float] = {}
        self.client = Client(reconnection=False)
        self.client.on("call-out", self._show, namespace="/call-out")
        self.client.connect(
            f"http://127.0.0.1:{port}",
            auth={"token": token},
            transports=["websocket"],
            namespaces=["/call-out"],
        )

    def _show(self, state: dict[str, Any]) -> None:
        at = time.monotonic()
        for row in state["latest"]:
            self.seen.setdefault(row["name"], at)


def build(call_outs: int) -> list[tuple[str, str, list[tuple[str, uuid.UUID]]]]:
    """Store `call_outs` call-outs, each with PEOPLE people who have signed up. Return each
    call-out's code, projector token and people. Commits."""
    host = Account(email="organiser@example.org", name="Ada", fs_uniquifier="ada")
    campaign = Campaign(name="Bench", on_behalf_of="Bench", country="GB")
    db.session.add_all([host, campaign])
    db.session.flush()
    made = []
    for number in range(call_outs):
        call_out = create_call_out(campaign, host, f"Hall {number}", None, "Europe/London")
        people = [(f"P{number} {index}", uuid.uuid4()) for index in range(PEOPLE)]
        db.session.execute(
            insert(SignUp),
            [
                {
                    "id": key,
                    "call_out_id": call_out.id,
                    "first_name": name,
                    "email": f"{key}@example.org",
                    "country": "GB",
                    "area": "SW9 (Brixton)",
                    "latitude": 51.47,
                    "longitude": -0.11,
                }
                for name, key in people
            ],
        )
        made.append((call_out.code, call_out.projector_token, people))
    db.session.commit()
    return made


def main(quick: bool = False) -> bool:
    """Measure, and return whether the bars are met."""
    call_outs, each = (5, 6) if quick else (CALL_OUTS, PLEDGES)
    with stores() as environment:
        app = migrated_app(environment)
        with app.app_context():
            halls = build(call_outs)
        with web(environment, "wsgi:app", 2) as port:
            screens = [Projector(port, token) for _, token, _ in halls]
            sent: dict[str, float] = {}
            lock = threading.Lock()
            cookies, day = cookies_of(app), (now() + timedelta(days=9)).date().isoformat()

            def pledge(code: str, name: str, key: uuid.UUID) -> None:
                phone = requests.Session()
                cookie = str(cookies.dumps({"sign_up": str(key)}))
                phone.cookies.set("session", cookie, domain="127.0.0.1")
                address = f"http://127.0.0.1:{port}/hall/{code}/host"
                found = re.search(r'name="csrf" content="([^"]+)"', phone.get(address).text)
                assert found is not None
                form = {"csrf_token": found[1], "day": day, "at": "19:30", "chairs": "8"}
                with lock:
                    sent[name] = time.monotonic()
                answer = phone.post(address, data=form, allow_redirects=False)
                assert answer.status_code == 303, answer.text

            todo = [(code, *who) for code, _, people in halls for who in people[:each]]
            random.Random(1).shuffle(todo)
            with ThreadPoolExecutor(16) as pool:
                began, jobs = time.monotonic(), []
                for at, one in enumerate(todo):
                    time.sleep(max(0.0, began + at / RATE - time.monotonic()))
                    jobs.append(pool.submit(pledge, *one))
                for job in jobs:
                    job.result()
            give_up = time.monotonic() + 10
            while sum(len(screen.seen) for screen in screens) < len(todo):
                if time.monotonic() > give_up:
                    break
                time.sleep(0.1)
            seen = {name: at for screen in screens for name, at in screen.seen.items()}
            for screen in screens:
                screen.client.disconnect()
        with app.app_context():
            rows = db.session.scalar(select(func.count()).select_from(Pledge)) or 0
            versions = sum(db.session.scalars(select(CallOut.version)))
    lost = len(todo) - len(seen)
    doubled = rows - len(todo)
    took = sorted(seen[name] - sent[name] for name in seen)
    p99 = percentile(took, 0.99)
    print(f"{call_outs} call-outs of {PEOPLE}, {len(todo)} pledges, {RATE:.0f} a second")
    print(
        f"from the phone to the projector, p50, p95 and p99: {format_tail(took)} ms (bar {BAR} s)"
    )
    print(f"lost {lost}, doubled {doubled}, changes {versions - call_outs}")
    return p99 <= BAR and lost == 0 and doubled == 0


if __name__ == "__main__":
    sys.exit(not main("--quick" in sys.argv))
