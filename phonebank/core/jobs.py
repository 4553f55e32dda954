"""Chores done outside the request: the queues' names, the job decorator, the periodic list.

A job takes ids, reads the rows again, and is safe to run twice: after a killed worker it will be.
"""

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec

from flask import Flask, current_app
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.cron import CronJob, CronScheduler
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import import_attribute

from phonebank.core.db import db
from phonebank.core.redis import redis_for_jobs

Arguments = ParamSpec("Arguments")

# Served in this order. Callers stand still without the first, whose jobs take seconds; an import
# may take hours. One worker serves the first alone, so that it never waits behind another.
URGENT = "urgent"
CHORES = "chores"
IMPORTS = "imports"
QUEUES = (URGENT, CHORES, IMPORTS)


def job(
    queue: str, timeout: int
) -> Callable[[Callable[Arguments, None]], Callable[Arguments, None]]:
    """Make a function a job: it runs in an app context of its own, on `queue`, for at most
    `timeout` seconds."""

    def decorate(function: Callable[Arguments, None]) -> Callable[Arguments, None]:
        @functools.wraps(function)
        def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
            app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
            with app.app_context():
                function(*args, **kwargs)

        run.queue = queue  # type: ignore[attr-defined]
        run.timeout = timeout  # type: ignore[attr-defined]
        return run

    return decorate


def enqueue(function: Callable[..., None], *args: Any) -> Job:
    """Put a job on its queue. Call it after the commit of the rows that its ids name."""
    queue = _queue(function.queue, redis_for_jobs())  # type: ignore[attr-defined]
    return queue.enqueue(
        function,
        *args,
        job_timeout=function.timeout,  # type: ignore[attr-defined]
        # Kept an hour, so that the worker's page of failures means something; ids only.
        result_ttl=0,
        failure_ttl=3600,
    )


def _queue(name: str, connection: Redis) -> Queue:
    # RQ's own way is pickles, which run what whoever can write into Redis has put into them.
    return Queue(name, connection=connection, serializer=JSONSerializer)


@dataclass(frozen=True)
class Periodic:
    """A job the clock puts on its queue every `seconds`; `path` is its import path."""

    path: str
    seconds: int


# Paths, not imports: this module stands below the parts that own the jobs.
PERIODIC = (
    Periodic("phonebank.contact_queue.jobs.reap_expired_holds", 5),
    Periodic("phonebank.contact_queue.jobs.refill_ready", 15),
    Periodic("phonebank.contact_queue.reschedule.settle_hours", 15),
    Periodic("phonebank.calls.jobs.go_on_setting_aside", 15),
    Periodic("phonebank.roster.open_door.forget_addresses", 3600),
    Periodic("phonebank.lists.jobs.resume_imports", 60),
    Periodic("phonebank.suppressions.jobs.resume_lifting", 300),
    Periodic("phonebank.tallies.reconcile.recount_tallies", 300),
    Periodic("phonebank.parties.auto_end.end_forgotten_parties", 600),
)


class AppWorker(Worker):
    """A worker whose forked children never share the parent's database connections."""

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        db.engine.dispose(close=False)
        return super().perform_job(job, queue, execution)


class _PeriodicJob(CronJob):
    """A job that the clock puts on its queue as JSON; its class in RQ does so as a pickle."""

    def enqueue(self, connection: Redis) -> Job:
        function: Any = self.func
        return _queue(self.queue_name, connection).enqueue(function, **self.job_options)


def run_worker(burst: bool = False, queues: Sequence[str] = QUEUES) -> None:
    """Work through the queues until told to stop (or, with `burst`, until they are empty).

    RQ waits for a Redis that is away while it is idle, but not in the middle of a job.
    """
    while True:
        try:
            worker = AppWorker(
                list(queues),
                connection=redis_for_jobs(),
                serializer=JSONSerializer,
                log_job_description=False,
            )
            worker.work(burst=burst, logging_level="WARNING")
            return
        except RedisError:
            if burst:
                raise
            time.sleep(1)


def run_clock() -> None:
    """Put each periodic job on its queue when it is due, until told to stop.

    A Redis that is away stops nothing: the clock tries again each second.
    """
    while True:
        try:
            _new_clock().start()
            return
        except RedisError:
            time.sleep(1)


def _new_clock() -> CronScheduler:
    clock = CronScheduler(connection=redis_for_jobs(), logging_level="WARNING")
    for periodic in PERIODIC:
        function: Any = import_attribute(periodic.path)
        clock.get_jobs().append(
            _PeriodicJob(
                function.queue,
                function,
                interval=periodic.seconds,
                job_timeout=function.timeout,
                # Not picked up before the next is due: drop it, so that they never pile up.
                ttl=periodic.seconds,
                result_ttl=0,
                failure_ttl=3600,
            )
        )
    return clock
