"""What came of a call: its outcome, and undoing it. The caller of these commits.

One transaction holds the call, the contact, the suppression and the tally, so that no crash can
leave one without the others. The call's id is the idempotency key: sent twice, counted once.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from sqlalchemy import ColumnElement, and_, exists, func, select, tuple_
from sqlalchemy.exc import IntegrityError

from phonebank.calls.answers import answers_of
from phonebank.calls.claim import (
    NotAdmittedError,
    current_hold,
    give_back,
    is_stale,
    own_call_and_contact,
)
from phonebank.calls.contact_state import (
    has_changed_since,
    left_behind,
    move_contact,
    rest_the_household,
    restore,
    state_of,
    wake_the_household,
)
from phonebank.calls.merge_fields import fields_for
from phonebank.calls.speed_check import is_too_fast
from phonebank.contact_queue.campaign_hours import hours_of, rules_of
from phonebank.contact_queue.holds import hold_after_commit, release_after_commit
from phonebank.core.db import db
from phonebank.core.errors import HoldLostError, InvalidInputError
from phonebank.core.locks import lock_row
from phonebank.models import Call, CallEnding, Caller, Campaign, Contact, SuppressionOrigin, now
from phonebank.models.call import HANDED_OUT_NO, RECORDED_NO
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
# How long a caller may take an outcome back: long enough to notice a slip, short enough that the
# person is not shown again an hour after they were let go of.
UNDO_WITHIN = timedelta(minutes=10)
# A caller's calls; an older one may lack its number.
LAST_RECORDED_FIRST = (Call.recorded_no.desc().nulls_last(), Call.recorded_at.desc())


class CannotUndoError(HoldLostError):
    """Too much has come about since, or another did it."""

    title = "This can't be undone"

    def __init__(self, message: str, what_to_do: str = "Tell an organiser what to change.") -> None:
        super().__init__(message, what_to_do)


@dataclass(frozen=True)
class Recorded:
    """An outcome on record. `changed` is False when it was there already: a resent request."""

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
) -> Recorded:
    """Put an outcome on record, with all it entails.

    Sent again, whatever it says, it changes nothing: the first stands until it is undone, and a
    late copy of one that was undone (its `turn` is not the call's) does not come back. A late
    outcome (the hold had run out) is kept and flagged; where another caller has been given the
    person since, it changes neither the contact nor any tally, except that a do-not-call always
    holds. `callback_at` is the promised time; `only_me` keeps it for this caller at first;
    `language` is what the person speaks (BCP 47), for the outcome that asks.

    Raises NotFoundError for another's call, InvalidInputError for an unknown outcome or language or
    an overlong note.
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
        return Recorded(call, changed=False)
    at = now()
    superseded = call.ended_at is not None and _handed_on_since(call)
    decision = _decide(call, contact, outcome_key, at, callback_at)

    household = {} if superseded else rest_the_household(contact, call, decision)
    counted = decision.counted and not superseded
    _write_outcome(call, contact, caller, outcome_key, note, at, counted)
    if decision.suppress_reason is not None:
        suppressions.suppress(
            call.phone, SuppressionOrigin.CALL, decision.suppress_reason, call_id=call.id
        )
    if not superseded:
        before = state_of(contact) | household
        move_contact(contact, call, decision, outcome_key, at, only_me, language)
        call.contact_before = before | left_behind(contact)
    add_to_tally(call, 1)
    # Where somebody else has been given the person since, they keep them.
    release_after_commit(call)
    return Recorded(call, changed=True)


def undo(caller: Caller, call_id: uuid.UUID, turn: int | None = None) -> Call:
    """Take back the caller's last outcome and put that person on their screen again.

    Whoever was on it is given back first. A late copy of an undo that was done (its `turn` is not
    the call's) changes nothing, whatever was recorded since. Raises NotFoundError,
    NotAdmittedError, CannotUndoError when it is not their last or too long ago, the person is on
    somebody else's screen or changed by another's call since, or their number on the do-not-call
    list by another's wish.
    """
    call, contact = own_call_and_contact(caller, call_id)
    if call.outcome is None or is_stale(call, turn):
        return call  # undone already: a resent request
    # After the contact, as a hand-out locks them. Whoever is put out at this moment is so first, or
    # has the person taken back.
    lock_row(caller)
    if not caller.may_call:
        raise NotAdmittedError()
    if call.set_aside_at is not None:
        raise CannotUndoError("An organiser has set this call aside.")
    if call.id != last_recorded_id(caller):
        raise CannotUndoError(
            "It isn't your last call.", "If an older one is wrong, tell an organiser."
        )
    if call.recorded_at is None or now() - call.recorded_at > UNDO_WITHIN:
        raise CannotUndoError("You recorded it more than ten minutes ago.")
    if call.contact_before is None or _handed_on_since(call):
        raise CannotUndoError("Another caller has been given this person since then.")
    if has_changed_since(contact, call.contact_before):
        raise CannotUndoError(
            "Someone on their number has been called since then, or their list was uploaded again."
        )
    current = current_hold(caller)
    if current is not None:
        give_back(caller, current.call.id)
        db.session.flush()
    add_to_tally(call, -1)
    suppressions.lift_of_call(call.id)
    if suppressions.suppressed_among([call.phone, *call.contact_before["other_phones"]]):
        raise CannotUndoError(
            "An organiser or another call has put them on the do-not-call list.",
            "Go on to the next person.",
        )
    wake_the_household(call, call.contact_before)
    restore(contact, call.contact_before)
    # It may have been set for a number they had in between.
    contact.suppressed_at = None
    _reopen(call)
    return call


def last_recorded_id(caller: Caller) -> uuid.UUID | None:
    """The id of the caller's most recently recorded call."""
    return db.session.scalar(
        select(Call.id)
        .where(Call.caller_id == caller.id, Call.recorded_at.is_not(None))
        .order_by(*LAST_RECORDED_FIRST)
        .limit(1)
    )


def _handed_on_since(call: Call) -> bool:
    return bool(db.session.scalar(select(exists().where(was_handed_on_since(call)))))


def was_handed_on_since(call: Call) -> ColumnElement[bool]:
    """For a query of calls: those by which the person of this one came onto a screen later.

    By their numbers and not by the clock: two servers' clocks may differ. Calls of a release that
    gave no numbers come before all that have one.
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
        promised = contact.callback_at  # a promise made earlier stands
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
    """How many of the contact's calls ended like this; counted only where a rule asks."""
    rule = rules.retries.get(outcome_key)
    if rule is None or rule.retries_at_most is None:
        return 0
    ended_so = select(func.count()).where(
        Call.contact_id == contact.id,
        Call.outcome == outcome_key,
        Call.set_aside_at.is_(None),
    )
    return db.session.scalar(ended_so) or 0


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
    if call.ended_at is None:
        call.ended_at, call.ending = at, CallEnding.RECORDED
    call.outcome = outcome_key
    call.recorded_at = at
    call.recorded_no = RECORDED_NO.next_value()
    call.note = note
    call.counted = counted
    call.reached = OUTCOMES[outcome_key].reached
    # Answers without a person who answered the phone are a slip of the finger.
    if call.reached:
        call.conversation, call.yes = _conversation_and_yes(call, contact, caller, outcome_key)
    call.too_fast = counted and is_too_fast(call.started_at, at, call.conversation)


def _conversation_and_yes(
    call: Call, contact: Contact, caller: Caller, outcome_key: str
) -> tuple[bool, bool]:
    script = script_of(call.script_version_id)
    if script is None:
        return outcome_key == "talked", False
    # An answer on a way since left (an earlier one was changed) is kept and does not count.
    fields = fields_for(contact, caller, caller.campaign)
    answers = answers_on_path(script, answers_of(call), fields)
    talked = is_conversation(script, answers)
    return talked, talked and is_yes(script, answers)


def add_to_tally(call: Call, sign: int) -> None:
    """Count a call (1), or take it out of the count (-1), where it counts."""
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


def _reopen(call: Call) -> None:
    campaign = db.session.get_one(Campaign, call.campaign_id)
    call.reopened_at = now()
    call.outcome = call.recorded_at = call.recorded_no = call.contact_before = None
    call.ended_at = call.ending = None
    call.reached = call.conversation = call.yes = call.counted = call.late = call.too_fast = False
    # No less than was promised before: another machine's clock may be ahead of this one's.
    until = call.reopened_at + timedelta(seconds=campaign.hold_seconds)
    call.expires_at = max(call.expires_at, until)
    call.handed_out_no = HANDED_OUT_NO.next_value()
    call.turn += 1
    try:
        db.session.flush()
    except IntegrityError as taken:
        raise CannotUndoError(_who_has_the_number(taken)) from None
    hold_after_commit(call)


def _who_has_the_number(taken: IntegrityError) -> str:
    broken = taken.orig.diag.constraint_name if isinstance(taken.orig, psycopg.Error) else None
    if broken == "uq_contact_campaign_id_phone_name_key":
        return "They were uploaded again and are on the list with that number."
    return "Another caller is calling their number now."
