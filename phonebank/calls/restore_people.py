"""Puts the contact of a call, and the other contacts with the called number, back into the state
that they had before the call. A contact that another call or an upload has changed since then stays
as it is. These functions do not commit.

Setting a call aside and correcting its outcome both use this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.exc import IntegrityError

from phonebank.calls.contact_snapshot import ContactSnapshot, PeopleSnapshot
from phonebank.calls.contact_state import take_next_number
from phonebank.calls.household_state import restore_household
from phonebank.core.db import db
from phonebank.models import Call, Contact, ContactState
from phonebank.suppressions.dead_numbers import dead_among

# For each contact, when its last other call began. Only calls count that are recorded or open, and
# not set aside.
_LAST_OTHER_CALLS = (
    select(Call.contact_id, func.max(Call.started_at))
    .where(
        Call.contact_id.in_(bindparam("contacts", expanding=True)),
        Call.id.not_in(bindparam("calls", expanding=True)),
        Call.set_aside_at.is_(None),
        or_(Call.recorded_at.is_not(None), Call.ended_at.is_(None)),
    )
    .group_by(Call.contact_id)
)
_LOCK_CONTACTS = (
    select(Contact)
    .where(Contact.id.in_(bindparam("ids", expanding=True)))
    .order_by(Contact.id)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True)
class Restored:
    """The result of `restore_people`. `contact` says whether the call's contact was restored.
    `contact_ids` has the ids of that contact and of the other contacts that the call's outcome had
    changed. `before` and `after` have the values of these contacts before and after the change."""

    contact: bool
    contact_ids: list[int]
    before: PeopleSnapshot
    after: PeopleSnapshot


def restore_people(call: Call, contact: Contact, is_last: bool) -> Restored | None:
    """Put a call's contact and household (the other contacts with the called number) back into the
    state that they had before the call. A person whom another call or an upload has changed since
    then keeps their present state. The call and the contact must be locked. If another call has
    found the contact's earlier number dead (not in service), the contact gets its next number or
    becomes unusable.

    `is_last` is True if no other call to the contact began later. If it is False, only the
    household is restored. `last_other_calls` says which calls count as other calls.

    Return None and change nothing if the call did not change any contact. Do the same if the same
    person was uploaded again with the number that the contact had before the call: the newer
    contact keeps the number.
    """
    if call.contact_before is None:
        return None
    snapshot = ContactSnapshot.from_json(call.contact_before)
    restores_contact = is_last and not snapshot.has_changed_since(contact)
    changed = contact if restores_contact else None
    other_ids = snapshot.household.contact_ids
    before = PeopleSnapshot.of(changed, lock_contacts(other_ids))
    try:
        with db.session.begin_nested():
            restore_household(call, snapshot.household)
            if restores_contact:
                snapshot.before.restore(contact)
                if contact.state == ContactState.CALLABLE and dead_among([contact.phone]):
                    take_next_number(contact)
            db.session.flush()
    except IntegrityError:
        db.session.refresh(contact)
        return None
    after = PeopleSnapshot.of(changed, lock_contacts(other_ids))
    return Restored(restores_contact, [contact.id, *other_ids], before, after)


def last_other_calls(rows: dict[Any, tuple[Call, Contact]]) -> dict[int, datetime]:
    """Find the last other call to each contact in `rows`, and return when these calls began, by
    contact id. Contacts without another call are left out. `rows` has calls with their contacts, by
    call id. A call counts as another call if it is not in `rows`, is recorded or open, and is not
    set aside."""
    values = {"contacts": list({contact.id for _, contact in rows.values()}), "calls": list(rows)}
    return {row[0]: row[1] for row in db.session.execute(_LAST_OTHER_CALLS, values)}


def lock_contacts(ids: list[int]) -> Sequence[Contact]:
    """Lock these contacts in the order of their ids, and return them."""
    return db.session.scalars(_LOCK_CONTACTS, {"ids": ids}).all() if ids else []
