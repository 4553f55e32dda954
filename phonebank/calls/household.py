"""Switches a call to another contact with the same number when that other person comes to the
phone. These functions do not commit."""

import uuid

from sqlalchemy import ARRAY, BigInteger, bindparam, delete, func, select

from phonebank.calls.hold import PERSON_COLUMNS, Hold, OpenCall, Person, own_call
from phonebank.contact_queue.holds import hold_after_commit, release_after_commit
from phonebank.contact_queue.sql_conditions import CONTACT_IS_CALLABLE
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.experiments.script_choice import script_choice_for
from phonebank.models import Answer, Call, Caller, Contact, ContactList
from phonebank.models.call import HANDED_OUT_NO

# The statement is built once, because building it takes longer than PostgreSQL takes to answer it.
_OTHERS = (
    select(*PERSON_COLUMNS)
    .join(ContactList, ContactList.id == Contact.contact_list_id)
    .where(
        ContactList.removed.is_(False),
        Contact.id == func.any(bindparam("household", type_=ARRAY(BigInteger))),
        Contact.phone == bindparam("phone"),
        CONTACT_IS_CALLABLE,
    )
    .order_by(Contact.id)
)


def others_in_household(call: Call | OpenCall) -> list[Person]:
    """Return the contacts in `call.household` that still have the call's number and can still be
    called (CONTACT_IS_CALLABLE). Leave out contacts on a paused list."""
    if not call.household:
        return []
    values = {"household": call.household, "phone": call.phone}
    return [Person(*row) for row in db.session.execute(_OTHERS, values)]


def switch_contact(caller: Caller, call_id: uuid.UUID, contact_id: int) -> Hold:
    """Continue a call of this caller with another person in the household (the contacts with the
    called number). Return the call's hold.

    The page shows the script from the beginning, with the new person's name. The answers so far are
    kept, unless an experiment gives the new person a different script. When the outcome is
    recorded, the contact who was called first has to wait like the rest of the household.

    Raises NotFoundError if the caller has no such call, if the person called was erased, or if
    `others_in_household` does not return the other person. Raises ConflictError if the call has
    ended.
    """
    call = own_call(caller, call_id, lock=True)
    if call.outcome is not None or call.ended_at is not None:
        raise ConflictError("This call has ended.", "Ask for the next person.")
    # An undo at the same moment may be giving this contact another number; an undo never does that
    # to a contact in an open call. The lock is a separate statement, because a statement that waits
    # for a row sees all other rows as they were before the wait.
    db.session.execute(
        select(Contact.id).where(Contact.id == contact_id).with_for_update(key_share=True)
    )
    other = next((other for other in others_in_household(call) if other.id == contact_id), None)
    if other is None:
        raise NotFoundError("That person doesn't have this number.", "Reload the page.")
    first_asked_for = call.contact_id
    call.household = [*(c for c in call.household if c != contact_id), first_asked_for]
    release_after_commit(call.campaign_id, call.contact_id, call.id)
    call.contact_id = contact_id
    call.handed_out_no = HANDED_OUT_NO.next_value()
    _set_script(call)
    db.session.flush()
    hold_after_commit(call)
    return Hold(OpenCall.of(call), other, call.expires_at)


def _set_script(call: Call) -> None:
    """Give the call the experiment arm and the script of its current contact. (An arm is a group of
    contacts who get the same script.) Delete the answers so far if the script changes. If the call
    already has the contact's arm, do nothing."""
    words = script_choice_for(call.campaign_id, call.contact_id)
    if words.experiment_arm_id == call.experiment_arm_id:
        return
    call.experiment_arm_id = words.experiment_arm_id
    if words.script_version_id != call.script_version_id:
        # The answers so far belong to the questions of the other script.
        db.session.execute(delete(Answer).where(Answer.call_id == call.id))
        call.script_version_id = words.script_version_id
