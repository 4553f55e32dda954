"""Jobs that run outside requests: their queues, the decorator `job`, the worker, and the clock,
which enqueues periodic jobs.

The arguments of a job are ids, and the job itself reads the rows with these ids. A job must be safe
to run twice, because a job whose worker was killed may run again.
"""

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType
from typing import Any, ParamSpec, Protocol, cast

from flask import Flask, current_app
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.cron import CronJob, CronScheduler
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer

from phonebank.core.db import db
from phonebank.core.redis import redis_for_jobs

Arguments = ParamSpec("Arguments")

# A worker serves the queues in this order. Callers get no contacts unless the urgent jobs run.
# Urgent jobs take seconds, and an import may take hours. One worker serves only the urgent queue,
# so that its jobs never wait for an import.
URGENT = "urgent"
CHORES = "chores"
IMPORTS = "imports"
QUEUES = (URGENT, CHORES, IMPORTS)
# The multiples of this number, without their whole part, are spread evenly between 0 and 1, however
# many of them are taken.
GOLDEN_RATIO = (5**0.5 - 1) / 2


class JobFunction(Protocol[Arguments]):
    """A function that a worker runs. The decorator `job` makes such a function."""

    __name__: str
    queue: str
    timeout: int  # seconds

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> None: ...


def job(queue: str, timeout: int) -> Callable[[Callable[Arguments, None]], JobFunction[Arguments]]:
    """Turn a function into a job that runs on `queue`, in its own app context, for at most
    `timeout` seconds."""

    def decorate(function: Callable[Arguments, None]) -> JobFunction[Arguments]:
        @functools.wraps(function)
        def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
            app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
            with app.app_context():
                function(*args, **kwargs)

        job_function = cast(JobFunction[Arguments], run)
        job_function.queue = queue
        job_function.timeout = timeout
        return job_function

    return decorate


def enqueue(function: JobFunction[Arguments], *args: Arguments.args, **_: Arguments.kwargs) -> Job:
    """Put a job on its queue, and return RQ's object for the job. `args` are the job's arguments:
    ids of rows. Call this only after these rows have been committed. Raises RedisError while Redis
    is unavailable."""
    return _queue(function.queue, redis_for_jobs()).enqueue(
        function,
        *args,
        job_timeout=function.timeout,
        result_ttl=0,
        # RQ keeps a failed job for an hour, long enough for its list of failures to be read.
        failure_ttl=3600,
    )


def _queue(name: str, connection: Redis) -> Queue:
    # RQ's default serialiser is pickle, which would run any code that someone has written into
    # Redis.
    return Queue(name, connection=connection, serializer=JSONSerializer)


@dataclass(frozen=True)
class Periodic:
    """A job that the clock process (`run_clock`) puts on the job's queue every `seconds` seconds.
    `function` is made by the decorator `job`."""

    function: JobFunction[[]]
    seconds: int


class AppWorker(Worker):
    """A worker whose forked child processes do not share its database connections.

    If a signal asks the worker to stop, the worker remembers this. RQ's own worker forgets the
    signal if Redis is unavailable while the worker stops.
    """

    is_asked_to_stop = False

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        db.engine.dispose(close=False)
        return super().perform_job(job, queue, execution)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.is_asked_to_stop = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


class _Clock(CronScheduler):
    """A scheduler that enqueues periodic jobs. Like AppWorker, the scheduler remembers if a signal
    has asked it to stop."""

    is_asked_to_stop = False

    def _request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.is_asked_to_stop = True
        super()._request_stop(signum, frame)  # type: ignore[no-untyped-call]


class _PeriodicJob(CronJob):
    """A periodic job whose arguments the clock stores as JSON. RQ's own class would store a
    pickle.

    The job runs when the clock starts, again after `share` of its interval, and from then on once
    in each interval. The jobs have different shares, so jobs with equal intervals do not all run in
    the same second and take the processors from callers.
    """

    share = 1.0

    def set_enqueue_time(self, time: datetime) -> None:
        planned, interval = self.next_enqueue_time, timedelta(seconds=self.interval or 1)
        is_first = self.latest_enqueue_time is None
        super().set_enqueue_time(time)
        if is_first or planned is None:
            self.next_enqueue_time = time + self.share * interval
        else:
            # After a pause of the clock, the jobs that are late run together once, and not again.
            self.next_enqueue_time = planned + ((time - planned) // interval + 1) * interval

    def enqueue(self, connection: Redis) -> Job:
        function: Any = self.func
        return _queue(self.queue_name, connection).enqueue(function, **self.job_options)


def run_worker(burst: bool = False, queues: Sequence[str] = QUEUES) -> None:
    """Run the jobs in the queues until a signal stops the process or, with `burst`, until the
    queues are empty.

    If Redis becomes unavailable while the worker is idle, RQ waits for Redis. If Redis becomes
    unavailable in the middle of a job, or is unavailable when a worker starts, RQ raises
    RedisError, and a new worker starts a second later. After a stop signal, no new worker starts.
    With `burst`, no new worker starts either, and this function raises the RedisError.
    """
    try:
        while True:
            worker = None
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
                if worker is not None and worker.is_asked_to_stop:
                    return
                time.sleep(1)
    except StopRequested:  # came between two workers: the first one's handler raised it
        return


def run_clock(periodic_jobs: Sequence[Periodic]) -> None:
    """Put each periodic job on its queue when it is due, until a signal stops the process.

    While Redis is unavailable, the clock tries again each second.
    """
    try:
        while True:
            clock = _new_clock(periodic_jobs)
            try:
                clock.start()  # type: ignore[no-untyped-call]
                return
            except RedisError:
                if clock.is_asked_to_stop:
                    return
                time.sleep(1)
    except StopRequested:  # came between two clocks: the first one's handler raised it
        return


def _new_clock(periodic_jobs: Sequence[Periodic]) -> _Clock:
    clock = _Clock(connection=redis_for_jobs(), logging_level="WARNING")
    for number, periodic in enumerate(periodic_jobs):
        cron_job = _PeriodicJob(
            periodic.function.queue,
            periodic.function,
            interval=periodic.seconds,
            job_timeout=periodic.function.timeout,
            # If no worker has begun a periodic job when the next one is due, the queue drops the
            # older job. So periodic jobs never pile up.
            ttl=periodic.seconds,
            result_ttl=0,
            failure_ttl=3600,
        )
        cron_job.share = 1 - number * GOLDEN_RATIO % 1
        clock.get_jobs().append(cron_job)
    return clock
