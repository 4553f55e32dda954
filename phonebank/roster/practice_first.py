"""Decides which callers must make a practice call before their first real call. Each campaign
chooses whether to require a practice call."""

from sqlalchemy import exists, select

from phonebank.core.db import db
from phonebank.core.errors import NotAllowedError
from phonebank.models import Call, Caller

# Minutes that a practice call takes, as the page tells callers. The shortest way through a
# ready-made script has about eight steps to read and tap.
MINUTES = 3


class PracticeRequiredError(NotAllowedError):
    """The error for a caller who must practise before getting a contact."""

    title = "A practice call first"

    def __init__(self) -> None:
        super().__init__(
            "Your campaign asks for one practice call before your first real call.",
            f"Make it at /calling/practice. It takes {MINUTES} minutes or so, and calls nobody.",
        )


def owes_practice(caller: Caller) -> bool:
    """Whether the caller must complete a practice call before getting a contact.

    A caller who has recorded a call in this campaign need not practise. So if an organiser begins
    to require practice in the middle of an evening, these callers are not interrupted.
    """
    if caller.practised_at is not None:
        return False
    if not caller.campaign.practice_first:
        return False
    has_called = exists().where(Call.caller_id == caller.id, Call.recorded_at.is_not(None))
    return not db.session.scalar(select(has_called))
