"""The functions with which an organiser's view ends: they commit, and then enqueue a job or
redirect."""

from flask import flash, redirect
from flask.typing import ResponseReturnValue

from phonebank.core.db import after_commit, db
from phonebank.core.jobs import JobFunction, enqueue


def commit_and_redirect(
    address: str, message: str = "", category: str = "success"
) -> ResponseReturnValue:
    """Commit, then redirect to a page that shows the message, if there is one."""
    db.session.commit()
    if message:
        flash(message, category)
    return redirect(address)


def commit_and_enqueue(job: JobFunction[[int]], row_id: int) -> None:
    """Commit, then enqueue the job with a row's id.

    If Redis is down, the job is not enqueued. Most of these jobs are then started some minutes
    later by one of the jobs in `periodic_jobs.py`.
    """

    after_commit_enqueue(job, row_id)
    db.session.commit()


def after_commit_enqueue(job: JobFunction[[int]], row_id: int) -> None:
    """Enqueue the job with a row's id after the current transaction has committed."""

    def enqueue_job() -> None:
        enqueue(job, row_id)

    after_commit(enqueue_job)
