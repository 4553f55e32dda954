"""The job that forgets addresses and volunteers in time."""

from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.volunteers import confirm, volunteers


@job(CHORES, timeout=60)
def forget_volunteers() -> None:
    """Forget addresses that nobody confirmed within a day, and volunteers whose campaigns may keep
    nobody any longer."""
    confirm.forget_old_confirmations()
    db.session.commit()
    volunteers.forget_after_campaigns()
    db.session.commit()
