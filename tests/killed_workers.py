"""Kills the process that does a job, in the middle and at random moments.

`make soak` sets KILLS=20, and then each phase of a test is killed twenty times.
"""

import os
import random
import signal
import time
from collections.abc import Callable

from phonebank.core.db import db

KILLS = int(os.environ.get("KILLS", "1"))
GIVES_UP_AFTER = 60.0  # seconds without progress


def kill_workers(
    job: Callable[[], object],
    progress: Callable[[], object],
    after_each: Callable[[], object],
    kills: int = KILLS,
) -> None:
    """Let one process after another do the same job, and kill each of them with -9.

    `progress` changes with each portion of the job. A process is killed at a random moment after
    its second portion, within the time that a portion takes. The job must be long enough for all of
    them: a process that ends before it is killed fails the test.
    """
    for number in range(kills):
        before = progress()
        worker = os.fork()
        if worker == 0:
            try:
                os.nice(5)  # so that the parent sees in time how far the worker is
                db.engine.dispose(close=False)
                job()
            finally:
                os._exit(0)
        try:
            first = _wait_for_change(worker, progress, before)
            began = time.monotonic()
            _wait_for_change(worker, progress, first)
            time.sleep(random.uniform(0, time.monotonic() - began))
        finally:
            os.kill(worker, signal.SIGKILL)
            _, how = os.waitpid(worker, 0)
        assert os.WIFSIGNALED(how), f"worker {number} ended before it was killed"
        after_each()
        db.session.rollback()


def _wait_for_change(worker: int, progress: Callable[[], object], before: object) -> object:
    """Wait until the progress differs from `before`, or the worker ends. Return the progress."""
    give_up_at = time.monotonic() + GIVES_UP_AFTER
    while (now := progress()) == before:
        ended = os.waitid(os.P_PID, worker, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is not None:
            break
        assert time.monotonic() < give_up_at, "the worker does not get on"
        time.sleep(0.002)
    return now
