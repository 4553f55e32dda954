"""Handing a person to a caller, and taking them back. The caller of these commits.

What was answered is `answers`' matter, and what came of the call `recording`'s.
"""

import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased, contains_eager

from phonebank.contact_queue.campaign_hours import may_ring
from phonebank.contact_queue.empty_reasons import WORDS, Nobody, why_nobody
from phonebank.contact_queue.holds import copy_after_commit, end_hold
from phonebank.contact_queue.redis_queue import PROMISER_ALONE_SECONDS, Held, QueueStore, Taken
from phonebank.contact_queue.refill import (
    ensure_built,
    is_low,
    refill,
    served,
    start_line_afresh,
    store_of,
)
from phonebank.core.db import db
from phonebank.core.errors import (
    GoneError,
    NotAllowedError,
    NotFoundError,
    NotRunningError,
    PhonebankError,
    ServiceUnavailableError,
)
from phonebank.experiments.script_choice import choose_script, script_options
from phonebank.models import (
    Call,
    CallEnding,
    Caller,
    Campaign,
    CampaignState,
    Contact,
    ContactList,
    ContactState,
    Party,
    new_id,
    now,
)
from phonebank.roster.pace import enforce_pace, refuse_paused
from phonebank.roster.practice_first import PracticeRequiredError, owes_practice
from phonebank.suppressions.contacts import has_suppressed_number

# Several people in a row who may no longer be rung mean that something large changed (a list was
# removed, hours ended): the line is then made anew instead of being emptied one by one.
STALE_IN_A_ROW = 5
TRIES_AT_MOST = 50

# A renewed end is written once in so long a caller: the page asks once a minute, and two tabs or
# somebody who goes to and fro ask more often.
WRITTEN_APART = timedelta(minutes=1)

# Seconds. Longer than it takes to write a call that has nothing to wait for.
WROTE_AT_ONCE = 0.05

# Of a household so many others are shown beside the person rung.
HOUSEHOLD_AT_MOST = 9

# Statements are put together once: that takes longer than PostgreSQL needs to answer them.
_HELD = (
    select(Call, Contact)
    .join(Contact, Contact.id == Call.contact_id)
    .where(Call.caller_id == bindparam("caller_id"), Call.ended_at.is_(None))
)
_OWN_CALL_AND_CONTACT = (
    select(Call, Contact)
    .join(Contact, Contact.id == Call.contact_id)
    .where(Call.id == bindparam("call_id"), Call.caller_id == bindparam("caller_id"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_other = aliased(Contact)
_household = (
    select(_other.id)
    .where(
        _other.phone == Contact.phone,
        _other.campaign_id == Contact.campaign_id,
        _other.id != Contact.id,
        _other.state == ContactState.CALLABLE,
    )
    .order_by(_other.id)
    .limit(HOUSEHOLD_AT_MOST)
)
# Not FOR SHARE: two tabs of one caller would each hold it, and wait for the other's update.
_LOCK = (
    select(Contact.id)
    .join(Caller, Caller.id == bindparam("caller_id"))
    .where(Contact.id == bindparam("contact_id"))
    .with_for_update(of=[Contact, Caller], key_share=True)
)
# Everything that says whether they may be handed out, as it stands by now, for an organiser or a
# host may have acted since the request came in. Not in the statement that locks: one that waits
# for a row goes on with the other rows as they were before it waited. Beside it the ids of others
# of their `household` who may be asked for instead, and the `words` on offer.
_AS_IT_STANDS = (
    select(
        Contact,
        Caller,
        ContactList.removed.label("removed"),
        has_suppressed_number().label("suppressed"),
        func.array(_household.scalar_subquery()).label("household"),
        script_options(Contact.campaign_id.expression).label("words"),
    )
    .join(ContactList, ContactList.id == Contact.contact_list_id)
    .join(Caller, Caller.id == bindparam("caller_id"))
    .join(Caller.campaign)
    .outerjoin(Caller.party)
    .where(Contact.id == bindparam("contact_id"))
    .options(contains_eager(Caller.campaign), contains_eager(Caller.party))
    .execution_options(populate_existing=True)
)
_OPEN_CALL = insert(Call).on_conflict_do_nothing().returning(Call)
_WHO_HOLDS = select(Call.id, Call.expires_at).where(
    Call.contact_id == bindparam("contact_id"), Call.ended_at.is_(None)
)
_RENEWABLE = text("""
SELECT call.campaign_id, contact_id, expires_at, hold_seconds,
       coalesce(reopened_at, started_at) + hold_seconds_at_most * interval '1 second' AS longest
FROM call JOIN campaign ON campaign.id = call.campaign_id
WHERE call.id = :call_id AND caller_id = :caller_id AND ended_at IS NULL
""")
# Another tab may have been promised a little more.
_RENEW = text("""
UPDATE call SET expires_at = greatest(expires_at, :until)
WHERE id = :call_id AND caller_id = :caller_id AND ended_at IS NULL
RETURNING contact_id, expires_at
""")


class NobodyToCallError(PhonebankError):
    """There is nobody for this caller just now: `why`. `next_at` is when the next becomes callable,
    aware UTC, or None where the passing of time does not make it so."""

    status = 200
    title = "Nobody to call right now"

    def __init__(self, nobody: Nobody) -> None:
        self.why, self.next_at = nobody
        super().__init__(*WORDS[self.why])


class NotAdmittedError(NotAllowedError):
    """They wait in the lobby, or were put out since their request began."""

    title = "You're not in"

    def __init__(self) -> None:
        super().__init__(
            "Nobody has let you in yet, or you've been removed.",
            "Ask your host, or the person who sent you the link.",
        )


@dataclass(frozen=True)
class Hold:
    """A person handed out: the call that names them, and how long the caller has. `is_new`: just
    now, so there is no answer yet."""

    call: Call
    contact: Contact
    expires_at: datetime
    is_new: bool = False


def claim(caller: Caller, holds_nobody: bool = False) -> Hold:
    """Give the caller one person to ring; the same one while their hold lasts.

    `holds_nobody` saves looking for that hold: they have just recorded how their call ended. Raises
    NotAdmittedError, PracticeRequiredError, NotRunningError, GoneError (party or campaign over),
    NobodyToCallError, ServiceUnavailableError (Redis is away), PacePausedError (then commit: the
    pause is written). Two of these at once for one caller give the same person.

    To be called with nothing to commit: it rolls back where somebody turns out not to be had.
    """
    if not caller.may_call:
        raise NotAdmittedError()
    held = None if holds_nobody else current_hold(caller)
    if held is not None:
        return held
    campaign = running_campaign(caller)
    if owes_practice(caller):
        raise PracticeRequiredError()
    refuse_paused(caller, now())
    try:
        return _claim_next(caller, campaign)
    except RedisError as error:
        raise ServiceUnavailableError(
            "The list isn't answering. What you've recorded is safe.",
            "Wait a few seconds. This page tries again by itself.",
        ) from error


def current_hold(caller: Caller) -> Hold | None:
    """The person on this caller's screen, if any."""
    row = db.session.execute(_HELD, {"caller_id": caller.id}).one_or_none()
    return Hold(row[0], row[1], row[0].expires_at) if row else None


def renew(caller: Caller, call_id: uuid.UUID) -> datetime:
    """Let the caller keep their person for another hold, up to the campaign's longest since they
    were put on the screen, by handing them out or by an undo.

    Returns when the hold runs out, as PostgreSQL has it: written no more often than `_apart`, so an
    end that is younger stands. Raises NotFoundError when it is no longer theirs, or they have had
    it for as long as anybody may.
    """
    own = {"call_id": call_id, "caller_id": caller.id}
    held = db.session.execute(_RENEWABLE, own).one_or_none()
    if held is None:
        raise _no_longer_theirs()
    until = min(now() + timedelta(seconds=held.hold_seconds), held.longest)
    with_whom: int = held.contact_id
    ends: datetime = held.expires_at
    if until - ends >= _apart(held.hold_seconds) or until == held.longest > ends:
        # Looked at once more by the statement that writes: it may have ended since.
        renewed = db.session.execute(_RENEW, own | {"until": until}).one_or_none()
        if renewed is None:
            raise _no_longer_theirs()
        with_whom, ends = renewed
    if ends <= now():
        raise _no_longer_theirs()
    copy_after_commit(held.campaign_id, Held(with_whom, call_id, ends))
    return ends


def _apart(hold_seconds: int) -> timedelta:
    """How long after an end was written a renewal writes a later one; where holds are short, often
    enough that most of each is left."""
    return min(WRITTEN_APART, timedelta(seconds=hold_seconds / 5))


def _no_longer_theirs() -> NotFoundError:
    return NotFoundError("This call is no longer yours.", "Ask for the next person.")


def give_back(caller: Caller, call_id: uuid.UUID) -> None:
    """End a hold without an outcome: the person becomes callable as they stood.

    Does nothing when the hold is over already. Raises NotFoundError for somebody else's.
    """
    call = own_call(caller, call_id, lock=True)
    if call.ended_at is None:
        end_hold(call, CallEnding.GIVEN_BACK)


def own_call(caller: Caller, call_id: uuid.UUID, lock: bool = False) -> Call:
    """A call of this caller, with `lock` as it stands once nobody else can change it.

    Raises NotFoundError, also for another's: nothing is told about those.
    """
    query = select(Call).where(Call.id == call_id, Call.caller_id == caller.id)
    if lock:
        # What was read before the lock was ours may be old by now.
        query = query.with_for_update().execution_options(populate_existing=True)
    call = db.session.scalar(query)
    if call is None:
        raise NotFoundError("That call isn't one of yours.", "Go back to calling.")
    return call


def own_call_and_contact(caller: Caller, call_id: uuid.UUID) -> tuple[Call, Contact]:
    """A call of this caller and the person in it, both locked against other changes.

    Raises NotFoundError as `own_call` does.
    """
    own = {"call_id": call_id, "caller_id": caller.id}
    row = db.session.execute(_OWN_CALL_AND_CONTACT, own).one_or_none()
    if row is None:
        # Nobody's, or it went to another of the household while we waited for the lock.
        own_call(caller, call_id)
        return own_call_and_contact(caller, call_id)
    return row[0], row[1]


def is_stale(call: Call, turn: int | None) -> bool:
    """Whether a request was meant for a turn of the call that is over; None does not say."""
    return turn is not None and turn != call.turn


def running_campaign(caller: Caller) -> Campaign:
    """The caller's campaign, while it is calling and so is their party. Raises NotRunningError,
    GoneError."""
    campaign = db.session.get_one(Campaign, caller.campaign_id)
    if campaign.state == CampaignState.ENDED:
        raise GoneError("This campaign has ended.", "Thank you for every call you made.")
    if not campaign.is_running:
        raise NotRunningError("The campaign is paused right now.", "Keep this page open.")
    party = db.session.get(Party, caller.party_id) if caller.party_id else None
    if party is not None and party.is_over:
        raise GoneError("The party has ended.", "Thank you for every call you made.")
    if party is not None and party.paused:
        raise NotRunningError(
            "Your host has paused calling.", "You can go on when they restart it."
        )
    return campaign


def _claim_next(caller: Caller, campaign: Campaign) -> Hold:
    store = store_of(campaign.id)
    for tries in range(1, TRIES_AT_MOST + 1):
        call_id = new_id()
        taken = _take(caller, campaign, store, call_id)
        if taken.contact_id is None:
            break
        try:
            hold = _open_call(caller, taken.contact_id, call_id)
        except Exception:
            # Put out, paused, or the database took it back: nobody has the person by this call.
            store.release(taken.contact_id, call_id)
            raise
        if hold is not None:
            if is_low(store, taken.left):
                with store.only_one("refill") as mine:
                    if mine:
                        refill(campaign, caller.list_ids, languages_of(caller, campaign))
            return hold
        # Let go of their lock: whoever waits for it may hold the next. What was read is read again.
        db.session.rollback()
        store.release(taken.contact_id, call_id)
        _copy_true_hold(store, taken.contact_id)
        campaign = running_campaign(caller)
        # A second tap got there first: theirs is the same person on the same screen.
        already = current_hold(caller)
        if already is not None:
            return already
        if tries == STALE_IN_A_ROW:
            start_line_afresh(campaign)
    raise NobodyToCallError(why_nobody(campaign, caller))


def _copy_true_hold(store: QueueStore, contact_id: int) -> None:
    """Have Redis know again who holds this contact, where somebody does: it has offered them."""
    row = db.session.execute(_WHO_HOLDS, {"contact_id": contact_id}).one_or_none()
    if row is not None:
        store.hold(Held(contact_id, row.id, row.expires_at))


def languages_of(caller: Caller, campaign: Campaign) -> list[str]:
    """The languages of the people a caller is given: see `refill.served`."""
    return served(campaign, caller.languages)


def _take(caller: Caller, campaign: Campaign, store: QueueStore, call_id: uuid.UUID) -> Taken:
    """Take from Redis for this call to be; once more after rebuilding a lost queue or refilling an
    empty line."""

    def take() -> Taken:
        at = now()
        until = at + timedelta(seconds=campaign.hold_seconds)
        languages = languages_of(caller, campaign)
        return store.take(at, until, caller.id, call_id, caller.list_ids, languages)

    taken = take()
    if taken.lost:
        ensure_built(campaign)
        taken = take()
    if taken.contact_id is None:
        refill(campaign, caller.list_ids, languages_of(caller, campaign))
        taken = take()
    return taken


def _open_call(caller: Caller, contact_id: int, call_id: uuid.UUID) -> Hold | None:
    """Ask PostgreSQL whether this person may be called now, and write the open call.

    None when they may not: suppressed or called since they were put in line, out of hours by now,
    or somebody on their number is on the phone. The row locks make a suppression, and a removal of
    the caller, that commits first win, and one that comes second wait until this hand-out is on
    record. Raises what `_look_again` and `enforce_pace` do.
    """
    ids = {"contact_id": contact_id, "caller_id": caller.id}
    if db.session.scalar(_LOCK, ids) is None:
        return None
    found = _look_again(ids)
    if found is None or not enforce_pace(caller, found.campaign, found.at):
        return None
    hold = timedelta(seconds=found.campaign.hold_seconds)
    words = choose_script(found.words, contact_id)
    writing_since = time.monotonic()
    call = db.session.scalar(
        _OPEN_CALL,
        {
            "id": call_id,
            "campaign_id": found.campaign.id,
            "contact_id": contact_id,
            "caller_id": caller.id,
            "party_id": caller.party_id,
            "script_version_id": words.script_version_id,
            "experiment_arm_id": words.experiment_arm_id,
            "phone": found.contact.phone,
            "household": found.household,
            "started_at": found.at,
            "expires_at": found.at + hold,
        },
    )
    if call is None:
        return None
    if time.monotonic() - writing_since > WROTE_AT_ONCE:
        # Writing waited: for a call to the same number that came to nothing, or for somebody who
        # has locked the campaign or the party.
        try:
            again = _look_again(ids)
        except PhonebankError:
            db.session.rollback()
            raise
        if again is None:
            return None
        call.started_at, call.expires_at = again.at, again.at + hold
        db.session.flush()
    return Hold(call, found.contact, call.expires_at, is_new=True)


@dataclass(frozen=True)
class _Found:
    """A person who may be handed out, as everything stood `at` that moment."""

    contact: Contact
    campaign: Campaign
    household: list[int]
    words: dict[str, Any]
    at: datetime


def _look_again(ids: dict[str, int]) -> _Found | None:
    """Whether this person may be handed to this caller as things stand by now; None if not.

    Reads both, their campaign, party and list anew, and the time after it: to be called once the
    locks are had, however long that took. Raises NotAdmittedError for a caller who was put out
    since their request began, PracticeRequiredError, PacePausedError, and NotRunningError or
    GoneError when the campaign or the party paused or ended meanwhile.
    """
    found = db.session.execute(_AS_IT_STANDS, ids).one_or_none()
    if found is None:
        return None
    at, contact, caller = now(), found.Contact, found.Caller
    campaign = caller.campaign
    if not caller.may_call:
        raise NotAdmittedError()
    running_campaign(caller)
    if owes_practice(caller):
        raise PracticeRequiredError()
    refuse_paused(caller, at)
    if found.removed or found.suppressed:
        return None
    if (
        contact.state != ContactState.CALLABLE
        or contact.suppressed_at is not None
        or contact.callable_at > at
    ):
        return None
    if not may_ring(campaign, contact.zone_key, at):
        return None
    if contact.callback_caller_id != caller.id and not _is_theirs(caller, campaign, contact, at):
        return None
    return _Found(contact, campaign, found.household, found.words, at)


def _is_theirs(caller: Caller, campaign: Campaign, contact: Contact, at: datetime) -> bool:
    """Whether the person is within the caller's limits, and not another's to ring back for a while
    yet; what Redis knows of it may be old."""
    if contact.callback_caller_id is not None and contact.callback_at is not None:
        alone_until = contact.callback_at + timedelta(seconds=PROMISER_ALONE_SECONDS)
        if at < alone_until:
            return False
    in_lists = not caller.list_ids or contact.contact_list_id in caller.list_ids
    return in_lists and contact.language in languages_of(caller, campaign)


def mark_seen(caller: Caller) -> None:
    """Note that the caller's screen is open: the board's "calling now" reads it."""
    db.session.execute(update(Caller).where(Caller.id == caller.id).values(seen_at=now()))
