"""Records the outcome of a call. These functions do not commit.

One statement changes the call, the contact, the other contacts with the called number, and the
stored totals. If an outcome needs several statements, one transaction contains them. So after a
crash, either all of these changes are stored or none. A request that is sent twice counts only
once, because a call has only one outcome.

Usually, the call and its contact are first read without locks, and the rules decide what the
outcome changes. Then the statement writes the changes, but only if neither row has changed since it
was read. If the statement writes nothing, these steps are repeated in a transaction that locks the
rows before reading them. The same happens if the outcome is late, if it follows an undo, or if it
gives the contact another number.

Some outcomes change further rows: for example, an outcome may put the number on the do-not-call
list. Such an outcome is recorded in a transaction from the start.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from phonebank.calls.call_rows import CallRows, read_rows, write_rows
from phonebank.calls.contact_state import offer_language
from phonebank.calls.hold import is_stale, not_an_own_call, own_call_and_contact
from phonebank.calls.last_call import LastCall
from phonebank.calls.later_calls import was_reassigned
from phonebank.calls.never_again import lift_entry
from phonebank.calls.outcome_effects import (
    Report,
    Situation,
    call_result,
    decide_about,
    people_result,
)
from phonebank.contact_queue.campaign_hours import rules_of
from phonebank.contact_queue.holds import release_after_commit
from phonebank.core.db import begin_transaction, db
from phonebank.core.errors import InvalidInputError
from phonebank.live.change_marks import mark_after_commit
from phonebank.models import Caller, Campaign, SuppressionOrigin, now
from phonebank.rules.calling_hours import contact_date, zones_in_key
from phonebank.rules.languages import LANGUAGES, UNKNOWN
from phonebank.rules.outcomes import OUTCOMES
from phonebank.suppressions import entries as suppressions

NOTE_AT_MOST = 2000  # characters

_LOCK_UNTAKEN = text("""
SELECT FROM call JOIN contact ON contact.id = call.contact_id
WHERE call.id = :call_id AND call.caller_id IS NULL FOR NO KEY UPDATE
""")


@dataclass(frozen=True)
class RecordResult:
    """The result of recording an outcome. `outcome` is the outcome that the call now has, or None
    if it has none. `changed` is False if this request changed nothing, for example because the same
    request was sent before. `last` is the call that this request recorded, or None if this request
    changed nothing."""

    outcome: str | None
    changed: bool
    last: LastCall | None = None


def record(
    caller: Caller,
    call_id: uuid.UUID,
    outcome_key: str,
    note: str = "",
    callback_at: datetime | None = None,
    only_me: bool = True,
    language: str = "",
    turn: int | None = None,
    rows: CallRows | None = None,
) -> RecordResult:
    """Record the outcome of a call, with all its effects.

    If the call already has an outcome, a second outcome changes nothing. An outcome whose `turn`
    differs from the call's turn (the number of undos so far) was sent before an undo, and changes
    nothing either. If `turn` is None, it is not compared.

    An outcome that arrives after the hold has ended is stored and marked as late. If the contact
    was given to any caller again after this call, a late outcome changes neither the contacts nor a
    tally (a stored total). The outcome can still put the number on the do-not-call list.

    `rows` is the result of `read_rows`, if the view has just read the call. `callback_at` (aware)
    is the time of a promised callback, or None. With `only_me`, only this caller gets the callback
    in the first CALLBACK_RESERVED_SECONDS after that time. `language` (BCP 47) is the language that
    the contact speaks, or "" if the caller chose none. Only the outcome that asks for a language
    uses it.

    If a transaction was needed, the calling code must commit. Otherwise, if the session commits
    each statement (`autocommit`), the outcome is already stored when this function returns.

    Raises NotFoundError if the caller has no such call or the person called was erased. Raises
    InvalidInputError for an unknown outcome or language, or for a note that is too long.
    """
    outcome = OUTCOMES.get(outcome_key)
    if outcome is None:
        raise InvalidInputError(
            f"“{outcome_key}” is not an outcome of a call.", "Choose one of the buttons."
        )
    if len(note) > NOTE_AT_MOST:
        raise InvalidInputError(
            f"A note can have up to {NOTE_AT_MOST} characters. This one has {len(note)}.",
            "Make it shorter.",
        )
    if language not in ("", UNKNOWN, *LANGUAGES):
        raise InvalidInputError(
            "That isn't one of the languages.", "Choose one of the languages shown."
        )
    report = Report(caller, call_id, outcome, note, callback_at, only_me, language, turn)
    # These outcomes change further rows, by further statements, so they need a transaction.
    changes_more = outcome.number_bad or outcome.tag_language or outcome.suppress_reason is not None
    result = None if changes_more else _record(report, is_locked=False, rows=rows)
    if result is None:
        begin_transaction()
        call, _ = own_call_and_contact(caller, call_id)
        if call.turn and call.outcome is None and not is_stale(turn, call.turn):
            # The undone outcome may have been a do-not-call. Its entry stayed until now.
            lift_entry(call)
        result = _record(report, is_locked=True)
    if result is None:
        raise RuntimeError("A call has changed although its row was locked.")
    return result


def record_unanswered(call_id: uuid.UUID, outcome_key: str) -> RecordResult:
    """Record the outcome of a call that the server made and that no caller took. The outcome
    changes the contact as it would after any other call. The call does not count in any tally,
    because it belongs to no caller.

    Raises NotFoundError if there is no such call, if a caller has taken the call, or if the contact
    has been erased.
    """
    begin_transaction()
    db.session.execute(_LOCK_UNTAKEN, {"call_id": call_id})
    outcome = OUTCOMES[outcome_key]
    result = _record(Report(None, call_id, outcome, "", None, False, "", None), is_locked=True)
    if result is None:
        raise RuntimeError("A call has changed although its row was locked.")
    return result


def _record(report: Report, is_locked: bool, rows: CallRows | None = None) -> RecordResult | None:
    """Read the rows, decide what the outcome changes, and write the changes. If the call already
    has an outcome, or if the report was sent before an undo, change nothing and return the call's
    outcome. Return None if the work must be repeated with locked rows. That is the case if the call
    or its contact changed between reading and writing, or if this outcome needs locked rows and
    `is_locked` is False."""
    outcome = report.outcome
    caller_id = report.caller.id if report.caller else None
    rows = rows or read_rows(caller_id, report.call_id, outcome)
    if rows is None:
        raise not_an_own_call(report.call_id, caller_id or 0)
    if rows.outcome is not None or is_stale(report.turn, rows.turn):
        return RecordResult(rows.outcome, changed=False)
    is_late = rows.ended_at is not None
    if (is_late or rows.turn) and not is_locked:
        # Without a lock, another caller might be given the contact at this moment. And an
        # outcome after an undo may change the do-not-call list, which needs a transaction.
        return None
    is_superseded = is_late and was_reassigned(rows.call_id)

    caller = report.caller
    campaign = caller.campaign if caller else db.session.get_one(Campaign, rows.campaign_id)
    at = now()
    today = contact_date(zones_in_key(rows.zone_key), at, rules_of(campaign))
    seen = Situation(rows, campaign, at, today)
    decision = decide_about(report, seen)
    is_counted = decision.counted and not is_superseded and report.caller is not None
    result = call_result(report, seen, is_counted)
    people = None if is_superseded else people_result(report, seen, decision)
    moves_on = people is not None and people.contact.phone != rows.contact.phone
    if moves_on and not is_locked:
        return None  # `write_rows` needs a transaction for another number
    last = write_rows(rows, result, people)
    if last is None:
        return None
    if decision.suppress_reason is not None:
        suppressions.suppress(
            rows.called_phone, SuppressionOrigin.CALL, decision.suppress_reason, rows.call_id
        )
    if decision.tag_language and not is_superseded:
        offer_language(rows.contact_list_id, report.language)
    # If another call holds the contact by now, Redis keeps that call's hold.
    release_after_commit(rows.campaign_id, rows.contact_id, rows.call_id)
    if result.counted:
        mark_after_commit(rows.party_id)
    return RecordResult(outcome.key, changed=True, last=last)
