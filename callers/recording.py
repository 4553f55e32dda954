"""What came of a call: answers, outcome, undo. The caller of these commits.

One transaction holds the call, the contact, the suppression and the tally, so that no crash can
leave one without the others. The call's id is the idempotency key: sent twice, counted once.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from callers.calling import current_hold, give_back, own_call, own_call_and_contact
from callers.calling_hours import contact_date, zones_from
from callers.contact_queue.hours import hours_of, rules_of
from callers.contact_queue.refill import store_of
from callers.languages import LANGUAGES, UNKNOWN
from callers.merge_values import fields_for
from callers.outcomes import OUTCOMES, Decision, UnknownOutcome, decide, outcome_of
from callers.retry_rules import RetryRules
from callers.too_fast import is_too_fast
from phonebank import tallies
from phonebank.errors import BadInput, Conflict, HoldLost
from phonebank.models import Answer, Call, Caller, Campaign, Contact, now
from phonebank.models.call import RECORDED
from phonebank.models.contact import CALLABLE, FINISHED, UNUSABLE
from phonebank.models.suppression import FROM_CALL
from phonebank.scripts.versions import script_of
from phonebank.stores import after_commit, db
from phonebank.suppressions import verbs as suppressions
from scripts_library.conversation import (
    AnswerRefused,
    answers_on_path,
    check_answer,
    is_conversation,
    is_yes,
)

NOTE_AT_MOST = 2000  # characters
# How long a caller may take an outcome back: long enough to notice a slip, short enough that the
# person is not shown again an hour after they were let go of.
UNDO_WITHIN = timedelta(minutes=10)
# A contact whose hours never come (a campaign without open hours) is looked at again then.
FAR_AWAY = timedelta(days=60)

# What an outcome may change in a contact, and so what undo puts back.
_CONTACT_STATE = (
    "state",
    "tried",
    "callable_at",
    "attempts",
    "attempts_that_day",
    "attempts_on",
    "last_outcome",
    "last_called_at",
    "callback_at",
    "callback_caller_id",
    "phone",
    "other_phones",
    "language",
)
# Beside these: the others on a number that was said to be dead, each with their further numbers.
_LOST_THE_NUMBER = "lost_the_number"


# Statements are put together once: that takes longer than PostgreSQL needs to answer them.
_ANSWERS = select(Answer.step_id, Answer.value).where(Answer.call_id == bindparam("call_id"))
_ON_THE_NUMBER = (
    Contact.phone == bindparam("number"),
    Contact.campaign_id == bindparam("campaign"),
    Contact.id != bindparam("rung"),
    Contact.state == CALLABLE,
)
_OTHERS_ON_THE_NUMBER = (
    update(Contact).where(*_ON_THE_NUMBER).execution_options(synchronize_session=False)
)
_HAS_NO_OTHER = func.jsonb_array_length(Contact.other_phones) == 0
_OTHERS_UNUSABLE = (
    _OTHERS_ON_THE_NUMBER.where(_HAS_NO_OTHER).values(state=UNUSABLE).returning(Contact.id)
)
# A family, not a switchboard: each is moved on by itself.
_OTHERS_WITH_ANOTHER_NUMBER = (
    select(Contact)
    .where(*_ON_THE_NUMBER, ~_HAS_NO_OTHER)
    .order_by(Contact.id)
    .limit(100)
    .with_for_update(key_share=True)
)
_OTHERS_REST = _OTHERS_ON_THE_NUMBER.values(
    callable_at=func.greatest(Contact.callable_at, bindparam("until"))
)


@dataclass(frozen=True)
class Recorded:
    """An outcome on record. `changed` is False when it was there already: a resent request."""

    call: Call
    changed: bool


def save_answer(
    caller: Caller, call_id: uuid.UUID, step_id: str, raw: Any, turn: int | None = None
) -> Any:
    """Keep what was answered at a step, as it is given; the value that is kept comes back.

    Saving again replaces it, save by a late copy from before the call was undone (its `turn` is
    not the call's). Nothing (None, blank) is kept too, where the step may be passed
    without an answer: it says that the caller has gone past it. Raises NotFound, Conflict once the
    outcome is recorded, BadInput for a step or answer that the script does not have.
    """
    call = own_call(caller, call_id, lock=True)
    if call.outcome is not None:
        raise Conflict("This call is recorded already.", "Undo it first to change an answer.")
    value = _checked(call, step_id, raw)
    if _is_stale(call, turn):
        return answers_of(call).get(step_id)
    row = insert(Answer).values(call_id=call.id, step_id=step_id, value=value, answered_at=now())
    db.session.execute(
        row.on_conflict_do_update(
            index_elements=["call_id", "step_id"],
            set_={"value": row.excluded.value, "answered_at": row.excluded.answered_at},
        )
    )
    return value


def answers_of(call: Call) -> dict[str, Any]:
    """A call's answers by step id."""
    return dict(db.session.execute(_ANSWERS, {"call_id": call.id}).all())


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

    Raises NotFound for another's call, BadInput for an unknown outcome or language or an overlong
    note.
    """
    if outcome_key not in OUTCOMES:
        raise BadInput(
            f"“{outcome_key}” is not an outcome of a call.", "Choose one of the buttons."
        )
    if len(note) > NOTE_AT_MOST:
        raise BadInput(f"A note may have {NOTE_AT_MOST} characters; this one has {len(note)}.")
    if language not in ("", UNKNOWN, *LANGUAGES):
        raise BadInput("That is not one of the languages.", "Choose one of those shown.")
    call, contact = own_call_and_contact(caller, call_id)
    if call.outcome is not None or _is_stale(call, turn):
        return Recorded(call, changed=False)
    at = now()
    superseded = call.ended_at is not None and _handed_on_since(call)
    decision = _decide(call, contact, outcome_key, at, callback_at)

    counted = decision.counted and not superseded
    _write_outcome(call, contact, caller, outcome_key, note, at, counted)
    call.contact_before = None if superseded else _state_of(contact)
    if decision.suppress_reason is not None:
        suppressions.suppress(call.phone, FROM_CALL, decision.suppress_reason, call_id=call.id)
    if not superseded:
        _move_contact(contact, call, decision, outcome_key, at, only_me, language)
        _rest_the_household(contact, call, decision)
    _count(call, 1)
    if not call.late:
        # A late one's hold is over, and whoever has been given the person since keeps theirs.
        store, contact_id = store_of(call.campaign_id), contact.id
        after_commit(lambda: store.release(contact_id))
    return Recorded(call, changed=True)


def undo(caller: Caller, call_id: uuid.UUID, turn: int | None = None) -> Call:
    """Take back the caller's last outcome and put that person on their screen again.

    Whoever was on it is given back first. A late copy of an undo that was done (its `turn` is not
    the call's) changes nothing, whatever was recorded since. Raises NotFound, Conflict when it is
    not their last, HoldLost when it is too long ago, the person is on somebody else's screen or
    their number on the do-not-call list by another's wish.
    """
    call, contact = own_call_and_contact(caller, call_id)
    if call.outcome is None or _is_stale(call, turn):
        return call  # undone already: a resent request
    if call.id != last_recorded_id(caller):
        raise Conflict(
            "Only your last call can be undone.", "Tell an organiser about an older one."
        )
    if call.recorded_at is None or now() - call.recorded_at > UNDO_WITHIN:
        raise HoldLost("That call is too long ago to undo.", "Tell an organiser what to change.")
    if call.contact_before is None or _handed_on_since(call):
        raise HoldLost("Somebody else has rung them since.", "Tell an organiser what to change.")
    current = current_hold(caller)
    if current is not None:
        give_back(caller, current.call.id)
        db.session.flush()
    _count(call, -1)
    suppressions.lift_of_call(call.id)
    if suppressions.phones_suppressed_among([call.phone, *call.contact_before["other_phones"]]):
        raise HoldLost("They are not to be called any more.", "Take the next person.")
    _give_the_number_back(call, call.contact_before)
    _restore(contact, call.contact_before)
    # It may have been set for a number they had in between.
    contact.suppressed_at = None
    _reopen(call)
    return call


def last_recorded_id(caller: Caller) -> uuid.UUID | None:
    """The id of the caller's most recently recorded call."""
    return db.session.scalar(
        select(Call.id)
        .where(Call.caller_id == caller.id, Call.recorded_at.is_not(None))
        .order_by(Call.recorded_at.desc())
        .limit(1)
    )


def _checked(call: Call, step_id: str, raw: Any) -> Any:
    script = script_of(call.script_version_id)
    if script is None or not script.has_step(step_id):
        raise BadInput("This call's script has no such step.", "Reload the page.")
    try:
        return check_answer(script.step(step_id), raw)
    except AnswerRefused as refused:
        raise BadInput(str(refused)) from None


def _is_stale(call: Call, turn: int | None) -> bool:
    return turn is not None and turn != call.turn


def _handed_on_since(call: Call) -> bool:
    return bool(
        db.session.scalar(
            select(func.count())
            .select_from(Call)
            .where(Call.contact_id == call.contact_id, Call.started_at > call.started_at)
        )
    )


def _decide(
    call: Call, contact: Contact, outcome_key: str, at: datetime, callback_at: datetime | None
) -> Decision:
    campaign = db.session.get_one(Campaign, call.campaign_id)
    country = rules_of(campaign)
    zones = zones_from(contact.zone_key)
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
    except UnknownOutcome as unknown:
        raise BadInput(str(unknown)) from None


def _same_outcome_before(contact: Contact, outcome_key: str, rules: RetryRules) -> int:
    """How many of the contact's calls ended like this; counted only where a rule asks."""
    rule = rules.retries.get(outcome_key)
    if rule is None or rule.retries_at_most is None:
        return 0
    ended_so = select(func.count()).where(
        Call.contact_id == contact.id, Call.outcome == outcome_key
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
        call.ended_at, call.ending = at, RECORDED
    call.outcome = outcome_key
    call.recorded_at = at
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


def _move_contact(
    contact: Contact,
    call: Call,
    decision: Decision,
    outcome_key: str,
    at: datetime,
    only_me: bool,
    language: str,
) -> None:
    campaign = db.session.get_one(Campaign, call.campaign_id)
    today = contact_date(zones_from(contact.zone_key), at, rules_of(campaign))
    contact.last_outcome = outcome_key
    contact.last_called_at = at
    if decision.counted:
        contact.tried = True
        contact.attempts += 1
        contact.attempts_that_day = (
            contact.attempts_that_day + 1 if contact.attempts_on == today else 1
        )
        contact.attempts_on = today
    contact.callback_at = decision.callback_at
    if decision.callback_at is None or not only_me:
        contact.callback_caller_id = None
    elif outcome_of(outcome_key).counts_as_attempt:
        contact.callback_caller_id = call.caller_id
    if decision.state == "callable":
        contact.callable_at = decision.callable_at or at + FAR_AWAY
    elif decision.state == "unusable":
        _take_next_number(contact)
    elif decision.state == "finished":
        contact.state = FINISHED
    if decision.tag_language:
        _put_under_language(contact, language or UNKNOWN)


def _put_under_language(contact: Contact, language: str) -> None:
    """Keep the person for callers who speak it, and let the queue know to look under it."""
    contact.language = language
    db.session.execute(
        text("""
            UPDATE contact_list SET languages = languages || to_jsonb(CAST(:language AS text))
            WHERE id = :list_id AND NOT jsonb_exists(languages, :language)
        """),
        {"language": language, "list_id": contact.contact_list_id},
    )


def _take_next_number(contact: Contact) -> None:
    """Go on with the person's next number that is not suppressed; none left: unusable."""
    suppressed = suppressions.phones_suppressed_among(list(contact.other_phones))
    usable = [phone for phone in contact.other_phones if phone not in suppressed]
    if not usable:
        contact.state = UNUSABLE
        return
    try:
        with db.session.begin_nested():
            contact.phone, contact.other_phones = usable[0], usable[1:]
            contact.state = CALLABLE
            db.session.flush()
    except IntegrityError:
        # The same person is in the campaign again under that number.
        contact.state = UNUSABLE


def _rest_the_household(contact: Contact, call: Call, decision: Decision) -> None:
    """Leave the others on the number in peace; a dead number is dead for all of them."""
    others = {"number": call.phone, "campaign": contact.campaign_id, "rung": contact.id}
    if decision.number_dead:
        lost: list[Any] = [(key, []) for key in db.session.scalars(_OTHERS_UNUSABLE, others)]
        for other in db.session.scalars(_OTHERS_WITH_ANOTHER_NUMBER, others).all():
            lost.append((other.id, list(other.other_phones)))
            _take_next_number(other)
        call.contact_before = (call.contact_before or {}) | {_LOST_THE_NUMBER: lost}
    elif decision.household_rest_until is not None:
        until = decision.household_rest_until
        db.session.execute(_OTHERS_REST, others | {"until": until})


def _count(call: Call, sign: int) -> None:
    if not call.counted or call.recorded_at is None:
        return
    tallies.add(
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


def _state_of(contact: Contact) -> dict[str, Any]:
    state = {name: getattr(contact, name) for name in _CONTACT_STATE}
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in state.items()
    }


def _give_the_number_back(call: Call, before: dict[str, Any]) -> None:
    """To the others who lost it; whoever has been rung on another number since keeps that one."""
    for other_id, other_phones in before.get(_LOST_THE_NUMBER, ()):
        not_rung_since = or_(
            Contact.last_called_at.is_(None), Contact.last_called_at < call.recorded_at
        )
        db.session.execute(
            update(Contact)
            .where(Contact.id == other_id, not_rung_since)
            .values(state=CALLABLE, phone=call.phone, other_phones=other_phones)
        )


def _restore(contact: Contact, before: dict[str, Any]) -> None:
    for name in _CONTACT_STATE:
        value = before[name]
        python_type = Contact.__table__.c[name].type.python_type
        if value is not None and hasattr(python_type, "fromisoformat"):
            value = python_type.fromisoformat(value)
        setattr(contact, name, value)


def _reopen(call: Call) -> None:
    campaign = db.session.get_one(Campaign, call.campaign_id)
    until = now() + timedelta(seconds=campaign.hold_seconds)
    call.outcome = call.recorded_at = call.ended_at = call.ending = call.contact_before = None
    call.reached = call.conversation = call.yes = call.counted = call.late = call.too_fast = False
    call.expires_at = until
    call.turn += 1
    try:
        with db.session.begin_nested():
            db.session.flush()
    except IntegrityError:
        raise HoldLost(
            "Somebody else is ringing that number now.", "Tell an organiser what to change."
        ) from None
    store, contact_id = store_of(call.campaign_id), call.contact_id
    after_commit(lambda: store.hold({contact_id: until}))
