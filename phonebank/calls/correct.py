"""Corrects the outcome, the answers and the note of a call, on behalf of an organiser. These
functions do not commit.

The call still belongs to its caller and keeps the time at which it was recorded. The call's old
values are subtracted from the tally (the stored totals), and the new values are added. If the
outcome or the promised time changes, the people with the called number first get back the state
that they had before the call. Then the retry rules decide about these people again, as if it were
still the time at which the call was recorded. A contact that another call or an upload has changed
since then keeps its state.

The old outcome may have put the number on the do-not-call list. If the outcome changes, the number
is taken off the list. But the number stays on the list if the new outcome also puts numbers there.
It also stays if another call, an organiser or a file has put it there too.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import String, bindparam, delete, literal_column, select, type_coerce
from sqlalchemy.dialects.postgresql import insert

from phonebank.audit.record import record_audit
from phonebank.calls.answers import answers_of
from phonebank.calls.call_rows import read_rows, write_rows
from phonebank.calls.contact_state import offer_language
from phonebank.calls.never_again import lift_entry
from phonebank.calls.outcome_effects import (
    Report,
    Situation,
    call_result,
    decide_about,
    people_result,
)
from phonebank.calls.record import NOTE_AT_MOST
from phonebank.calls.restore_people import Restored, last_other_calls, restore_people
from phonebank.contact_queue.campaign_hours import rules_of
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError
from phonebank.models import (
    Account,
    Answer,
    Call,
    CallCorrection,
    Caller,
    Campaign,
    Contact,
    SuppressionOrigin,
    now,
)
from phonebank.rules.calling_hours import contact_date, zones_in_key
from phonebank.rules.outcomes import OUTCOMES, Outcome
from phonebank.scripts.versions import script_of
from phonebank.suppressions import dead_numbers
from phonebank.suppressions import entries as suppressions
from phonebank.suppressions.contacts import restore_contacts, suppress_listed_among
from phonebank.tallies import totals
from scripts_library.engine import InvalidAnswerError, check_answer

_VERSION: Any = type_coerce(literal_column("CAST(call.xmin AS text)"), String)
_LOCKED_CALL = (
    select(Call, Contact, _VERSION)
    .join(Contact, Contact.id == Call.contact_id)
    .where(Call.id == bindparam("call_id"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True)
class Correction:
    """The organiser's values for a call: its outcome, its note, and answers by step id. A step
    without a value here keeps its answer. A blank answer deletes the old answer. `callback_at`
    (aware) is the promised time, for an outcome that promises a callback. None means that no time
    was promised, or that an earlier promise stays."""

    outcome: str
    note: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    callback_at: datetime | None = None


@dataclass(frozen=True)
class Corrected:
    """The result of a correction. `changed` is False if the call already had all these values.
    `person_stays` is True if the outcome or the promised time changed but the contact's state did
    not, for example because the contact has been called since."""

    changed: bool
    person_stays: bool = False


def call_in(campaign: Campaign, call_id: uuid.UUID) -> Call:
    """Return a call in this campaign that was made by a caller. Raises NotFoundError if there is no
    such call."""
    call = db.session.get(Call, call_id)
    if call is None or call.campaign_id != campaign.id or call.caller_id is None:
        raise NotFoundError("There is no such call in this campaign.", "Go back to the person.")
    return call


def version_of(call: Call) -> str:
    """Return the version of the call's row, for a hidden field in the correction form. The version
    changes whenever the row changes."""
    return str(db.session.scalar(select(_VERSION).where(Call.id == call.id)))


def correct(call: Call, version: str, correction: Correction, account: Account) -> Corrected:
    """Correct a call. `version` is the version that the call's row had when the organiser opened
    the page (see `version_of`).

    Raises ConflictError if the row has changed since then, or if the call has no outcome. Also
    raises ConflictError if the call is set aside (taken out of every total), or if the person was
    erased. Raises InvalidInputError for an outcome, note or answer that the call cannot have.
    """
    outcome = OUTCOMES.get(correction.outcome)
    if outcome is None:
        raise InvalidInputError("That is not an outcome of a call.", "Choose one from the list.")
    if len(correction.note) > NOTE_AT_MOST:
        raise InvalidInputError(f"A note can have up to {NOTE_AT_MOST} characters.")
    call, contact = _lock(call, version)
    old_answers = answers_of(call)
    changed_answers = {
        step_id: value
        for step_id, value in _checked(call, correction.answers).items()
        if value != old_answers.get(step_id)
    }
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    if outcome.key != call.outcome:
        before["outcome"], after["outcome"] = call.outcome, outcome.key
    if correction.note != call.note:
        before["note"], after["note"] = call.note, correction.note
    if changed_answers:
        before["answers"] = {step: old_answers.get(step) for step in changed_answers}
        after["answers"] = changed_answers
    promised = correction.callback_at if outcome.takes_callback else None
    if promised is not None:
        after["callback_at"] = promised.isoformat()
    if not after:
        return Corrected(changed=False)
    _store_answers(call, changed_answers)
    decides_again = "outcome" in after or promised is not None
    people = _take_back(call, contact) if decides_again else None
    _record_again(call, contact, outcome, correction, people)
    if people is not None:
        restore_contacts(people.contact_ids)
        suppress_listed_among(people.contact_ids)
    call.corrected_at = call.organiser_changed_at = now()
    db.session.add(
        CallCorrection(call_id=call.id, account_id=account.id, before=before, after=after)
    )
    _audit(call, before, after, account)
    db.session.flush()
    return Corrected(True, decides_again and not (people is not None and people.contact))


def _lock(call: Call, version: str) -> tuple[Call, Contact]:
    row = db.session.execute(_LOCKED_CALL, {"call_id": call.id}).one_or_none()
    if row is None or row[2] != version:
        raise ConflictError(
            "This call has changed since you opened the page, so nothing was saved.",
            "Look at it again, then correct what is still wrong.",
        )
    if row[0].outcome is None:
        raise ConflictError(
            "This call has no outcome to correct.",
            "Only the caller can say how the call ended.",
        )
    if row[0].set_aside_at is not None:
        raise ConflictError(
            "This call is set aside, so it doesn't count.", "Bring it back first, then correct it."
        )
    if not row[1].phone:
        raise ConflictError(
            "This person's data was erased.", "Their calls cannot be corrected any more."
        )
    return row[0], row[1]


def _checked(call: Call, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return these answers in the form in which they are stored. None means that the stored answer
    is to be deleted."""
    script = script_of(call.script_version_id)
    checked: dict[str, Any] = {}
    for step_id, raw in answers.items():
        if script is None or not script.has_step(step_id):
            raise InvalidInputError("This call's script doesn't have this step.", "Go back.")
        if raw in (None, "", []):
            checked[step_id] = None
            continue
        try:
            checked[step_id] = check_answer(script.step(step_id), raw)
        except InvalidAnswerError as refused:
            title = script.step(step_id).title
            raise InvalidInputError(f"“{title}”: {refused}", "Correct this answer.") from None
    return checked


def _store_answers(call: Call, answers: Mapping[str, Any]) -> None:
    gone = [step_id for step_id, value in answers.items() if value is None]
    if gone:
        db.session.execute(
            delete(Answer).where(Answer.call_id == call.id, Answer.step_id.in_(gone))
        )
    for step_id, value in answers.items():
        if value is not None:
            # An answer that was taken over from an earlier call keeps its `seq`, so that it still
            # counts only in the earlier call.
            added = insert(Answer).values(
                call_id=call.id, step_id=step_id, value=value, answered_at=now()
            )
            db.session.execute(
                added.on_conflict_do_update(
                    index_elements=["call_id", "step_id"], set_={"value": value}
                )
            )


def _take_back(call: Call, contact: Contact) -> Restored | None:
    """Undo the effects of the old outcome, except those on the stored totals (the tally). Return
    the result of `restore_people`."""
    if OUTCOMES[call.outcome or ""].suppress_reason is not None:
        lift_entry(call)
    dead_numbers.withdraw(call.id)
    last = last_other_calls({call.id: (call, contact)}).get(contact.id)
    return restore_people(call, contact, is_last=last is None or last < call.started_at)


def _record_again(
    call: Call, contact: Contact, outcome: Outcome, said: Correction, people: Restored | None
) -> None:
    """Write the outcome as `record` does, but keep the time at which the call was recorded.

    `people` is the result of `_take_back`, or None if neither the outcome nor the promised time
    changes. If the contact got back its state from before the call, the rules decide about the
    contact again.
    """
    # A call that came too late to change its contact is in no tally.
    was_superseded = call.contact_before is None
    keep, old_outcome = (call.recorded_no, call.late, call.contact_before), call.outcome
    at = call.recorded_at
    assert at is not None  # noqa: S101 (the call has an outcome)
    totals.add_call(call, -1)
    call.outcome = None
    db.session.flush()

    caller = db.session.get_one(Caller, call.caller_id)
    rows = read_rows(caller.id, call.id, outcome)
    assert rows is not None  # noqa: S101 (the call is locked)
    campaign = db.session.get_one(Campaign, call.campaign_id)
    today = contact_date(zones_in_key(rows.zone_key), at, rules_of(campaign))
    seen = Situation(rows, campaign, at, today)
    report = Report(caller, call.id, outcome, said.note, said.callback_at, False, "", None)
    decision = decide_about(report, seen)
    result = call_result(report, seen, decision.counted and not was_superseded)
    decides = people is not None and people.contact
    write_rows(rows, result, people_result(report, seen, decision) if decides else None)
    db.session.refresh(call)
    call.recorded_no, call.late = keep[:2]
    if not decides:
        call.contact_before = keep[2]
    db.session.refresh(contact)
    if decision.suppress_reason is not None and outcome.key != old_outcome:
        suppressions.suppress(
            rows.called_phone, SuppressionOrigin.CALL, decision.suppress_reason, call.id
        )
    if decision.tag_language and decides:
        offer_language(rows.contact_list_id, "")


def _audit(call: Call, before: dict[str, Any], after: dict[str, Any], account: Account) -> None:
    """Record the correction in the audit. The audit entry says which answers changed, and whether
    the note or the promised time changed. It does not contain the answers, the note or the time. If
    the outcome changed, the entry contains the old and the new outcome."""

    def figures(values: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in values.items() if key == "outcome"} | {
            "changed": sorted(after.get("answers", {}))
            + [name for name in ("note", "callback_at") if name in after]
        }

    record_audit(
        "call corrected",
        account=account,
        campaign=db.session.get_one(Campaign, call.campaign_id),
        subject_kind="call",
        subject_id=call.id,
        before=figures(before),
        after=figures(after),
    )
