"""Several people on one number: one call, then whom did you reach. The caller of these commits."""

import uuid
from collections.abc import Sequence

from sqlalchemy import Select, delete, select

from phonebank.calls.claim import Hold, own_call
from phonebank.contact_queue.holds import hold_after_commit, release_after_commit
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.experiments.script_choice import script_choice_for
from phonebank.models import Answer, Call, Caller, Contact, ContactList, ContactState
from phonebank.models.call import HANDED_OUT_NO


def others_on_the_number(call: Call) -> Sequence[Contact]:
    """The household as it was handed out with the call, those who may still be asked for."""
    if not call.household:
        return []
    return db.session.scalars(_others(call).order_by(Contact.id)).all()


def _others(call: Call) -> Select[Contact]:
    return (
        select(Contact)
        .join(ContactList, ContactList.id == Contact.contact_list_id)
        .where(
            ContactList.removed.is_(False),
            Contact.id.in_(call.household),
            Contact.phone == call.phone,
            Contact.state == ContactState.CALLABLE,
            Contact.suppressed_at.is_(None),
        )
    )


def reached_instead(caller: Caller, call_id: uuid.UUID, contact_id: int) -> Hold:
    """Somebody else of the household came to the phone: go on with them, in the same call.

    The script begins anew with their name when the page is next drawn; answers given so far stay,
    unless an experiment has other words for this person. The one first asked for rests with the
    rest of the household once the call is recorded. Raises NotFoundError for another's call or
    somebody not on this number, ConflictError once recorded.
    """
    call = own_call(caller, call_id, lock=True)
    if call.outcome is not None or call.ended_at is not None:
        raise ConflictError("This call has ended.", "Ask for the next person.")
    # Locked: an undo may be giving them another number this moment, and leaves it once they are on
    # a screen. By itself: what waits for a lock goes by the list as it was before the wait.
    db.session.execute(
        select(Contact.id).where(Contact.id == contact_id).with_for_update(key_share=True)
    )
    other = db.session.scalar(
        _others(call).where(Contact.id == contact_id).execution_options(populate_existing=True)
    )
    if other is None:
        raise NotFoundError("That person isn't on this number.", "Reload the page.")
    first_asked_for = call.contact_id
    call.household = [*(c for c in call.household if c != contact_id), first_asked_for]
    release_after_commit(call)
    call.contact_id = contact_id
    call.handed_out_no = HANDED_OUT_NO.next_value()
    _give_their_words(call)
    db.session.flush()
    hold_after_commit(call)
    return Hold(call, other, call.expires_at)


def _give_their_words(call: Call) -> None:
    """Put the call in the arm of whom it is with now; only where that is another arm."""
    words = script_choice_for(call.campaign_id, call.contact_id)
    if words.experiment_arm_id == call.experiment_arm_id:
        return
    call.experiment_arm_id = words.experiment_arm_id
    if words.script_version_id != call.script_version_id:
        # Answers to the questions of another script.
        db.session.execute(delete(Answer).where(Answer.call_id == call.id))
        call.script_version_id = words.script_version_id
