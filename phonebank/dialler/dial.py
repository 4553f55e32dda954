"""Dials the lines whose state is WANTED. The moment of dialling is stored before the request is
sent to the provider, so a line is never dialled twice. If this process dies between these two
steps, the next process asks the provider about the line."""

import logging
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from phonebank.core.db import db
from phonebank.dialler.rows import LineRow
from phonebank.dialler.switchboard import Switchboard
from phonebank.models import EndCause, LineSide, LineState, PhoneSettings, now
from phonebank.models.state_column import state_text
from phonebank.telephony.backend import NumberRefusedError
from phonebank.telephony.events import EventKind, LineEvent
from phonebank.telephony.record_events import record_event

log = logging.getLogger(__name__)

# A person's telephone rings for at least 15 seconds: `rules/*.yaml`, `ring_at_least_seconds`.
RINGS_AT_LEAST = 15

_BEGIN = text("""
UPDATE line SET dialled_at = :at, shows_number = true
WHERE id = :line_id AND dialled_at IS NULL AND ended_at IS NULL RETURNING id
""")
_DIALLED = state_text(
    """
UPDATE line SET provider_id = coalesce(provider_id, :provider_id),
    state = CASE WHEN state = :wanted THEN :dialled ELSE state END
WHERE id = :line_id
""",
    wanted=LineState.WANTED,
    dialled=LineState.DIALLED,
)


def dial(line: LineRow, settings: PhoneSettings, switchboard: Switchboard) -> None:
    """Dial a line that has not been dialled yet. Commits.

    If there is no number to dial, or no number that the called telephone can display, a person's
    line is ended, and a caller's line is left as it is.
    """
    number = line.phone if line.side == LineSide.PERSON else line.number
    if not number or not settings.shown_number:
        if line.side == LineSide.PERSON:  # for example, the person was erased
            end_here(line.id, EndCause.CANCELLED)
        return  # the caller's browser opens a line without a number
    begun = db.session.scalar(_BEGIN, {"line_id": line.id, "at": now()})
    db.session.commit()
    if begun is None:
        return
    if line.side == LineSide.PERSON:
        seconds = max(settings.ring_seconds, RINGS_AT_LEAST)
        switchboard.dial_person(line.id, number, settings.shown_number, seconds)
    else:
        switchboard.dial_caller(line.id, number, settings.shown_number)


def take_answer(line_id: int, answer: Any) -> None:
    """Store the provider's answer to a request to dial a line. Commits.

    If the answer is NumberRefusedError, end the line. After any other error, it is not known
    whether the line was dialled. In that case the line is not changed, and the next `fetch` finds
    out whether it was dialled.
    """
    if isinstance(answer, str):
        try:
            db.session.execute(_DIALLED, {"line_id": line_id, "provider_id": answer})
            db.session.commit()
        except IntegrityError:
            # The provider did not say which call it began, and the call that was found belongs to
            # another line.
            db.session.rollback()
            log.warning("line %s got the provider's id of another line", line_id)
    elif isinstance(answer, NumberRefusedError):
        end_here(line_id, EndCause.NO_SUCH_NUMBER)


def end_here(line_id: int, cause: EndCause) -> None:
    """Record that a line has ended, without asking the provider, because the provider has no such
    line. Commits."""
    record_event(LineEvent(line_id, 0, EventKind.ENDED, cause, now()))
    db.session.commit()
