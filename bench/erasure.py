"""Measures how long it takes to erase one person, and how much callers are slowed down while a
whole campaign's people are erased.

Bars (docs/benchmarks.md):
- one person is erased, from the tables and from the stored files, in under a second
- while the people of another campaign are erased, a claim (giving a caller the next person) takes
  at most 1.2 times as long as otherwise, at the 95th percentile

    python -m bench.erasure [PEOPLE]
"""

import os
import signal
import sys
import time
from datetime import timedelta

from flask import Flask
from sqlalchemy import select, text, true

from bench import exports, people
from bench.load import load
from bench.measuring import cpu_of, servers
from bench.servers import migrated_app, stores, web
from phonebank.core.db import db
from phonebank.models import Account, Campaign, Contact, now
from phonebank.privacy import jobs, retention
from phonebank.privacy.erase import erase_person
from phonebank.privacy.person import person_of

ONE_PERSON_BAR = 1.0  # seconds
CLAIMS_BAR = 1.2
CLAIMERS = 2
CALLING = 100_000  # people of the campaign in which callers claim
ROUNDS, SECONDS = 8, 4
ERASED_ONE_BY_ONE = 20


def main(count: int = 1_000_000) -> bool:
    """Print the figures. Return whether both bars were kept."""
    with stores() as environment:
        app = migrated_app(environment)
        with app.app_context():
            db.session.execute(text("SET statement_timeout = 0"))
            # One person in five is called, and one call in ten is a conversation.
            campaign_id, account_id = exports.build(count, 0.2)
            _, link = people.build(CALLING)
            slowest, worked = _erase_some_people(campaign_id, account_id)
            _make_due(campaign_id)
        with web(environment, "wsgi:app", 2) as port:
            devices = people.join_callers(port, link, CLAIMERS)
            took: dict[bool, list[float]] = {False: [], True: []}
            erased = seconds = 0.0
            for number in range(ROUNDS):
                for beside in (False, True):
                    with app.app_context():
                        before, began = _left(campaign_id), time.perf_counter()
                    worker = _erase_in_another_process(app) if beside else 0
                    once = load(port, "wsgi:app", "claims", devices, SECONDS)
                    if worker:
                        os.kill(worker, signal.SIGKILL)
                        os.waitpid(worker, 0)
                        with app.app_context():
                            erased += before - _left(campaign_id)
                        seconds += time.perf_counter() - began
                    # The first round only warms up the web processes.
                    if number:
                        took[beside] += once.took
    quiet, beside_it = (sorted(took[key])[int(len(took[key]) * 0.95)] for key in (False, True))
    ratio = beside_it / quiet
    print(
        f"one person of {count:,}: {slowest * 1000:.0f} ms at most of {ERASED_ONE_BY_ONE}, and"
        f" {worked * 1000:.0f} ms of the processors on average"
        f" (load average {os.getloadavg()[0]:.1f})"
    )
    print(f"claims: p95 {quiet * 1000:.1f} ms alone, {beside_it * 1000:.1f} ms beside it")
    print(f"retention: {erased / seconds:,.0f} people a second, claims {ratio:.2f} times as long")
    kept = slowest < ONE_PERSON_BAR and ratio <= CLAIMS_BAR
    print(f"both bars: {'kept' if kept else 'MISSED'}")
    return kept


def _erase_some_people(campaign_id: int, account_id: int) -> tuple[float, float]:
    """Erase people one after another, from the tables and from the stored files. Return the longest
    time that it took to erase one person. Also return the average processor time that this process
    and PostgreSQL spent on one person. Both are in seconds. The first person does not count,
    because the first erasure also loads modules. Commits."""
    account = db.session.get_one(Account, account_id)
    ids = db.session.scalars(
        select(Contact.id)
        .where(Contact.campaign_id == campaign_id)
        .order_by(Contact.id)
        .limit(ERASED_ONE_BY_ONE + 1)
    ).all()
    slowest = worked = 0.0
    for number, contact_id in enumerate(ids):
        began, before = time.perf_counter(), _processor_seconds()
        person, contacts = person_of(db.session.get_one(Contact, contact_id), true())
        erasure = erase_person(person, [one.id for one in contacts], account, True, False)
        db.session.commit()
        jobs.search_files(erasure.id)
        if number:  # the first erasure also loads modules
            slowest = max(slowest, time.perf_counter() - began)
            worked += _processor_seconds() - before
    return slowest, worked / ERASED_ONE_BY_ONE


def _processor_seconds() -> float:
    return time.process_time() + sum(cpu_of(one) for one in servers()["postgres"])


def _make_due(campaign_id: int) -> None:
    campaign = db.session.get_one(Campaign, campaign_id)
    campaign.ends_on, campaign.retention_days = now().date() - timedelta(days=100), 30
    campaign.erasure_due_at = now() - timedelta(days=2)
    db.session.commit()
    retention.look_for_due_campaigns()
    db.session.commit()


def _left(campaign_id: int) -> int:
    left = text("SELECT count(*) FROM contact WHERE campaign_id = :id AND phone > ''")
    return int(db.session.scalar(left, {"id": campaign_id}) or 0)


def _erase_in_another_process(app: Flask) -> int:
    worker = os.fork()
    if worker == 0:
        with app.app_context():
            db.engine.dispose(close=False)
            jobs.perform_retention()
        os._exit(0)
    return worker


if __name__ == "__main__":
    sys.exit(not main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
