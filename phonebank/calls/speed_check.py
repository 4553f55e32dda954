"""Outcomes that came sooner than a call takes. They count in every total like any other, so that
totals stay exact; they win nobody a place on a board, and the organiser is told, quietly.

Too fast is measured from the hand-out, so an outcome undone and recorded again is measured over the
whole time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from phonebank.core.db import db
from phonebank.models import Call, Caller

# A phone that rings once, a name, on whose behalf, the question and its answer: the ready-made
# scripts have 40 words before the main question, and people speak about 150 words a minute.
CONVERSATION_TAKES = timedelta(seconds=15)
# A tap on the number, the telephone's own screen, and back. Even an engaged tone takes longer.
ANY_CALL_TAKES = timedelta(seconds=3)
# One slip of the finger is nobody's business.
WORTH_A_LOOK = 3
SHOWN_AT_MOST = 20


@dataclass(frozen=True)
class Hurry:
    """A caller with several outcomes that came too fast, and how many calls they have in all."""

    caller: Caller
    too_fast: int
    calls: int


def is_too_fast(handed_out_at: datetime, recorded_at: datetime, conversation: bool) -> bool:
    """Whether this outcome came sooner than such a call takes. Both moments aware."""
    least = CONVERSATION_TAKES if conversation else ANY_CALL_TAKES
    return recorded_at - handed_out_at < least


def in_a_hurry(campaign_id: int) -> list[Hurry]:
    """Callers worth a look, who have the most such outcomes first; 20 at most."""
    too_fast = (
        select(Call.caller_id, func.count().label("number"))
        .where(Call.campaign_id == campaign_id, Call.too_fast, Call.set_aside_at.is_(None))
        .group_by(Call.caller_id)
        .having(func.count() >= WORTH_A_LOOK)
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
    return [Hurry(*row) for row in rows]
