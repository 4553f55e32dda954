"""Sets calls aside (takes them out of every total) and brings them back, step by step, and commits
each step."""

import time

from sqlalchemy import select

from phonebank.calls.set_aside_worker import take_step
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.jobs import CHORES, job
from phonebank.models import SetAside, SetAsideState

# A request sets calls aside for this many seconds, and leaves the remaining calls to the periodic
# job. A few hundred calls take less time than this.
SECONDS_IN_REQUEST = 5.0


def continue_set_aside(set_aside_id: int, seconds: float) -> bool:
    """Set aside the calls of this `SetAside` (an organiser's request), or bring them back. Work
    step by step, and commit each step. Stop when no calls are left, or after the step during which
    `seconds` seconds have passed. Return True if no calls are left, and False if some may be
    left."""
    give_up_at = time.monotonic() + seconds
    while _take_step(set_aside_id):
        if time.monotonic() > give_up_at:
            return False
    return True


@retry_on_deadlock
def _take_step(set_aside_id: int) -> bool:
    has_more = take_step(db.session.get_one(SetAside, set_aside_id))
    db.session.commit()
    return has_more


@job(CHORES, timeout=60)
def continue_all_set_asides() -> None:
    """Continue to set aside, or to bring back, the calls of each unfinished `SetAside` (an
    organiser's request), oldest first. Stop if the calls of one `SetAside` take longer than 20
    seconds. The next run then continues. This is a periodic job, and running it twice does no
    harm."""
    unfinished = select(SetAside.id).where(
        SetAside.state.in_((SetAsideState.WORKING, SetAsideState.RETURNING))
    )
    for set_aside_id in db.session.scalars(unfinished.order_by(SetAside.id)).all():
        if not continue_set_aside(set_aside_id, 20):
            return
