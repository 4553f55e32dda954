"""Setting aside what one caller recorded, and bringing it back. Nothing here commits.

For a caller who did not call the people they say they called. Each call is kept and counts nowhere;
its person, and their household, stand as they stood before it; a do-not-call entry is lifted that
nobody else made. Where somebody else's call has changed a person since, they stay as that call left
them. A caller may have thousands of calls: they are worked on some at a time, the newest first, so
that each finds its person as it left them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from phonebank.calls.contact_state import (
    has_changed_since,
    others_touched,
    restore,
    stands_as,
    state_of,
    wake_the_household,
)
from phonebank.calls.record import LAST_RECORDED_FIRST, add_to_tally
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import (
    Account,
    Call,
    Caller,
    CallerActionKind,
    Contact,
    SetAside,
    SetAsideCall,
    SetAsideState,
    SuppressionOrigin,
    now,
)
from phonebank.roster.stop import record_action
from phonebank.rules.outcomes import SUPPRESSES, outcome_of
from phonebank.suppressions import dead_numbers
from phonebank.suppressions import entries as suppressions
from phonebank.suppressions.contacts import restore_contacts, suppress_listed_among

# Calls in one transaction: about a second of locks at most, on a machine with much else to do.
AT_ONCE = 50

_PREVIEW = text("""
WITH theirs AS (
    SELECT * FROM call
    WHERE caller_id = :caller_id AND recorded_at IS NOT NULL AND set_aside_at IS NULL
      AND (too_fast OR NOT :only_fast)
)
SELECT count(*) AS calls,
       count(*) FILTER (WHERE counted) AS counted,
       count(*) FILTER (WHERE conversation) AS conversations,
       count(DISTINCT contact_id) AS people,
       count(DISTINCT contact_id) FILTER (
           WHERE EXISTS (SELECT FROM call later
                         WHERE later.contact_id = theirs.contact_id
                           AND later.started_at > theirs.started_at
                           AND later.id NOT IN (SELECT id FROM theirs)
                           AND later.set_aside_at IS NULL
                           AND (later.recorded_at IS NOT NULL OR later.ended_at IS NULL))
       ) AS called_since,
       count(DISTINCT phone) FILTER (WHERE outcome = ANY(:never)) AS do_not_calls,
       count(DISTINCT phone) FILTER (
           WHERE outcome = ANY(:never)
             AND EXISTS (SELECT FROM suppression s
                         WHERE s.phone = theirs.phone AND s.call_id IN (SELECT id FROM theirs)
                           AND NOT EXISTS (SELECT FROM suppression_source file
                                           WHERE file.phone = s.phone))
       ) AS lifted
FROM theirs
""")
_DONE_SO_FAR = text("""
SELECT count(*) AS calls, count(*) FILTER (WHERE counted) AS counted,
       count(*) FILTER (
           WHERE lifted_reason IS NOT NULL
             AND NOT EXISTS (SELECT FROM suppression s JOIN call c ON c.phone = s.phone
                             WHERE c.id = set_aside_call.call_id)
       ) AS lifted,
       count(*) FILTER (WHERE before IS NULL OR before -> 'person' = 'null') AS left_as_they_are
FROM set_aside_call WHERE set_aside_id = :id
""")
# Who has been called since by a call that stands, or is on somebody's screen now.
_CALLED_SINCE = (
    select(Call.contact_id, func.max(Call.started_at))
    .where(
        Call.contact_id.in_(bindparam("contacts", expanding=True)),
        Call.id.not_in(bindparam("calls", expanding=True)),
        Call.set_aside_at.is_(None),
        or_(Call.recorded_at.is_not(None), Call.ended_at.is_(None)),
    )
    .group_by(Call.contact_id)
)
_LOCKED = (
    select(Call, Contact)
    .join(Contact, Contact.id == Call.contact_id)
    .where(Call.id.in_(bindparam("ids", expanding=True)))
    .order_by(Contact.id, Call.id)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_OTHERS = (
    select(Contact)
    .where(Contact.id.in_(bindparam("ids", expanding=True)))
    .order_by(Contact.id)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True)
class Preview:
    """What setting aside would do now. `people` were called in them, of whom `called_since` stay as
    somebody else's call left them; of the numbers put on the do-not-call list, `lifted` come off it
    and the rest stay, because somebody else put them there too."""

    calls: int
    counted: int
    conversations: int
    people: int
    called_since: int
    do_not_calls: int
    lifted: int


@dataclass(frozen=True)
class Progress:
    """How far it has come: calls set aside, those of them that counted, do-not-call entries lifted,
    and calls whose person was left as they are."""

    calls: int
    counted: int
    lifted: int
    left_as_they_are: int


def preview(caller: Caller, only_fast: bool = False) -> Preview:
    """What `begin` would set aside, in counts."""
    values = {"caller_id": caller.id, "only_fast": only_fast, "never": list(SUPPRESSES)}
    return Preview(**db.session.execute(_PREVIEW, values).one()._mapping)


def progress(act: SetAside) -> Progress:
    """What an act has set aside so far."""
    return Progress(**db.session.execute(_DONE_SO_FAR, {"id": act.id}).one()._mapping)


def acts_on(caller: Caller) -> Sequence[SetAside]:
    """The acts of setting aside on a caller's calls, newest first."""
    query = select(SetAside).where(SetAside.caller_id == caller.id)
    return db.session.scalars(query.order_by(SetAside.id.desc())).all()


def act_of(caller: Caller, act_id: int) -> SetAside:
    """One of them. Raises NotFoundError."""
    act = db.session.get(SetAside, act_id)
    if act is None or act.caller_id != caller.id:
        raise NotFoundError("These calls are not set aside.", "Reload the page.")
    return act


def begin(
    caller: Caller, account: Account, reason: str, at: datetime, only_fast: bool = False
) -> SetAside:
    """Have everything set aside that the caller recorded until `at`, or what was recorded sooner
    than a call takes. The calls are worked on by `set_aside_some`. Raises ConflictError for
    nothing."""
    counts = preview(caller, only_fast)
    if not counts.calls:
        raise ConflictError("There is nothing to set aside.", "Reload the page.")
    act = SetAside(
        campaign_id=caller.campaign_id, caller_id=caller.id, only_fast=only_fast, until=at
    )
    db.session.add(act)
    record_action(
        caller,
        account,
        CallerActionKind.SET_ASIDE,
        reason,
        at,
        only_fast=only_fast,
        **counts.__dict__,
    )
    db.session.flush()
    return act


def bring_back(act: SetAside, account: Account, reason: str, at: datetime) -> None:
    """Have all of an act brought back. The calls are worked on by `bring_back_some`. Raises
    ConflictError where it is not all set aside yet, or somebody else has brought it back."""
    turned = db.session.execute(
        update(SetAside)
        .where(SetAside.id == act.id, SetAside.state == SetAsideState.DONE)
        .values(state=SetAsideState.RETURNING)
        .returning(SetAside.caller_id)
    ).one_or_none()
    if turned is None:
        raise ConflictError(
            "These calls are still being worked on, or are already back.", "Reload the page."
        )
    caller = db.session.get_one(Caller, turned.caller_id)
    record_action(
        caller, account, CallerActionKind.BROUGHT_BACK, reason, at, **progress(act).__dict__
    )


def work_on(act: SetAside) -> bool:
    """Do the next part of an act; False once there is none."""
    # Two workers take turns, and an organiser who brings it back comes between two parts.
    lock_row(act)
    if act.state == SetAsideState.WORKING:
        if _set_aside_some(act):
            return True
        act.state = SetAsideState.DONE
    elif act.state == SetAsideState.RETURNING:
        if _bring_back_some(act):
            return True
        act.state = SetAsideState.RETURNED
    return False


def _set_aside_some(act: SetAside) -> bool:
    which = select(Call.id).where(
        Call.caller_id == act.caller_id,
        Call.recorded_at <= act.until,
        Call.set_aside_at.is_(None),
    )
    if act.only_fast:
        which = which.where(Call.too_fast)
    ids = db.session.scalars(which.order_by(*LAST_RECORDED_FIRST).limit(AT_ONCE)).all()
    rows = _locked(ids)
    since = _called_since(rows)
    at = now()
    let_in: list[int] = []
    for call_id in ids:
        call, contact = rows.get(call_id, (None, None))
        # Undone meanwhile, or another worker was here first.
        if call is None or contact is None or call.recorded_at is None or call.set_aside_at:
            continue
        kept = SetAsideCall(call_id=call.id, set_aside_id=act.id, counted=call.counted)
        add_to_tally(call, -1)
        call.counted = False
        call.set_aside_at = at
        if outcome_of(call.outcome or "").suppress_reason:
            kept.lifted_reason = _lift(call)
        # Not in service, said they: for everybody who has the number.
        dead_numbers.withdraw(call.id)
        last = since.get(contact.id)
        let_in += _put_back(call, contact, kept, is_last=last is None or last < call.started_at)
        db.session.add(kept)
    db.session.flush()
    restore_contacts(let_in)
    return bool(ids)


def _lift(call: Call) -> str | None:
    """Lift the do-not-call entry of a call, unless another call of its caller that stands said the
    same of the number; the entry's reason, None where it stays."""
    another = db.session.scalar(
        select(Call.id)
        .join(Contact, Contact.id == Call.contact_id)
        .where(
            or_(Contact.phone == call.phone, Contact.id == call.contact_id),
            Call.phone == call.phone,
            Call.outcome.in_(SUPPRESSES),
            Call.set_aside_at.is_(None),
            Call.id != call.id,
        )
        .limit(1)
    )
    if another is not None:
        suppressions.move_entry(call.id, another)
        return None
    reason = suppressions.reason_of_call(call.id)
    suppressions.lift_of_call(call.id)
    return reason


def _put_back(call: Call, contact: Contact, kept: SetAsideCall, is_last: bool) -> list[int]:
    """Put a call's person and household back to where they stood, except whom another call has
    changed since; the ids of those put back."""
    before = call.contact_before
    if before is None:
        return []
    returns = is_last and not has_changed_since(contact, before)
    ids = others_touched(before)
    stood = {"person": state_of(contact) if returns else None, "others": _states(ids)}
    try:
        with db.session.begin_nested():
            wake_the_household(call, before)
            if returns:
                restore(contact, before)
            db.session.flush()
    except IntegrityError:
        # They were uploaded again under that number, and that row has it now.
        db.session.refresh(contact)
        return []
    kept.before = stood
    kept.after = {"person": state_of(contact) if returns else None, "others": _states(ids)}
    return [contact.id, *ids]


def _bring_back_some(act: SetAside) -> bool:
    ids = db.session.scalars(
        select(SetAsideCall.call_id)
        .join(Call, Call.id == SetAsideCall.call_id)
        .where(SetAsideCall.set_aside_id == act.id, Call.set_aside_at.is_not(None))
        .order_by(Call.recorded_no, Call.recorded_at)
        .limit(AT_ONCE)
    ).all()
    rows = _locked(ids)
    since = _called_since(rows)
    for call_id in ids:
        call, contact = rows.get(call_id, (None, None))
        if call is None or contact is None or call.set_aside_at is None:
            continue
        kept = db.session.get_one(SetAsideCall, (act.id, call_id))
        last = since.get(contact.id)
        if kept.before and kept.after:
            is_last = last is None or last < call.set_aside_at
            _put_forward(contact if is_last else None, kept.before, kept.after)
        call.set_aside_at = None
        call.counted = kept.counted
        add_to_tally(call, 1)
        if outcome_of(call.outcome or "").number_dead and kept.before:
            dead_numbers.report(call.phone, call.id)
        if kept.lifted_reason is not None:
            db.session.flush()
            suppressions.suppress(
                call.phone, SuppressionOrigin.CALL, kept.lifted_reason, call_id=call.id
            )
    db.session.flush()
    suppress_listed_among([contact.id for _, contact in rows.values()])
    return bool(ids)


def _put_forward(contact: Contact | None, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Put a person (None: they stay as they are) and their household to where they stood before the
    call was set aside, each only where nobody has moved them since."""
    others = {other.id: other for other in _others(list(map(int, after["others"])))}
    moves = [
        (others[int(key)], before["others"][key], state)
        for key, state in after["others"].items()
        if int(key) in others
    ]
    if contact is not None and before["person"]:
        moves.append((contact, before["person"], after["person"]))
    for person, stood, left in moves:
        if not stands_as(person, left):
            continue
        try:
            with db.session.begin_nested():
                restore(person, stood)
                db.session.flush()
        except IntegrityError:
            db.session.refresh(person)


def _locked(ids: Sequence[Any]) -> dict[Any, tuple[Call, Contact]]:
    rows = db.session.execute(_LOCKED, {"ids": list(ids)}).all()
    return {call.id: (call, contact) for call, contact in rows}


def _called_since(rows: dict[Any, tuple[Call, Contact]]) -> dict[int, datetime]:
    """By contact: when the last of the calls to them began that stand, except for these calls."""
    values = {"contacts": list({contact.id for _, contact in rows.values()}), "calls": list(rows)}
    return {row[0]: row[1] for row in db.session.execute(_CALLED_SINCE, values)}


def _others(ids: list[int]) -> Sequence[Contact]:
    return db.session.scalars(_OTHERS, {"ids": ids}).all() if ids else []


def _states(ids: list[int]) -> dict[str, Any]:
    return {str(other.id): state_of(other) for other in _others(ids)}
