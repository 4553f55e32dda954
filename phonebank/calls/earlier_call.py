"""Reads what the next caller sees of an earlier call, and copies the answers of that call. An
earlier call is shown if its outcome is in TAKES_CALLBACK, for example “Cut short” or “Call back”.
If there are several such calls, the last of them is shown.

The query that reads the contact for a caller's screen also reads the earlier call, in the column
`EARLIER_CALL`. So no further query is needed. PostgreSQL looks for an earlier call only if the
contact has been called before and the campaign shows earlier calls. These functions do not commit.

The answers from the earlier call are shown, and the script continues after them. When the caller
sends the first answer or an outcome, the earlier answers are copied to the new call (`take_over`).
The copies do not count in the totals.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Label, String, bindparam, literal_column, select, text

from phonebank.core.db import db
from phonebank.models import Call, Caller
from phonebank.models.call import TAKEN_OVER
from phonebank.rules.outcomes import TAKES_CALLBACK
from phonebank.scripts.versions import script_of
from scripts_library.engine import InvalidAnswerError, check_answer

# After these outcomes the person expects another call.
_SHOWN = ", ".join(f"'{key}'" for key in sorted(TAKES_CALLBACK))

# A query with this column must read from the table `contact`.
EARLIER_CALL: Label[Any] = literal_column(f"""
CASE WHEN contact.tried AND (
    SELECT shows_earlier_call FROM campaign AS of_contact WHERE of_contact.id = contact.campaign_id
) THEN (
    SELECT json_build_object(
        'call_id', earlier.id, 'outcome', earlier.outcome, 'at', earlier.recorded_at,
        'note', earlier.note,
        'answers', (SELECT json_object_agg(step_id, value) FROM answer WHERE call_id = earlier.id))
    FROM call AS earlier
    WHERE earlier.contact_id = contact.id AND earlier.outcome IN ({_SHOWN})
      AND earlier.set_aside_at IS NULL
    ORDER BY earlier.started_at DESC LIMIT 1
) END""").label("earlier")  # noqa: S608

_NEW_CALL = select(Call.contact_id, Call.script_version_id).where(
    Call.id == bindparam("call_id"),
    Call.caller_id == bindparam("caller_id"),
    Call.outcome.is_(None),
)
_ANSWERS_OF_EARLIER = text(f"""
SELECT answer.step_id, answer.value
FROM call AS earlier
JOIN campaign ON campaign.id = earlier.campaign_id AND campaign.shows_earlier_call
JOIN answer ON answer.call_id = earlier.id
WHERE earlier.id = :earlier_id AND earlier.contact_id = :contact_id
  AND earlier.outcome IN ({_SHOWN}) AND earlier.set_aside_at IS NULL
""")  # noqa: S608
_TAKE_OVER = text("""
INSERT INTO answer (call_id, step_id, value, answered_at, seq)
SELECT :call_id, step_id, value, answered_at, :taken_over
FROM answer WHERE call_id = :earlier_id AND step_id = ANY (:steps)
ON CONFLICT DO NOTHING
""").bindparams(bindparam("steps", type_=ARRAY(String)), taken_over=TAKEN_OVER)


@dataclass(frozen=True)
class EarlierCall:
    """A contact's last call with an outcome in TAKES_CALLBACK, for example “Cut short” or “Call
    back”. `at` (aware UTC) is when its outcome was recorded, and `answers` has its answers by step
    id."""

    call_id: uuid.UUID
    outcome: str
    at: datetime
    note: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, value: dict[str, Any] | None) -> "EarlierCall | None":
        """Return the earlier call from the value of the column EARLIER_CALL. Return None if `value`
        is None."""
        if value is None:
            return None
        return cls(
            uuid.UUID(value["call_id"]),
            value["outcome"],
            datetime.fromisoformat(value["at"]),
            value["note"],
            value["answers"] or {},
        )


def answers_that_fit(answers: Mapping[str, Any], version_id: int | None) -> dict[str, Any]:
    """Return the answers that this script version accepts. The script may have changed since the
    earlier call."""
    script = script_of(version_id)
    fitting = {}
    for step_id, value in answers.items() if script else ():
        if script.has_step(step_id):  # type: ignore[union-attr]
            try:
                check_answer(script.step(step_id), value)  # type: ignore[union-attr]
            except InvalidAnswerError:
                continue
            fitting[step_id] = value
    return fitting


def take_over(caller: Caller, call_id: uuid.UUID, earlier_id: str) -> None:
    """Copy the answers of an earlier call into the caller's new call. A step that already has an
    answer keeps that answer.

    `earlier_id` comes from the caller's page. Do nothing if no call has this id, if the call with
    this id was made to another contact, or if the page may not show that call. Also do nothing if
    the new call has already been recorded, or belongs to another caller.
    """
    try:
        earlier = uuid.UUID(earlier_id)
    except ValueError:
        return
    call = db.session.execute(_NEW_CALL, {"call_id": call_id, "caller_id": caller.id}).one_or_none()
    if call is None:
        return
    found = db.session.execute(
        _ANSWERS_OF_EARLIER, {"earlier_id": earlier, "contact_id": call.contact_id}
    ).all()
    answers = answers_that_fit({row.step_id: row.value for row in found}, call.script_version_id)
    if answers:
        values = {"call_id": call_id, "earlier_id": earlier, "steps": list(answers)}
        db.session.execute(_TAKE_OVER, values)
