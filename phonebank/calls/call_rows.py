"""The query that reads a call and its contact before an outcome is recorded, and the statement that
writes what the outcome changes.

The query locks nothing. The statement locks the call and its contact, and writes only if both rows
still have the `xmin` that the query read. PostgreSQL changes a row's `xmin` whenever the row
changes. These functions do not commit.
"""

import json
import uuid
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from phonebank.calls.contact_snapshot import (
    CONTACT_COLUMNS,
    ContactSnapshot,
    ContactValues,
    HouseholdChange,
    LeftValues,
    NumberLoss,
)
from phonebank.calls.last_call import TOTALS, CallResult, LastCall
from phonebank.contact_queue.holds import END_WITH_OUTCOME
from phonebank.core.db import db
from phonebank.core.statement import Statement
from phonebank.models import ContactState
from phonebank.models.call import TAKEN_OVER
from phonebank.models.state_column import state_sql
from phonebank.rules.outcomes import Outcome
from phonebank.tallies.totals import COUNTED_CALL, sql_to_add

# If an outcome makes other contacts with the number wait, an undo restores the times of at most
# this many of them. That is enough for a family. A company's number may have more.
OTHERS_AT_MOST = 100

_WORDS = f"""
SELECT CAST(call.xmin AS text) AS call_version, CAST(contact.xmin AS text) AS contact_version,
       call.id AS call_id, call.outcome, call.turn, call.campaign_id, call.party_id,
       call.contact_id, call.phone AS called_phone, call.script_version_id, call.started_at,
       call.ended_at, contact.zone_key, contact.contact_list_id, contact.first_name,
       contact.last_name, {", ".join(f"contact.{column}" for column in CONTACT_COLUMNS)},
       %s,
       (SELECT count(*) FROM call AS earlier
        WHERE earlier.contact_id = contact.id AND earlier.outcome = :outcome
          AND earlier.set_aside_at IS NULL
          AND (earlier.phone = call.phone OR NOT :about_number)) AS same_outcome_before
FROM call JOIN contact ON contact.id = call.contact_id
WHERE call.id = :call_id AND call.phone <> ''
  AND call.caller_id IS NOT DISTINCT FROM CAST(:caller_id AS bigint)
"""  # noqa: S608
# Only an outcome that reached a person needs the answers. If one statement read them on a
# condition, PostgreSQL would plan it each time, which takes longer than reading.
CALL_AND_CONTACT = _WORDS % "NULL AS fields, NULL AS answers, NULL AS taken_over"
CALL_AND_CONTACT_WITH_ANSWERS = (
    _WORDS
    % f"""contact.fields,
       (SELECT jsonb_object_agg(step_id, value) FROM answer WHERE answer.call_id = call.id)
           AS answers,
       (SELECT jsonb_agg(step_id) FROM answer
        WHERE answer.call_id = call.id AND seq = {TAKEN_OVER}) AS taken_over"""  # noqa: S608
)
_READ = Statement(CALL_AND_CONTACT)
_READ_WITH_ANSWERS = Statement(CALL_AND_CONTACT_WITH_ANSWERS)

# If `locked` has to wait for a row, PostgreSQL compares the newest version of that row. The others
# on the number wait until `:until`. Near the end of calling hours, two waits of different length
# may both end when calling hours begin again. Then `rested_at` shows which wait is longer.
# `contact_before` stores the others' earlier times as `HouseholdChange.from_json` reads them. The
# totals at the end are those before this call.
_WRITE = Statement(
    state_sql(
        f"""
WITH locked AS (
    SELECT call.id, call.contact_id, call.campaign_id, call.phone
    FROM call JOIN contact ON contact.id = call.contact_id
    WHERE call.id = :call_id AND call.xmin = CAST(:call_version AS xid)
      AND contact.xmin = CAST(:contact_version AS xid)
    FOR NO KEY UPDATE
), others AS (
    SELECT id, callable_at, rested_at FROM contact
    WHERE phone = (SELECT phone FROM locked) AND campaign_id = (SELECT campaign_id FROM locked)
      AND id <> (SELECT contact_id FROM locked) AND state = :callable
      AND (callable_at < CAST(:until AS timestamptz)
           OR callable_at = CAST(:until AS timestamptz) AND rested_at < :rested)
    ORDER BY id FOR NO KEY UPDATE
), delayed AS (
    UPDATE contact SET callable_at = :until, rested_at = :rested
    FROM others WHERE contact.id = others.id
), restorable AS (
    SELECT jsonb_build_object(
        'resting', jsonb_agg(jsonb_build_array(id, callable_at) ORDER BY id),
        'had_rested', jsonb_agg(rested_at ORDER BY id),
        'rest_until', CAST(:until AS timestamptz)) AS change
    FROM (SELECT * FROM others ORDER BY id LIMIT {OTHERS_AT_MOST}) AS first_ones
    HAVING count(*) > 0
), called AS (
    UPDATE contact SET {", ".join(f"{column} = :{column}" for column in CONTACT_COLUMNS)}
    FROM locked WHERE contact.id = locked.contact_id AND :changes_contact
), recorded AS (
    UPDATE call SET {END_WITH_OUTCOME}, outcome = :outcome, recorded_at = :at,
        recorded_no = nextval('call_recorded_no'), note = :note, late = call.ended_at IS NOT NULL,
        counted = :counted, reached = :reached, conversation = :conversation, yes = :yes,
        too_fast = :too_fast,
        contact_before = CAST(:before AS jsonb) || coalesce((SELECT change FROM restorable), '{{}}')
    FROM locked WHERE call.id = locked.id
    RETURNING call.*
), tallied AS (
    {sql_to_add("SELECT " + COUNTED_CALL + " FROM recorded WHERE counted")}
)
SELECT own.*, team.team FROM recorded AS last {TOTALS}
""",  # noqa: S608
        callable=ContactState.CALLABLE,
    )
)


@dataclass(frozen=True)
class CallRows:
    """A call and its contact, both read at the same moment.

    `answers` has the call's answers by step id, or is None if there are none. The new outcome is
    the outcome that a request is about to record for the call. If the new outcome means that nobody
    was reached, `fields`, `answers` and `taken_over` are not read, and are None.
    `same_outcome_before` is how many other calls to the contact have the same outcome as the new
    one. Calls that an organiser has set aside (taken out of every total) do not count. If the new
    outcome is about the number and not about the person (`Outcome.is_about_number`), only calls to
    the called number count.
    """

    call_version: str
    contact_version: str
    call_id: uuid.UUID
    outcome: str | None
    turn: int
    campaign_id: int
    party_id: int | None
    contact_id: int
    called_phone: str
    script_version_id: int | None
    started_at: datetime
    ended_at: datetime | None
    zone_key: str
    contact_list_id: int
    first_name: str
    last_name: str
    fields: dict[str, Any] | None
    answers: dict[str, Any] | None
    # The steps whose answers are from an earlier call: see `calls.earlier_call`.
    taken_over: list[str] | None
    same_outcome_before: int
    contact: ContactValues


_OF_CALL = tuple(field.name for field in fields(CallRows) if field.name != "contact")


@dataclass(frozen=True)
class PeopleResult:
    """The changes that an outcome makes to the contacts with the called number.

    `contact` is the new state of the call's contact. The other contacts with the called number must
    not be called before `others_wait_until`. `others_rested_at` is when the wait of these other
    contacts ends, even if that is outside calling hours. Both times are aware, or None if the other
    contacts need not wait. `lost_number` lists the other contacts that lost the called number
    because that number is not in service.
    """

    contact: ContactValues
    others_wait_until: datetime | None
    others_rested_at: datetime | None
    lost_number: tuple[NumberLoss, ...] = ()


def read_rows(caller_id: int | None, call_id: uuid.UUID, outcome: Outcome) -> CallRows | None:
    """Return a call of this caller with its contact, or None if the caller has no such call or the
    contact was erased. `caller_id` is None for a call that no caller took. `outcome` is the outcome
    to be recorded."""
    values = parameters_of(caller_id, call_id, outcome)
    row = (_READ_WITH_ANSWERS if outcome.reached else _READ).row(values)
    return None if row is None else rows_of(row)


def parameters_of(caller_id: int | None, call_id: uuid.UUID, outcome: Outcome) -> dict[str, Any]:
    """Return the parameters of the queries CALL_AND_CONTACT and CALL_AND_CONTACT_WITH_ANSWERS."""
    return {
        "caller_id": caller_id,
        "call_id": call_id,
        "outcome": outcome.key,
        "about_number": outcome.is_about_number,
    }


def rows_of(row: Any) -> CallRows:
    """Return a CallRows from a row of either query (CALL_AND_CONTACT and
    CALL_AND_CONTACT_WITH_ANSWERS)."""
    of_call = {name: getattr(row, name) for name in _OF_CALL}
    return CallRows(**of_call, contact=ContactValues.of(row))


def write_rows(rows: CallRows, result: CallResult, people: PeopleResult | None) -> LastCall | None:
    """Write what an outcome changes in its call, in the contact, in the other contacts with the
    called number, and in the tally (the stored totals). Return the call and the totals that the
    next page shows.

    Return None and change nothing if the call or the contact has changed since `rows` were read. If
    `people` is None, only the call and the tally change. If the contact gets a different number, a
    transaction must already be open. If the campaign already has another contact with the same name
    and the new number, the call's contact keeps its old number and becomes unusable.
    """
    if people is None or people.contact.phone == rows.contact.phone:
        return _write(rows, result, people)
    try:
        with db.session.begin_nested():
            return _write(rows, result, people)
    except IntegrityError:
        contact = replace(
            people.contact,
            state=ContactState.UNUSABLE,
            phone=rows.contact.phone,
            other_phones=rows.contact.other_phones,
        )
        return _write(rows, result, replace(people, contact=contact))


def _write(rows: CallRows, result: CallResult, people: PeopleResult | None) -> LastCall | None:
    values = {
        "call_id": rows.call_id,
        "call_version": rows.call_version,
        "contact_version": rows.contact_version,
        **result.__dict__,
        "changes_contact": people is not None,
        **(people.contact if people else rows.contact).to_sql(),
        "before": None,
        "until": people and people.others_wait_until,
        "rested": people and people.others_rested_at,
    }
    if people is not None:
        household = HouseholdChange(lost_number=people.lost_number)
        left = LeftValues.of(people.contact)
        values["before"] = json.dumps(ContactSnapshot(rows.contact, household, left).to_json())
    before = _WRITE.row(values)
    if before is None:
        return None
    callback_at = (people.contact if people else rows.contact).callback_at
    return LastCall.after(before, rows.call_id, rows.turn, rows.started_at, result, callback_at)
