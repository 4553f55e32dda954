"""The job that deletes the addresses and volunteers that must not be kept any longer."""

from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.volunteers import confirm, volunteers


@job(CHORES, timeout=60)
def forget_volunteers() -> None:
    """Delete addresses that nobody confirmed within a day. For campaigns whose personal data has
    been erased or is being erased, stop keeping calls under volunteers, and delete consents and
    roles. Then delete the volunteers who have no role left, and whose consents, if any, are all
    withdrawn."""
    confirm.forget_old_confirmations()
    db.session.commit()
    volunteers.forget_after_campaigns()
    db.session.commit()
