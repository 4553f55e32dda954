"""Calculates what an outcome changes in the call, in the contact and in the other contacts with the
called number. `call_rows` writes most of these changes. `people_result` itself takes a dead number
(one that is not in service) away from the other contacts."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from phonebank.calls.call_rows import CallRows, PeopleResult
from phonebank.calls.contact_snapshot import NumberLoss
from phonebank.calls.contact_state import apply_decision
from phonebank.calls.household_state import take_dead_number_away
from phonebank.calls.last_call import CallResult
from phonebank.calls.merge_fields import fields_for
from phonebank.calls.speed_check import is_too_fast
from phonebank.contact_queue.campaign_hours import hours_of, rules_of
from phonebank.models import Caller, Campaign
from phonebank.rules.calling_hours import zones_in_key
from phonebank.rules.outcomes import NextState, Outcome
from phonebank.rules.retry_policy import Decision, decide
from phonebank.rules.retry_rules import RetryRules
from phonebank.scripts.versions import script_of
from phonebank.suppressions.dead_numbers import dead_among
from scripts_library.engine import answers_on_path, is_conversation, is_yes


@dataclass(frozen=True)
class Report:
    """The outcome of a call and its details. `record.record` explains these values."""

    caller: Caller | None  # None if no caller took the call
    call_id: uuid.UUID
    outcome: Outcome
    note: str
    callback_at: datetime | None
    only_me: bool
    language: str
    turn: int | None


@dataclass(frozen=True)
class Situation:
    """The values that the rules need besides the report: the rows of the call and its contact, and
    the campaign. `at` (aware) is when the outcome is recorded or, for a correction, the call's
    `recorded_at`. `today` is the date at that time in the contact's time zone."""

    rows: CallRows
    campaign: Campaign
    at: datetime
    today: date


def decide_about(report: Report, seen: Situation) -> Decision:
    """Return the rules' decision about the contact and its household (the other contacts with the
    called number)."""
    contact, outcome = seen.rows.contact, report.outcome
    promised = report.callback_at if outcome.takes_callback else None
    if not outcome.counts_as_attempt:
        promised = contact.callback_at  # an earlier promise stays
    return decide(
        outcome.key,
        attempts_before=contact.attempts,
        attempts_today_before=(
            contact.attempts_that_day if contact.attempts_on == seen.today else 0
        ),
        same_outcome_before=seen.rows.same_outcome_before,
        at=seen.at,
        rules=RetryRules.parse(seen.campaign.retry_rules),
        zones=zones_in_key(seen.rows.zone_key),
        hours=hours_of(seen.campaign),
        country=rules_of(seen.campaign),
        callback_at=promised,
    )


def call_result(report: Report, seen: Situation, counted: bool) -> CallResult:
    """Return the values that the outcome writes into the call. `counted` says whether the call
    counts in the totals."""
    # If nobody answered the phone, the answers in the script are mistaken taps.
    reached = report.outcome.reached
    conversation, yes = _conversation_and_yes(report, seen) if reached else (False, False)
    return CallResult(
        outcome=report.outcome.key,
        at=seen.at,
        note=report.note,
        counted=counted,
        reached=reached,
        conversation=conversation,
        yes=yes,
        too_fast=counted and is_too_fast(seen.rows.started_at, seen.at, conversation),
    )


def _conversation_and_yes(report: Report, seen: Situation) -> tuple[bool, bool]:
    script = script_of(seen.rows.script_version_id)
    if script is None or report.caller is None:
        return report.outcome.key == "talked", False
    # If the caller changed an earlier answer, the way through the script may leave out a step that
    # has an answer. That answer is stored, but does not count.
    fields = fields_for(seen.rows, report.caller, seen.campaign)
    answers = answers_on_path(script, seen.rows.answers or {}, fields)
    # An answer that was taken over from an earlier call is counted there already.
    here = {key: answers[key] for key in answers if key not in (seen.rows.taken_over or ())}
    talked = is_conversation(script, here)
    return talked, talked and is_yes(script, here)


def people_result(report: Report, seen: Situation, decision: Decision) -> PeopleResult:
    """Return the changes to the contact and to the other contacts with the called number.

    If the number is not in service, this function also reports the number as dead, and takes it
    away from the other contacts.
    """
    rows = seen.rows
    next_numbers = rows.contact.other_phones if decision.state == NextState.UNUSABLE else ()
    lost: tuple[NumberLoss, ...] = ()
    if decision.number_dead:
        lost = take_dead_number_away(rows.called_phone, rows.call_id, rows.contact_id)
    contact = apply_decision(
        rows.contact,
        decision,
        outcome=report.outcome,
        at=seen.at,
        today=seen.today,
        called_phone=rows.called_phone,
        caller_id=report.caller.id if report.caller else 0,
        only_me=report.only_me,
        language=report.language,
        dead=dead_among(next_numbers),
    )
    return PeopleResult(contact, decision.household_rest_until, decision.household_rested_at, lost)
