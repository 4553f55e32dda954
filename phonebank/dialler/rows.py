"""Reads from the database what the dialler needs to know about a campaign."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from phonebank.core.db import db
from phonebank.models import (
    CallerState,
    CampaignState,
    EndCause,
    LineSide,
    LineState,
    PartyState,
)
from phonebank.models.state_column import state_text
from phonebank.telephony.backend import LineRef
from phonebank.telephony.phases import Situation

_CALLERS = state_text(
    """
SELECT session.caller_id, session.number, session.line_id, own.state AS caller_line,
       session.ready_at, session.finishing, session.seen_at, session.ask_again_at,
       caller.state = :admitted AS is_admitted, call.id AS call_id,
       campaign.state = :ended OR coalesce(party.state = :party_ended, false) AS calling_has_ended,
       person.state AS person_line, person.joined_at IS NOT NULL AS was_joined, person.cause,
       person.joined_at, person.ended_at AS left_at
FROM phone_session AS session
JOIN caller ON caller.id = session.caller_id
JOIN campaign ON campaign.id = caller.campaign_id
LEFT JOIN party ON party.id = caller.party_id
LEFT JOIN line AS own ON own.id = session.line_id
LEFT JOIN call ON call.caller_id = session.caller_id AND call.ended_at IS NULL
LEFT JOIN LATERAL (
    SELECT state, joined_at, cause, ended_at FROM line
    WHERE line.call_id = call.id AND side = :person ORDER BY id DESC LIMIT 1
) AS person ON true
WHERE session.campaign_id = :campaign_id AND session.ended_at IS NULL
ORDER BY session.ready_at, session.caller_id
""",
    admitted=CallerState.ADMITTED,
    ended=CampaignState.ENDED,
    party_ended=PartyState.ENDED,
    person=LineSide.PERSON,
)
_LINES = state_text(
    """
SELECT line.id, line.side, line.state, line.provider_id, line.call_id, line.caller_id,
       line.contact_id, line.dialled_at, line.answered_at, line.joined_at, line.message_at,
       line.played_at, line.end_wanted_at, line.created_at, call.phone,
       call.id IS NOT NULL AND call.ended_at IS NULL AS call_is_open,
       own.id AS own_id, own.provider_id AS own_provider_id,
       session.line_id AS session_line_id, session.number,
       session.caller_id IS NOT NULL AND session.ended_at IS NULL AS is_on
FROM line
LEFT JOIN call ON call.id = line.call_id
LEFT JOIN phone_session AS session ON session.caller_id = line.caller_id
LEFT JOIN LATERAL (
    SELECT id, provider_id FROM line AS live
    WHERE live.caller_id = session.caller_id AND live.side = :caller
      AND live.state IN (:answered, :joined)
    ORDER BY live.id = session.line_id DESC LIMIT 1
) AS own ON true
WHERE line.campaign_id = :campaign_id AND line.ended_at IS NULL
ORDER BY line.id
""",
    caller=LineSide.CALLER,
    answered=LineState.ANSWERED,
    joined=LineState.JOINED,
)
# Open calls whose line has ended before the person was joined to anyone. Calls that their caller
# has undone are left out, because the caller corrects their outcome.
_FROM_UNJOINED = """
FROM call JOIN line ON line.call_id = call.id AND line.side = :person
WHERE call.ended_at IS NULL AND call.turn = 0
  AND line.ended_at IS NOT NULL AND line.joined_at IS NULL
  AND NOT EXISTS (SELECT FROM line AS newer WHERE newer.call_id = call.id AND newer.id > line.id)
"""
_UNJOINED = state_text(
    f"""
SELECT call.id AS call_id, call.caller_id, call.contact_id, call.phone, line.id AS line_id,
       line.cause, line.dialled_at, line.answered_at, line.ended_at
{_FROM_UNJOINED} AND call.campaign_id = :campaign_id
""",
    person=LineSide.PERSON,
)
# Without the third part, the dialler would leave a campaign whose last line and last caller end
# together, before it has concluded the last call.
_CAMPAIGNS = state_text(
    f"""
SELECT campaign_id FROM phone_session WHERE ended_at IS NULL
UNION SELECT campaign_id FROM line WHERE ended_at IS NULL
UNION SELECT call.campaign_id {_FROM_UNJOINED}
""",  # noqa: S608
    person=LineSide.PERSON,
)


@dataclass(frozen=True)
class CallerRow:
    """A caller whose telephone session is open (see `models.PhoneSession`). `joined_at` is when the
    person in the caller's open call was joined to the caller, and `left_at` is when that person's
    line ended. `calling_has_ended` says whether the campaign or the caller's party has ended."""

    caller_id: int
    number: str | None
    line_id: int | None
    caller_line: LineState | None
    ready_at: datetime | None
    finishing: bool
    seen_at: datetime
    ask_again_at: datetime | None
    is_admitted: bool
    call_id: uuid.UUID | None
    calling_has_ended: bool
    person_line: LineState | None
    was_joined: bool
    cause: EndCause | None
    joined_at: datetime | None
    left_at: datetime | None

    @property
    def situation(self) -> Situation:
        """The facts that determine what the caller's page shows."""
        return Situation(
            is_on=True,
            is_ready=self.ready_at is not None,
            caller_line=self.caller_line,
            has_call=self.call_id is not None,
            person_line=self.person_line,
            was_joined=self.was_joined,
            cause=self.cause,
        )


@dataclass(frozen=True)
class LineRow:
    """An open line and its call. The fields that begin with `own_` describe a line to the caller:
    one that has been answered and is still open.

    `session_line_id` is the id of the line that the caller wants to use. It differs from `own_id`
    while the caller is changing telephones. `phone` is the number of the person who is called, and
    `number` is the caller's own number. All these fields may be None.
    """

    id: int
    side: LineSide
    state: LineState
    provider_id: str | None
    call_id: uuid.UUID | None
    caller_id: int | None
    contact_id: int | None
    dialled_at: datetime | None
    answered_at: datetime | None
    joined_at: datetime | None
    message_at: datetime | None
    played_at: datetime | None
    end_wanted_at: datetime | None
    created_at: datetime
    call_is_open: bool
    phone: str | None
    own_id: int | None
    own_provider_id: str | None
    session_line_id: int | None
    number: str | None
    is_on: bool

    @property
    def ref(self) -> LineRef:
        """The reference by which the provider knows the line."""
        return LineRef(self.id, self.provider_id)

    @property
    def own_ref(self) -> LineRef | None:
        """The reference to the caller's own line. It is None if the caller has no line that was
        answered and is still open, or if the caller's session has ended."""
        is_up = self.is_on and self.own_id is not None
        return LineRef(self.own_id or 0, self.own_provider_id) if is_up else None

    @property
    def is_live(self) -> bool:
        """Whether a person or a machine has answered the line and the line has not ended."""
        return self.state in (LineState.ANSWERED, LineState.JOINED)


@dataclass(frozen=True)
class UnjoinedRow:
    """An open call whose line ended before the person was joined to a caller."""

    call_id: uuid.UUID
    caller_id: int | None
    contact_id: int
    phone: str
    line_id: int
    cause: EndCause
    dialled_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime


def callers_of(campaign_id: int) -> list[CallerRow]:
    """Return the campaign's callers who have an open telephone session, starting with those who
    have been ready for longest."""
    return [CallerRow(**_typed(row)) for row in _rows(_CALLERS, campaign_id)]


def open_lines_of(campaign_id: int) -> list[LineRow]:
    """Return the campaign's open telephone lines, oldest first."""
    return [LineRow(**_typed(row)) for row in _rows(_LINES, campaign_id)]


def unjoined_of(campaign_id: int) -> list[UnjoinedRow]:
    """Return the open calls whose line ended before the person was joined to a caller. Leave out
    calls that a caller has undone."""
    return [UnjoinedRow(**_typed(row)) for row in _rows(_UNJOINED, campaign_id)]


def campaigns_on_the_telephone() -> list[int]:
    """Return the ids of the campaigns that the dialler must serve. Each has a caller on the
    telephone, an open telephone line, or an open call whose line ended before the person was joined
    to a caller."""
    return list(db.session.scalars(_CAMPAIGNS))


_TYPES = {
    "side": LineSide,
    "state": LineState,
    "caller_line": LineState,
    "person_line": LineState,
    "cause": EndCause,
}


def _rows(statement: Any, campaign_id: int) -> Any:
    return db.session.execute(statement, {"campaign_id": campaign_id}).mappings().all()


def _typed(row: Any) -> dict[str, Any]:
    return {
        name: _TYPES[name](value) if name in _TYPES and value is not None else value
        for name, value in row.items()
    }
