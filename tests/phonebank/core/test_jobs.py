"""The queues as the Procfile's processes serve them, in real processes."""

import json
import os
import shlex
import signal
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, cast

import pytest
import time_machine
from flask import Flask
from redis import Redis
from rq import Queue, Worker
from rq.utils import import_attribute
from sqlalchemy import text

from phonebank.calls.claim import claim
from phonebank.campaigns.jobs import count_days
from phonebank.cli import NICENESS
from phonebank.contact_queue.jobs import (
    correct_all_hold_copies,
    expire_all_holds,
    top_up_all_queues,
)
from phonebank.core import jobs
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.core.install_paths import ROOT
from phonebank.core.redis import redis_for_jobs
from phonebank.lists.jobs import import_list
from phonebank.local.servers import start_redis
from phonebank.models import Call, ListState, now
from phonebank.periodic_jobs import PERIODIC_JOBS
from tests.factories import create_caller, create_campaign, create_contact, create_list
from tests.phone_bank import call_of
from tests.phonebank.lists.upload_desk import signals_kept
from tests.processes import Processes, within

# Seconds within which an expired hold ends.
SOON = 5


@pytest.fixture
def processes(config: Config, tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(config, tmp_path / "log")
    yield processes
    processes.stop()


def worker_commands() -> list[list[str]]:
    """The arguments of each worker in the Procfile."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    commands = [shlex.split(line.partition(":")[2]) for line in lines]
    return [command[1:] for command in commands if command[:2] == ["phonebank", "worker"]]


@pytest.mark.timing
def test_holds_expire_while_an_import_runs(
    app: Flask, clean_stores: None, processes: Processes
) -> None:
    with app.app_context():
        campaign = create_campaign()
        create_contact(create_list(campaign))
        imported = create_list(campaign, state=ListState.QUEUED)
        db.session.commit()
        call = call_of(claim(create_caller(campaign)))
        call.expires_at = now() - timedelta(minutes=1)
        call_id, list_id = call.id, imported.id
        db.session.commit()

        # While this transaction holds the lock, the import waits for its list's row.
        holder = db.engine.connect()
        holder.execute(text("SELECT FROM contact_list WHERE id = :id FOR UPDATE"), {"id": list_id})
        jobs.enqueue(import_list, list_id)

    def taken_back() -> bool:
        with app.app_context():
            return db.session.get_one(Call, call_id).ended_at is not None

    try:
        commands = worker_commands()
        for command in commands:
            processes.start_command(*command)
        within(60, lambda: workers(app) == len(commands), "the workers are there")
        within(60, lambda: under_way(app, jobs.IMPORTS) == 1, "the import is under way")
        with app.app_context():
            jobs.enqueue(expire_all_holds)
        within(SOON, taken_back, f"the hold is taken back: {processes.printed()}")
        assert under_way(app, jobs.IMPORTS) == 1, "and the import goes on"
    finally:
        holder.close()


def workers(app: Flask) -> int:
    """How many workers serve the queues."""
    with app.app_context():
        return Worker.count(connection=redis_for_jobs())


def under_way(app: Flask, queue: str) -> int:
    """How many jobs of this queue a worker has begun and not ended."""
    with app.app_context():
        return len(jobs._queue(queue, redis_for_jobs()).started_job_registry)


def test_nothing_on_the_queues_is_a_pickle(app: Flask, clean_stores: None) -> None:
    with app.app_context():
        jobs.enqueue(import_list, 7)
        put = jobs._new_clock(PERIODIC_JOBS).enqueue_jobs()
        assert len(put) == len(PERIODIC_JOBS)
        redis = redis_for_jobs()
        kept = [redis.hgetall(key) for key in redis.scan_iter("rq:job:*")]
        assert len(kept) == len(put) + 1
        for one in kept:
            name, _, args, kwargs = json.loads(zlib.decompress(cast(bytes, one[b"data"])))
            job: Any = import_attribute(name)
            assert job.queue in jobs.QUEUES
            assert args in ([], [7])
            assert kwargs == {}


def test_a_pickle_on_a_queue_is_not_run(app: Flask, clean_stores: None, tmp_path: Path) -> None:
    """A person who can write into Redis might leave one there."""
    trace = tmp_path / "trace"
    with app.app_context(), signals_kept():
        Queue(jobs.CHORES, connection=redis_for_jobs()).enqueue(Path.touch, trace)
        jobs.enqueue(import_list, 0)
        jobs.run_worker(burst=True)
        assert [len(jobs._queue(name, redis_for_jobs())) for name in jobs.QUEUES] == [0, 0, 0]
    assert not trace.exists()


def test_periodic_jobs_run_at_the_start_and_then_at_different_moments(app: Flask) -> None:
    began = datetime(2026, 12, 1, 12, tzinfo=UTC)
    often = [periodic for periodic in PERIODIC_JOBS if periodic.seconds <= 30]
    ran: dict[str, list[float]] = {}
    with app.app_context(), time_machine.travel(began, tick=False) as travel:
        clock = jobs._new_clock(PERIODIC_JOBS)
        while (seconds := (datetime.now(UTC) - began).total_seconds()) < 300:
            for job in clock.enqueue_jobs():
                ran.setdefault(job.func_name, []).append(seconds)
            stalls = 100 < seconds < 100.1
            travel.shift(timedelta(seconds=16 if stalls else 0.05))
    by_name = {import_attribute(name): moments for name, moments in ran.items()}
    for periodic in often:
        first, *others = by_name[periodic.function]
        assert first == 0
        assert others[0] <= periodic.seconds
        usual = [moment for moment in others if not 100 < moment < 117]
        gaps = [(after - before) % periodic.seconds for before, after in pairwise(usual)]
        assert all(min(gap, periodic.seconds - gap) < 0.1 for gap in gaps)
    long_ones = (top_up_all_queues, correct_all_hold_copies, count_days)
    for one, other in combinations(long_ones, 2):
        apart = [
            abs(a - b) for a in by_name[one][1:] for b in by_name[other][1:] if not 100 < a < 117
        ]
        assert min(apart) > 0.5, "each takes a few tenths of a second in a large campaign"


@pytest.mark.parametrize("command", ["worker", "clock"])
def test_workers_and_the_clock_have_a_niceness(processes: Processes, command: str) -> None:
    processes.start_command(command)
    (process,) = processes.running
    own = os.nice(0)
    within(30, lambda: os.getpriority(os.PRIO_PROCESS, process.pid) == own + NICENESS)


@pytest.mark.crash
@pytest.mark.parametrize("command", ["worker", "clock"])
def test_a_stop_while_redis_is_away_ends_the_process(
    config: Config, tmp_path: Path, command: str
) -> None:
    """Otherwise it would go on for good, as when all of Phonebank stops at once. Python needs a
    second of processor to leave. That can be a quarter of a minute on a machine busy with tests."""
    redis = start_redis(tmp_path / "redis")
    processes = Processes(replace(config, redis_url=redis.url), tmp_path / "log")
    try:
        processes.start_command(command)
        (process,) = processes.running
        with Redis.from_url(redis.url) as asked:
            within(30, lambda: asked.keys("rq:worker*" if command == "worker" else "rq:cron*"))
        redis.stop()
        process.terminate()
        # A worker that has just registered may not handle the signal yet, which then ends it.
        assert process.wait(60) in (0, 1, -signal.SIGTERM)
    finally:
        redis.stop()
        processes.stop()
