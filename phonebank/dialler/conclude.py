"""Ends calls in which the person was not joined to a caller, for example because nobody answered.
`conclude` commits."""

import logging
from datetime import timedelta

from sqlalchemy import select, text

from phonebank.calls.record import record, record_unanswered
from phonebank.contact_queue.holds import end_hold
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.errors import PhonebankError
from phonebank.dialler.rows import UnjoinedRow
from phonebank.models import Call, CallEnding, Caller, EndCause, now

log = logging.getLogger(__name__)

# How long a number rests after a person answered and was put through to nobody:
# `rules/*.yaml`, `redial_after_hours`.
REST_AFTER_ABANDONED = timedelta(hours=72)

_OUTCOMES = {
    EndCause.BUSY: "busy",
    EndCause.NO_ANSWER: "no_answer",
    EndCause.NO_SUCH_NUMBER: "disconnected",
    EndCause.FAILED: "line_fault",
    EndCause.LOST: "line_fault",
    EndCause.HUNG_UP: "line_fault",  # the provider never reported an answer
    # If a ringing line is no longer wanted, the dialler lets it ring for as many seconds as the law
    # requires, and then ends it.
    EndCause.CANCELLED: "no_answer",
}
_REST = text("""
UPDATE contact SET callable_at = greatest(callable_at, :until),
    rested_at = greatest(rested_at, :until)
WHERE phone = :phone
""")


@retry_on_deadlock
def conclude(row: UnjoinedRow) -> None:
    """Conclude an open call whose line has ended before the person was joined to a caller.

    If the person or a machine answered, record no outcome, end the call, and keep the number from
    being called for 72 hours. If the line was never dialled, end the call with GIVEN_BACK, as if
    the caller had returned the contact. In all other cases, record an outcome such as "no_answer".
    Record nothing if somebody has just erased the person or has taken the call away.
    """
    if row.answered_at is not None:
        _abandon(row)
        return
    if row.dialled_at is None:
        _end(row, CallEnding.GIVEN_BACK)
        db.session.commit()
        return
    caller = db.session.get(Caller, row.caller_id) if row.caller_id is not None else None
    try:
        if caller is None:
            record_unanswered(row.call_id, _OUTCOMES[row.cause])
        else:
            record(caller, row.call_id, _OUTCOMES[row.cause])
        db.session.commit()
    except PhonebankError as refused:
        # Somebody erased the person or took the call away at this moment.
        db.session.rollback()
        log.info("a call was not concluded: %s", refused.title)


def _abandon(row: UnjoinedRow) -> None:
    _end(row, CallEnding.TAKEN_AWAY)
    db.session.execute(_REST, {"phone": row.phone, "until": now() + REST_AFTER_ABANDONED})
    db.session.commit()


def _end(row: UnjoinedRow, ending: CallEnding) -> None:
    locked = select(Call).where(Call.id == row.call_id, Call.ended_at.is_(None)).with_for_update()
    call = db.session.scalar(locked.execution_options(populate_existing=True))
    if call is not None:
        end_hold(call, ending)
        db.session.flush()
