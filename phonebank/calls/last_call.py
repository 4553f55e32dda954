"""The values that an outcome writes into its call, and the caller's last recorded call with the
totals that the next page shows."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from phonebank.core.statement import Statement
from phonebank.models import now
from phonebank.models.call import OUTCOME_WITHIN

# A part of a query that reads a row `last` of the table `call`. It adds the sums of the tallies of
# that call's caller and party. `LastCall` explains `this_hour` and `best_before`.
TOTALS = """
CROSS JOIN LATERAL (
    SELECT coalesce(sum(calls), 0)::int AS calls,
           coalesce(sum(conversations), 0)::int AS conversations,
           coalesce(sum(yeses), 0)::int AS yeses,
           coalesce(sum(ranked) FILTER (
               WHERE hour = date_trunc('hour', last.recorded_at, 'UTC')), 0)::int AS this_hour,
           coalesce(max(ranked) FILTER (
               WHERE hour < date_trunc('hour', last.recorded_at, 'UTC')), 0) AS best_before
    FROM tally WHERE caller_id = last.caller_id) AS own
CROSS JOIN LATERAL (
    SELECT coalesce(sum(conversations), 0)::int AS team
    FROM tally WHERE party_id = last.party_id) AS team
"""
# Only calls that started after `:since` are read, because the index ix_call_caller_started finds
# these quickly. `:since` is OUTCOME_WITHIN ago: a later time would miss a call that was corrected
# after twelve hours, and the toast would name the wrong call. The totals are those of the caller's
# present party.
_LAST = Statement(f"""
SELECT last.*, own.*, team.team
FROM (SELECT id, turn, started_at, recorded_at, outcome, set_aside_at, conversation, yes, too_fast,
             (SELECT callback_at FROM contact WHERE id = contact_id) AS callback_at,
             caller_id, CAST(:party_id AS integer) AS party_id
      FROM call WHERE caller_id = :caller_id AND started_at > :since AND recorded_at IS NOT NULL
      ORDER BY recorded_no DESC NULLS LAST, recorded_at DESC LIMIT 1) AS last
{TOTALS}
""")  # noqa: S608


@dataclass(frozen=True)
class CallResult:
    """The values that an outcome writes into its call. `at` (aware) is when the outcome is
    recorded."""

    outcome: str
    at: datetime
    note: str
    counted: bool
    reached: bool
    conversation: bool
    yes: bool
    too_fast: bool


@dataclass(frozen=True)
class LastCall:
    """A caller's last recorded call, with the totals after it.

    `callback_at` is when the contact will be called back, or None if no callback was promised.
    `calls`, `conversations` and `yeses` are the caller's totals. `this_hour` counts the caller's
    conversations in the clock hour (UTC) in which the call was recorded. `best_before` counts the
    conversations in the caller's best earlier hour. Neither number includes conversations that were
    recorded too fast. `team` is the number of conversations in the party, or 0 if there is no
    party. The party is the call's party or, in the result of `last_call_of`, the given party. All
    times are aware.
    """

    id: uuid.UUID
    turn: int
    started_at: datetime
    recorded_at: datetime
    outcome: str
    set_aside_at: datetime | None
    conversation: bool
    yes: bool
    too_fast: bool
    callback_at: datetime | None
    calls: int
    conversations: int
    yeses: int
    this_hour: int
    best_before: int
    team: int

    @classmethod
    def after(
        cls,
        before: Any,
        call_id: uuid.UUID,
        turn: int,
        started_at: datetime,
        result: CallResult,
        callback_at: datetime | None,
    ) -> "LastCall":
        """Return the call that has just been recorded, with the totals after it. `before` has the
        columns of `TOTALS`, in which this call does not count yet."""
        calls = int(result.counted)
        talks = calls * result.conversation
        return cls(
            id=call_id,
            turn=turn,
            started_at=started_at,
            recorded_at=result.at,
            outcome=result.outcome,
            set_aside_at=None,
            conversation=result.conversation,
            yes=result.yes,
            too_fast=result.too_fast,
            callback_at=callback_at,
            calls=before.calls + calls,
            conversations=before.conversations + talks,
            yeses=before.yeses + calls * result.yes,
            this_hour=before.this_hour + talks * (not result.too_fast),
            best_before=before.best_before,
            team=before.team + talks,
        )


_NAMES = tuple(LastCall.__dataclass_fields__)


def last_call_of(caller_id: int, party_id: int | None) -> LastCall | None:
    """Return the caller's last recorded call, or None if there is none. A call that began more than
    OUTCOME_WITHIN ago is not considered. `party_id` is the id of the caller's current party, or
    None if the caller is in none."""
    values = {"caller_id": caller_id, "party_id": party_id, "since": now() - OUTCOME_WITHIN}
    row = _LAST.row(values)
    return row and LastCall(**{name: getattr(row, name) for name in _NAMES})
