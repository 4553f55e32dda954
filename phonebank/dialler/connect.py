"""Connects callers: makes, replaces and ends their telephone lines. Each function commits its
changes."""

from datetime import datetime, timedelta

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.dialler.rows import CallerRow, LineRow
from phonebank.dialler.switchboard import Switchboard
from phonebank.models import Line, LineSide, LineState
from phonebank.telephony.sessions import end_session

# A caller whose page has sent no request for this long gets no more people.
PAGE_GONE_AFTER = timedelta(seconds=60)
# If a caller has no open call, and the caller's page has sent no request for this long, the caller
# is disconnected, because the line costs money.
LINE_UNUSED_FOR = timedelta(minutes=15)
# A caller whose browser has not opened its line after this long is disconnected.
BROWSER_CONNECTS_WITHIN = timedelta(minutes=2)

_SET_LINE = text("""
UPDATE phone_session SET line_id = :line_id
WHERE caller_id = :caller_id AND line_id IS NULL AND ended_at IS NULL
""")
_NOT_READY = text("UPDATE phone_session SET ready_at = NULL WHERE caller_id = :caller_id")


def make_line(campaign_id: int, caller: CallerRow, backend: str) -> None:
    """Store a line for a caller who has none. The line is dialled or opened later."""
    line = Line(
        campaign_id=campaign_id,
        caller_id=caller.caller_id,
        side=LineSide.CALLER,
        backend=backend,
    )
    db.session.add(line)
    db.session.flush()
    db.session.execute(_SET_LINE, {"line_id": line.id, "caller_id": caller.caller_id})
    db.session.commit()


def end_if_over(caller: CallerRow, at: datetime) -> bool:
    """End the caller's telephone session if the caller's line has ended or the caller has been
    removed. If the caller has no open call, also end the session if the caller wants to finish, or
    if the caller's page has sent no request for 15 minutes. Return whether the session was ended.

    If the session continues, but the page has sent no request for 60 seconds, store that the caller
    is not ready.
    """
    has_left = caller.caller_line == LineState.ENDED or not caller.is_admitted
    has_finished = caller.finishing and caller.call_id is None
    is_gone = caller.call_id is None and at - caller.seen_at > LINE_UNUSED_FOR
    if not (has_left or has_finished or is_gone):
        if caller.ready_at is not None and at - caller.seen_at > PAGE_GONE_AFTER:
            db.session.execute(_NOT_READY, {"caller_id": caller.caller_id})
            db.session.commit()
        return False
    end_session(caller.caller_id)
    db.session.commit()
    return True


def follow_caller_line(
    line: LineRow, at: datetime, lines: list[LineRow], switchboard: Switchboard
) -> None:
    """Hang up a caller's open line if the caller's telephone session has ended, or if the caller
    has changed telephones and the new line has been answered. In the second case, a person may be
    joined to the old line. Then also join this person to the new line.

    End the session if the caller's browser has not opened the line within two minutes.
    """
    if not line.is_on:
        switchboard.hang_up(line.ref)
    elif line.id == line.session_line_id:
        is_late = at - line.created_at > BROWSER_CONNECTS_WITHIN
        if line.state == LineState.WANTED and line.dialled_at is None and is_late:
            end_session(line.caller_id or 0)
            db.session.commit()
    elif line.own_ref is not None and line.own_id != line.id:
        # The caller has changed telephones, and the new line is up. The person is joined to it.
        for person in lines:
            is_theirs = person.side == LineSide.PERSON and person.caller_id == line.caller_id
            if is_theirs and person.state == LineState.JOINED:
                switchboard.join(person.ref, line.own_ref)
        switchboard.hang_up(line.ref)
