"""Finds outcomes that were recorded sooner than a real call could have ended.

Such outcomes count in the totals of calls and conversations. They do not count in a caller's best
hour, nor in the ranking of callers on a party's board (the screen that everyone at the party sees).
A page for organisers lists the callers who recorded several such outcomes. The time that a call
took is measured from the moment when the caller got the contact, even if the outcome was undone and
recorded again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from phonebank.core.db import db
from phonebank.models import Call, Caller

# The shortest conversation has one ring, the caller's name and organisation, one question and one
# answer. The scripts that come with Phonebank have 40 words before the main question, and people
# speak about 150 words a minute.
CONVERSATION_TAKES = timedelta(seconds=15)
# In the shortest call the caller taps the number, sees the phone's own screen, and goes back to the
# page. Even a call to an engaged number takes longer than this.
ANY_CALL_TAKES = timedelta(seconds=3)
# One or two such outcomes may be mistaken taps, so the page shows only callers with at least three.
SHOWN_FROM = 3
SHOWN_AT_MOST = 20


@dataclass(frozen=True)
class FastCaller:
    """A caller with several outcomes that were recorded too fast. `too_fast` is the number of these
    outcomes. `calls` is the number of the caller's calls that count in the totals, fast or not."""

    caller: Caller
    too_fast: int
    calls: int


def is_too_fast(claimed_at: datetime, recorded_at: datetime, conversation: bool) -> bool:
    """Whether the outcome was recorded sooner than a real call could have ended. Both times are
    aware."""
    least = CONVERSATION_TAKES if conversation else ANY_CALL_TAKES
    return recorded_at - claimed_at < least


def fast_callers(campaign_id: int) -> list[FastCaller]:
    """Return up to SHOWN_AT_MOST callers of the campaign with at least SHOWN_FROM outcomes that
    were recorded too fast. Calls that were set aside (taken out of every total) do not count. The
    caller with the most such outcomes is first."""
    too_fast = (
        select(Call.caller_id, func.count().label("number"))
        .where(Call.campaign_id == campaign_id, Call.too_fast, Call.set_aside_at.is_(None))
        .group_by(Call.caller_id)
        .having(func.count() >= SHOWN_FROM)
        .order_by(func.count().desc(), Call.caller_id)
        .limit(SHOWN_AT_MOST)
        .subquery()
    )
    calls = (
        select(func.count())
        .where(Call.caller_id == Caller.id, Call.counted)
        .correlate(Caller)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(Caller, too_fast.c.number, calls)
        .join(too_fast, too_fast.c.caller_id == Caller.id)
        .order_by(too_fast.c.number.desc(), Caller.id)
    )
    return [FastCaller(*row) for row in rows]
