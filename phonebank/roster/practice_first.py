"""Where a campaign wants a practice call before the first real one: who still owes theirs."""

from sqlalchemy import exists, select

from phonebank.core.db import db
from phonebank.core.errors import NotAllowed
from phonebank.models import Call, Caller, Campaign

# Minutes that a practice call takes, as callers are told: the short way through a ready-made
# script is some eight steps to read and tap.
MINUTES = 3


class PracticeFirst(NotAllowed):
    """They are to practise before they are given anybody."""

    title = "A practice call first"

    def __init__(self) -> None:
        super().__init__(
            "Your campaign asks for one practice call before your first real one.",
            f"Make it at /calling/practice. It takes {MINUTES} minutes or so, and calls nobody.",
        )


def owes_practice(caller: Caller) -> bool:
    """Whether the caller must complete a practice call before they are given a person.

    Not those who have recorded a call in this campaign: switched on in mid-evening, it sends
    nobody who is ringing back to school.
    """
    if caller.practised_at is not None:
        return False
    if not db.session.get_one(Campaign, caller.campaign_id).practice_first:
        return False
    has_called = exists().where(Call.caller_id == caller.id, Call.recorded_at.is_not(None))
    return not db.session.scalar(select(has_called))
