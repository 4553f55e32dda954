"""Records the outcome of a call. Nothing here commits.

One transaction holds the call, the contact, the suppression and the tally, so that no crash can
leave one without the others. The call's id is the idempotency key: a request that is sent twice
counts once.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, select, tuple_

from phonebank.calls.answers import answers_of
from phonebank.calls.contact_snapshot import (
    ContactSnapshot,
    ContactValues,
    HouseholdChange,
    LeftValues,
)
from phonebank.calls.contact_state import apply_decision
from phonebank.calls.hold import is_stale, own_call_and_contact
from phonebank.calls.household_state import apply_to_household
from phonebank.calls.merge_fields import fields_for
from phonebank.calls.speed_check import is_too_fast
from phonebank.contact_queue.campaign_hours import hours_of, rules_of
from phonebank.contact_queue.holds import end_hold, release_after_commit
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.models import Call, CallEnding, Caller, Campaign, Contact, SuppressionOrigin, now
from phonebank.models.call import RECORDED_NO
from phonebank.rules.calling_hours import contact_date, zones_in_key
from phonebank.rules.languages import LANGUAGES, UNKNOWN
from phonebank.rules.outcomes import OUTCOMES, UnknownOutcomeError, outcome_of
from phonebank.rules.retry_policy import Decision, decide
from phonebank.rules.retry_rules import RetryRules
from phonebank.scripts.versions import script_of
from phonebank.suppressions import entries as suppressions
from phonebank.tallies import totals
from scripts_library.engine import answers_on_path, is_conversation, is_yes

NOTE_AT_MOST = 2000  # characters


@dataclass(frozen=True)
class RecordResult:
    """The call with its outcome. `changed` is False if the call had its outcome already, because
    the request was sent again."""

    call: Call
    changed: bool


def record(
    caller: Caller,
    call_id: uuid.UUID,
    outcome_key: str,
    note: str = "",
    callback_at: datetime | None = None,
    only_me: bool = True,
    language: str = "",
    turn: int | None = None,
) -> RecordResult:
    """Record the outcome of a call, with all its effects.

    A second outcome for the call changes nothing, whatever it says: the first outcome stays until
    it is undone. A late copy of an outcome that was undone (its `turn` is not the call's) changes
    nothing either. An outcome that comes after its hold has ended is kept and flagged as late; if
    another caller has got the contact since, it changes neither the contact nor any tally. A
    do-not-call always applies.

    `callback_at` (aware) is the promised time; `only_me` reserves the callback for this caller at
    first; `language` is what the contact speaks (BCP 47), for the outcome that asks.

    Raises NotFoundError for another caller's call, InvalidInputError for an unknown outcome or
    language or an overlong note.
    """
    if outcome_key not in OUTCOMES:
        raise InvalidInputError(
            f"“{outcome_key}” is not an outcome of a call.", "Choose one of the buttons."
        )
    if len(note) > NOTE_AT_MOST:
        raise InvalidInputError(
            f"A note can have up to {NOTE_AT_MOST} characters. This one has {len(note)}.",
            "Make it shorter.",
        )
    if language not in ("", UNKNOWN, *LANGUAGES):
        raise InvalidInputError("That isn't one of the languages.", "Choose one of those shown.")
    call, contact = own_call_and_contact(caller, call_id)
    if call.outcome is not None or is_stale(call, turn):
        return RecordResult(call, changed=False)
    at = now()
    is_superseded = call.ended_at is not None and was_reassigned(call)
    decision = _decide(call, contact, outcome_key, at, callback_at)

    no_change = HouseholdChange()
    household = no_change if is_superseded else apply_to_household(contact, call, decision)
    counted = decision.counted and not is_superseded
    _write_outcome(call, contact, caller, outcome_key, note, at, counted)
    if decision.suppress_reason is not None:
        suppressions.suppress(
            call.phone, SuppressionOrigin.CALL, decision.suppress_reason, call_id=call.id
        )
    if not is_superseded:
        before = ContactValues.of(contact)
        apply_decision(contact, call, decision, outcome_key, at, only_me, language)
        snapshot = ContactSnapshot(before, household, LeftValues.of(contact))
        call.contact_before = snapshot.to_json()
    add_to_tally(call, 1)
    return RecordResult(call, changed=True)


def was_reassigned(call: Call) -> bool:
    """Whether a later call has shown the call's contact to a caller."""
    return bool(db.session.scalar(select(exists().where(is_later_call_to_contact(call)))))


def is_later_call_to_contact(call: Call) -> ColumnElement[bool]:
    """Return the condition, for a query of calls, that a call showed this call's contact later.

    Calls are ordered by `handed_out_no` and not by the clock, because the clocks of two servers may
    differ.
    """
    on_screen = tuple_(func.coalesce(Call.handed_out_no, 0), Call.started_at)
    return and_(
        Call.contact_id == call.contact_id,
        Call.id != call.id,
        on_screen > tuple_(call.handed_out_no or 0, call.started_at),
    )


def _decide(
    call: Call, contact: Contact, outcome_key: str, at: datetime, callback_at: datetime | None
) -> Decision:
    campaign = db.session.get_one(Campaign, call.campaign_id)
    country = rules_of(campaign)
    zones = zones_in_key(contact.zone_key)
    today = contact_date(zones, at, country)
    rules = RetryRules.parse(campaign.retry_rules)
    outcome = outcome_of(outcome_key)
    promised = callback_at if outcome.takes_callback else None
    if not outcome.counts_as_attempt:
        promised = contact.callback_at  # an earlier promise stays
    try:
        return decide(
            outcome_key,
            attempts_before=contact.attempts,
            attempts_today_before=contact.attempts_that_day if contact.attempts_on == today else 0,
            same_outcome_before=_same_outcome_before(contact, outcome_key, rules),
            at=at,
            rules=rules,
            zones=zones,
            hours=hours_of(campaign),
            country=country,
            callback_at=promised,
        )
    except UnknownOutcomeError as unknown:
        raise InvalidInputError(str(unknown)) from None


def _same_outcome_before(contact: Contact, outcome_key: str, rules: RetryRules) -> int:
    """Return how many of the contact's calls had this outcome; 0 if no rule needs the number."""
    rule = rules.retries.get(outcome_key)
    if rule is None or rule.retries_at_most is None:
        return 0
    same_outcome = select(func.count()).where(
        Call.contact_id == contact.id,
        Call.outcome == outcome_key,
        Call.set_aside_at.is_(None),
    )
    return db.session.scalar(same_outcome) or 0


def _write_outcome(
    call: Call,
    contact: Contact,
    caller: Caller,
    outcome_key: str,
    note: str,
    at: datetime,
    counted: bool,
) -> None:
    call.late = call.ended_at is not None
    if call.late:
        # If another call holds the contact by now, that call keeps it.
        release_after_commit(call)
    else:
        end_hold(call, CallEnding.RECORDED, at)
    call.outcome = outcome_key
    call.recorded_at = at
    call.recorded_no = RECORDED_NO.next_value()
    call.note = note
    call.counted = counted
    call.reached = OUTCOMES[outcome_key].reached
    # Answers in an unanswered call are mistaken taps.
    if call.reached:
        call.conversation, call.yes = _conversation_and_yes(call, contact, caller, outcome_key)
    call.too_fast = counted and is_too_fast(call.started_at, at, call.conversation)


def _conversation_and_yes(
    call: Call, contact: Contact, caller: Caller, outcome_key: str
) -> tuple[bool, bool]:
    script = script_of(call.script_version_id)
    if script is None:
        return outcome_key == "talked", False
    # If the caller changed an earlier answer, the call may no longer pass through a step. The
    # answer to such a step is kept, but does not count.
    fields = fields_for(contact, caller, caller.campaign)
    answers = answers_on_path(script, answers_of(call), fields)
    talked = is_conversation(script, answers)
    return talked, talked and is_yes(script, answers)


def add_to_tally(call: Call, sign: int) -> None:
    """Add a call that counts to the tally (`sign` 1), or subtract it (`sign` -1)."""
    if not call.counted or call.recorded_at is None:
        return
    totals.add(
        call.campaign_id,
        call.party_id,
        call.caller_id,
        call.recorded_at,
        calls=sign,
        reached=sign * call.reached,
        conversations=sign * call.conversation,
        yeses=sign * call.yes,
        ranked=sign * (call.conversation and not call.too_fast),
    )
