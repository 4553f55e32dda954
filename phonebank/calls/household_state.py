"""Takes a dead number (one that is not in service) away from contacts who were not called. Also
restores a household (the other contacts with the called number) when a call is undone, corrected or
set aside. (`call_rows` makes a household wait after a call.)

These functions do not commit.
"""

import uuid

from sqlalchemy import bindparam, func, or_, select, text, update

from phonebank.calls.call_rows import OTHERS_AT_MOST
from phonebank.calls.contact_snapshot import HouseholdChange, NumberLoss
from phonebank.calls.contact_state import set_number, take_next_number
from phonebank.core.db import db
from phonebank.models import Call, Contact, ContactState
from phonebank.suppressions.dead_numbers import dead_among, report, withdraw

# Statements are built once, because building them takes longer than PostgreSQL takes to answer.
_ON_THE_NUMBER = (
    Contact.phone == bindparam("number"),
    Contact.id != bindparam("called"),
    Contact.state == ContactState.CALLABLE,
)
_HAS_NO_OTHER_NUMBER = func.jsonb_array_length(Contact.other_phones) == 0
_MAKE_UNUSABLE = (
    update(Contact)
    .where(*_ON_THE_NUMBER)
    .execution_options(synchronize_session=False)
    .where(_HAS_NO_OTHER_NUMBER)
    .values(state=ContactState.UNUSABLE)
    .returning(Contact.id)
)
_WITH_ANOTHER_NUMBER = (
    select(Contact)
    .where(*_ON_THE_NUMBER, ~_HAS_NO_OTHER_NUMBER)
    .order_by(Contact.id)
    .limit(OTHERS_AT_MOST)
    .with_for_update(key_share=True)
)
_NOT_CALLED_SINCE = (
    select(Contact)
    .where(
        Contact.id.in_(bindparam("ids", expanding=True)),
        or_(Contact.last_called_at.is_(None), Contact.last_called_at < bindparam("recorded_at")),
    )
    .order_by(Contact.id)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_IN_OPEN_CALLS = select(Call.contact_id).where(
    Call.contact_id.in_(bindparam("ids", expanding=True)), Call.ended_at.is_(None)
)
# A contact whose time was changed again after the outcome keeps the newer time.
_END_DELAY = text("""
UPDATE contact SET callable_at = others.callable_at, rested_at = others.rested_at
FROM unnest(
    CAST(:ids AS bigint[]), CAST(:callable_at AS timestamptz[]), CAST(:rested_at AS timestamptz[])
) AS others(id, callable_at, rested_at)
WHERE contact.id = others.id AND contact.callable_at = CAST(:until AS timestamptz)
""")


def take_dead_number_away(
    phone: str, call_id: uuid.UUID, contact_id: int
) -> tuple[NumberLoss, ...]:
    """Report a number (E.164) as dead (not in service). In every campaign, take the number away
    from the contacts that would be called on it, except the contact that was called. Return the
    contacts that lost the number, for `restore_household`.

    A contact with further numbers is then called on its next number (see `take_next_number`). A
    contact without a usable further number becomes unusable. Of the contacts that have further
    numbers, only the first OTHERS_AT_MOST by id lose the number. For a year, contacts in later
    uploads do not get this number either.
    """
    others = {"number": phone, "called": contact_id}
    report(phone, call_id)
    lost = [NumberLoss(key, ()) for key in db.session.scalars(_MAKE_UNUSABLE, others)]
    for other in db.session.scalars(_WITH_ANOTHER_NUMBER, others).all():
        lost.append(NumberLoss(other.id, tuple(other.other_phones)))
        take_next_number(other)
    return tuple(lost)


def restore_household(call: Call, change: HouseholdChange) -> None:
    """Undo the changes that an outcome made to the household (the other contacts with the called
    number). Also withdraw the call's report that the called number is dead, if there is one. The
    contacts in `change.delayed` become callable at their old times again, unless their times have
    changed again since the outcome. Contacts that lost the number get the number back, unless
    another call has found the number dead too.

    A contact that lost the number keeps its present numbers if it has been called since the
    outcome, or is in an open call. The contact also keeps them if its state or numbers have changed
    again since the outcome, or if the same person was uploaded again with the lost number.
    """
    if change.delayed:
        db.session.execute(
            _END_DELAY,
            {
                "ids": [other.contact_id for other in change.delayed],
                "callable_at": [other.callable_at for other in change.delayed],
                "rested_at": [other.rested_at for other in change.delayed],
                "until": change.delayed_until,
            },
        )
    withdraw(call.id)
    if change.lost_number and not dead_among([call.phone]):
        _give_number_back(call, {loss.contact_id: loss for loss in change.lost_number})


def _give_number_back(call: Call, losses: dict[int, NumberLoss]) -> None:
    """Give the call's number back to the contacts that lost it, and restore their further numbers.
    Leave out the contacts that keep their present numbers (see `restore_household`).

    The contacts are locked before their open calls are read. So a claim at the same moment either
    has already written its open call, or waits until this transaction ends.
    """
    which = {"ids": list(losses), "recorded_at": call.recorded_at}
    others = db.session.scalars(_NOT_CALLED_SINCE, which).all()
    in_open_calls = set(db.session.scalars(_IN_OPEN_CALLS, {"ids": list(losses)}))
    for other in others:
        further = list(losses[other.id].other_phones)
        present = [other.phone, *other.other_phones]
        # `take_next_number` skips numbers that are not in service.
        skipped = frozenset(further).difference(present)
        is_as_left = (
            present == [phone for phone in further if phone not in skipped]
            and dead_among(sorted(skipped)) == skipped
            if other.state == ContactState.CALLABLE
            else (other.state, present) == (ContactState.UNUSABLE, [call.phone, *further])
        )
        if is_as_left and other.id not in in_open_calls:
            # `set_number` returns False if the same person was uploaded again with that number.
            # Then the newer contact keeps the number, and this contact stays as it is.
            set_number(other, call.phone, further)
