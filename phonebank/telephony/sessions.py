"""Stores telephone sessions. A caller has a session while they want to be on the telephone. The
session says whether the caller is ready for the next person.

These functions do not commit, and they only read and change rows in the database. The dialler
(`phonebank.dialler`) reads the rows a moment later, and opens or ends telephone lines to match the
rows.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.core.statement import Statement
from phonebank.models import Call, Caller, EndCause, Line, LineSide, LineState, now
from phonebank.models.state_column import state_sql
from phonebank.telephony.phases import Phase, Situation

# `seen_at` is written again only after this long.
SEEN_APART = timedelta(seconds=10)

_CONNECT = text("""
INSERT INTO phone_session AS session
    (caller_id, campaign_id, number, notice, seen_at, started_at)
VALUES (:caller_id, :campaign_id, :number, '', :at, :at)
ON CONFLICT (caller_id) DO UPDATE SET campaign_id = excluded.campaign_id,
    number = excluded.number, line_id = NULL, notice = '', ask_again_at = NULL,
    ready_at = CASE WHEN session.ended_at IS NULL THEN session.ready_at END, finishing = false,
    seen_at = :at, ended_at = NULL,
    started_at = CASE WHEN session.ended_at IS NULL THEN session.started_at ELSE :at END
""")
_SET_READY = text("""
UPDATE phone_session SET ready_at = CASE WHEN :ready THEN coalesce(ready_at, :at) END,
    finishing = finishing AND NOT :ready, notice = '', ask_again_at = NULL
WHERE caller_id = :caller_id AND ended_at IS NULL RETURNING caller_id
""")
_FINISH = text("""
UPDATE phone_session SET ready_at = NULL, finishing = true
WHERE caller_id = :caller_id AND ended_at IS NULL RETURNING caller_id
""")
_END = text("""
UPDATE phone_session SET ended_at = :at, number = NULL, ready_at = NULL, finishing = false
WHERE caller_id = :caller_id AND ended_at IS NULL RETURNING caller_id
""")
_WANT_END = text("""
UPDATE line SET end_wanted_at = coalesce(end_wanted_at, :at)
WHERE call_id = :call_id AND caller_id = :caller_id AND ended_at IS NULL RETURNING id
""")
# The caller's session, their line, their open call and its newest line. A caller's page causes this
# query every few seconds.
_SITUATION = Statement(
    state_sql(
        """
SELECT session.caller_id IS NOT NULL AND session.ended_at IS NULL AS is_on,
       session.ready_at IS NOT NULL AS is_ready, coalesce(session.finishing, false) AS finishing,
       coalesce(session.notice, '') AS notice, session.number IS NULL AS by_browser,
       session.line_id, session.seen_at, own.state AS caller_line, call.id AS call_id, call.turn,
       person.state AS person_line, person.joined_at IS NOT NULL AS was_joined, person.cause
FROM caller
LEFT JOIN phone_session AS session ON session.caller_id = caller.id
LEFT JOIN line AS own ON own.id = session.line_id
LEFT JOIN call ON call.caller_id = caller.id AND call.ended_at IS NULL
LEFT JOIN LATERAL (
    SELECT state, joined_at, cause FROM line
    WHERE line.call_id = call.id AND side = :person ORDER BY id DESC LIMIT 1
) AS person ON true
WHERE caller.id = :caller_id
""",
        person=LineSide.PERSON,
    )
)
_SEEN = text("UPDATE phone_session SET seen_at = :at WHERE caller_id = :caller_id")


class NotConnectedError(ConflictError):
    """The error for a caller who has no open telephone session."""

    title = "You're not on the telephone"

    def __init__(self) -> None:
        super().__init__("Your telephone isn't connected.", "Connect it first.")


@dataclass(frozen=True)
class CallerPhone:
    """What is known about one caller's telephone and open call. `call_id` is the id of the caller's
    open call, and `line_id` is the id of the caller's own line. Each id is None if there is no such
    call or line. `notice` says why nobody is being called for the caller, or is "".
    """

    situation: Situation
    call_id: uuid.UUID | None
    turn: int
    line_id: int | None
    by_browser: bool
    finishing: bool
    notice: str

    @property
    def phase(self) -> Phase:
        """The caller's phase, such as waiting or talking. The caller's page shows this phase."""
        return self.situation.phase

    @property
    def shows_person(self) -> bool:
        """Whether the caller may see the person in the open call. This is allowed if the caller and
        the person were joined, or if the caller is correcting how the call ended."""
        return self.call_id is not None and (self.situation.was_joined or self.turn > 0)


def connect(caller: Caller, number: str | None) -> None:
    """Ask the dialler to connect the caller. The dialler calls `number` (E.164), or waits for the
    caller's browser if `number` is None.

    If the caller is already connected, the new line replaces the old one as soon as the new one has
    been answered. The caller stays joined to the same person.
    """
    values = {"caller_id": caller.id, "campaign_id": caller.campaign_id}
    db.session.execute(_CONNECT, values | {"number": number, "at": now()})


def set_ready(caller: Caller, ready: bool) -> None:
    """Store whether the caller is ready for the next person. If `ready` is true, an earlier
    `finish_after_call` no longer counts. Raises NotConnectedError if the caller has no open
    telephone session."""
    _change(_SET_READY, caller, ready=ready, at=now())


def finish_after_call(caller: Caller) -> None:
    """Let the caller's telephone session end after the current call, or soon if the caller has no
    open call. Raises NotConnectedError if the caller has no open telephone session."""
    _change(_FINISH, caller)


def end_session(caller_id: int) -> None:
    """End the caller's telephone session now, if there is one. The dialler then ends the caller's
    own line, and the line of the person in the caller's open call."""
    db.session.execute(_END, {"caller_id": caller_id, "at": now()})


def phone_of(caller_id: int, seen: bool = False) -> CallerPhone:
    """Return what is known about a caller's telephone and open call. With `seen`, also store that
    the caller's page is open now. This is stored at most once in ten seconds, and only while the
    caller's telephone session lasts. Raises NotFoundError if there is no such caller."""
    row = _SITUATION.row({"caller_id": caller_id})
    if row is None:
        raise NotFoundError("There is no such caller.", "Join again.")
    at = now()
    if seen and row.is_on and at - row.seen_at > SEEN_APART:
        db.session.execute(_SEEN, {"caller_id": caller_id, "at": at})
    situation = Situation(
        is_on=row.is_on,
        is_ready=row.is_ready,
        caller_line=_state(row.caller_line),
        has_call=row.call_id is not None,
        person_line=_state(row.person_line),
        was_joined=row.was_joined,
        cause=EndCause(row.cause) if row.cause else None,
    )
    return CallerPhone(
        situation,
        row.call_id,
        row.turn or 0,
        row.line_id,
        row.by_browser,
        row.finishing,
        row.notice,
    )


def want_person_line(caller: Caller, call: Call, backend: str) -> Line:
    """Store a new line for calling the person in an open call, and return the line. At its next
    turn, the dialler dials the line, or ends it if the person may not be called now.

    A unique index allows each call only one open line. Raises IntegrityError if the call already
    has an open line.
    """
    line = Line(
        campaign_id=call.campaign_id,
        call_id=call.id,
        caller_id=caller.id,
        contact_id=call.contact_id,
        side=LineSide.PERSON,
        backend=backend,
    )
    db.session.add(line)
    db.session.flush()
    return line


def want_hang_up(caller: Caller, call_id: uuid.UUID) -> bool:
    """Ask the dialler to end the open line of this call, if the call is this caller's. Return
    whether there was such a line."""
    values = {"call_id": call_id, "caller_id": caller.id, "at": now()}
    return db.session.scalar(_WANT_END, values) is not None


def _change(statement: Any, caller: Caller, **values: Any) -> None:
    if db.session.scalar(statement, {"caller_id": caller.id, **values}) is None:
        raise NotConnectedError


def _state(value: str | None) -> LineState | None:
    return LineState(value) if value else None
