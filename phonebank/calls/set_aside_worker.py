"""Sets calls aside (takes them out of every total) and brings them back, some calls at a time.
These functions do not commit.

The calls recorded last are set aside first. So if a caller has called a contact twice, the changes
of the second call are undone before the changes of the first.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError

from phonebank.calls.contact_snapshot import ContactValues, PeopleSnapshot
from phonebank.calls.never_again import lift_entry
from phonebank.calls.restore_people import last_other_calls, lock_contacts, restore_people
from phonebank.calls.undo import LAST_RECORDED_FIRST
from phonebank.core.db import db
from phonebank.core.locks import lock_row
from phonebank.models import (
    Call,
    Contact,
    SetAside,
    SetAsideCall,
    SetAsideState,
    SuppressionOrigin,
    now,
)
from phonebank.rules.outcomes import outcome_of
from phonebank.suppressions import dead_numbers
from phonebank.suppressions import entries as suppressions
from phonebank.suppressions.contacts import restore_contacts, suppress_listed_among
from phonebank.tallies import totals

# How many calls one transaction handles. It locks their rows for at most about a second on a busy
# server.
AT_ONCE = 50

_LOCK_CALLS = (
    select(Call, Contact)
    .join(Contact, Contact.id == Call.contact_id)
    .where(Call.id.in_(bindparam("ids", expanding=True)))
    .order_by(Contact.id, Call.id)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


def take_step(set_aside: SetAside) -> bool:
    """Set aside or bring back the next calls, up to AT_ONCE calls. Return False if no calls are
    left."""
    # With this lock, two workers take steps one after the other. Between two steps an organiser can
    # ask for the calls to be brought back.
    lock_row(set_aside)
    if set_aside.state == SetAsideState.WORKING:
        if _set_aside_some(set_aside):
            return True
        set_aside.state = SetAsideState.DONE
    elif set_aside.state == SetAsideState.RETURNING:
        if _bring_back_some(set_aside):
            return True
        set_aside.state = SetAsideState.RETURNED
    return False


def _set_aside_some(set_aside: SetAside) -> bool:
    which = select(Call.id).where(
        Call.caller_id == set_aside.caller_id,
        Call.recorded_at <= set_aside.until,
        Call.set_aside_at.is_(None),
    )
    if set_aside.only_fast:
        which = which.where(Call.too_fast)
    ids = db.session.scalars(which.order_by(*LAST_RECORDED_FIRST).limit(AT_ONCE)).all()
    rows = _lock_calls(ids)
    last_other_call = last_other_calls(rows)
    at = now()
    restored: list[int] = []
    for call_id in ids:
        call, contact = rows.get(call_id, (None, None))
        # If one of these conditions holds, the caller has undone the call, or another worker has
        # handled it already.
        if call is None or contact is None or call.recorded_at is None or call.set_aside_at:
            continue
        kept = SetAsideCall(call_id=call.id, set_aside_id=set_aside.id, counted=call.counted)
        totals.add_call(call, -1)
        call.counted = False
        call.set_aside_at = call.organiser_changed_at = at
        if outcome_of(call.outcome or "").suppress_reason:
            kept.lifted_reason = lift_entry(call)
        # The call may have reported its number as dead, for every contact that has the number.
        dead_numbers.withdraw(call.id)
        other = last_other_call.get(contact.id)
        is_last = other is None or other < call.started_at
        people = restore_people(call, contact, is_last)
        if people is not None:
            kept.before, kept.after = people.before.to_json(), people.after.to_json()
            restored += people.contact_ids
        db.session.add(kept)
    db.session.flush()
    restore_contacts(restored)
    return bool(ids)


def _bring_back_some(set_aside: SetAside) -> bool:
    ids = db.session.scalars(
        select(SetAsideCall.call_id)
        .join(Call, Call.id == SetAsideCall.call_id)
        .where(SetAsideCall.set_aside_id == set_aside.id, Call.set_aside_at.is_not(None))
        .order_by(Call.recorded_no, Call.recorded_at)
        .limit(AT_ONCE)
    ).all()
    rows = _lock_calls(ids)
    last_other_call = last_other_calls(rows)
    at = now()
    for call_id in ids:
        call, contact = rows.get(call_id, (None, None))
        if call is None or contact is None or call.set_aside_at is None:
            continue
        kept = db.session.get_one(SetAsideCall, (set_aside.id, call_id))
        other = last_other_call.get(contact.id)
        if kept.before and kept.after:
            is_last = other is None or other < call.set_aside_at
            _bring_people_back(
                contact if is_last else None,
                PeopleSnapshot.from_json(kept.before),
                PeopleSnapshot.from_json(kept.after),
            )
        call.set_aside_at = None
        call.organiser_changed_at = at
        call.counted = kept.counted
        totals.add_call(call, 1)
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


def _bring_people_back(
    contact: Contact | None, before: PeopleSnapshot, after: PeopleSnapshot
) -> None:
    """Give a contact and its household (the other contacts with the called number) the state that
    they had before the call was set aside. `before` and `after` have their states before and after
    the call was set aside. A contact that no longer matches `after` stays as it is. So does a
    contact whose earlier number and name another contact now has. If `contact` is None, only the
    household changes."""
    others = {other.id: other for other in lock_contacts(list(after.others))}
    moves: list[tuple[Contact, ContactValues, ContactValues]] = [
        (others[contact_id], before.others[contact_id], state)
        for contact_id, state in after.others.items()
        if contact_id in others
    ]
    if contact is not None and before.contact and after.contact:
        moves.append((contact, before.contact, after.contact))
    for person, target, expected in moves:
        if not expected.matches(person):
            continue
        try:
            with db.session.begin_nested():
                target.restore(person)
                db.session.flush()
        except IntegrityError:
            db.session.refresh(person)


def _lock_calls(ids: Sequence[Any]) -> dict[Any, tuple[Call, Contact]]:
    """Lock these calls and their contacts, in the order of the contacts' ids. Return the calls and
    contacts by call id."""
    rows = db.session.execute(_LOCK_CALLS, {"ids": list(ids)}).all()
    return {call.id: (call, contact) for call, contact in rows}
