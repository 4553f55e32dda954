"""Working through what is to be set aside or brought back: part by part, each committed."""

import time

from sqlalchemy import select

from phonebank.calls.set_aside import work_on
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.jobs import CHORES, job
from phonebank.models import SetAside, SetAsideState

# Seconds. Longer than some hundreds of calls take, shorter than an organiser waits for a page.
IN_A_REQUEST = 5.0


def work(act_id: int, seconds: float) -> bool:
    """Work on an act for so long; whether it is finished. Commits."""
    give_up_at = time.monotonic() + seconds
    while _next_part(act_id):
        if time.monotonic() > give_up_at:
            return False
    return True


@retry_on_deadlock
def _next_part(act_id: int) -> bool:
    has_more = work_on(db.session.get_one(SetAside, act_id))
    db.session.commit()
    return has_more


@job(CHORES, timeout=60)
def go_on_setting_aside() -> None:
    """Go on with what a request has left over, or a killed process. Periodic; harmless twice."""
    unfinished = select(SetAside.id).where(
        SetAside.state.in_((SetAsideState.WORKING, SetAsideState.RETURNING))
    )
    for act_id in db.session.scalars(unfinished.order_by(SetAside.id)).all():
        if not work(act_id, 20):
            return
