"""Functions for the end of an organiser's view. They commit and redirect, commit and enqueue a job,
or enqueue a job after a later commit."""

from flask import flash, redirect
from flask.typing import ResponseReturnValue

from phonebank.core.db import after_commit, db
from phonebank.core.jobs import JobFunction, enqueue


def commit_and_redirect(
    address: str, message: str = "", category: str = "success"
) -> ResponseReturnValue:
    """Commit, then redirect to `address`. If there is a message, the next page shows it."""
    db.session.commit()
    if message:
        flash(message, category)
    return redirect(address)


def commit_and_enqueue(job: JobFunction[[int]], row_id: int) -> None:
    """Commit, then enqueue the job. The job gets `row_id`, the id of a database row, as its only
    argument.

    If Redis is down, the job is not enqueued. For most jobs, a periodic job (see
    `periodic_jobs.py`) then enqueues the job some minutes later.
    """

    after_commit_enqueue(job, row_id)
    db.session.commit()


def after_commit_enqueue(job: JobFunction[[int]], row_id: int) -> None:
    """Enqueue the job after the current transaction has committed. The job gets `row_id`, the id of
    a database row, as its only argument. If Redis is down, the job is not enqueued."""

    def enqueue_job() -> None:
        enqueue(job, row_id)

    after_commit(enqueue_job)
