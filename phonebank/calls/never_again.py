"""Takes a number off the do-not-call list, if a call put the number there. These functions do not
commit."""

from sqlalchemy import or_, select

from phonebank.core.db import db
from phonebank.models import Call, Contact
from phonebank.rules.outcomes import SUPPRESSES
from phonebank.suppressions import entries as suppressions


def lift_entry(call: Call) -> str | None:
    """Remove the entry that this call made on the do-not-call list, and return the entry's reason.

    If a file has put the number on the list too, the number stays there, and the entry then belongs
    to the file.

    If another call to the same number also has an outcome that puts numbers on the list, move the
    entry to that call, and return None. Other calls that were set aside (taken out of every total)
    do not count. Also return None if no entry is linked to this call.
    """
    reason = suppressions.reason_of_call(call.id)
    if reason is None:
        return None
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
    suppressions.lift_of_call(call.id)
    return reason
