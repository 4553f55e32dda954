"""Finds out whether, after a given call, its contact was given to a caller again or its number was
called again.

`handed_out_no`, a counter that grows each time a contact comes onto a screen, shows which call came
later. Times would not show this reliably, because the clocks of two servers may differ.
"""

import uuid

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.models import Call

_WAS_REASSIGNED = text("""
SELECT EXISTS (
    SELECT FROM call AS this JOIN call AS later ON later.contact_id = this.contact_id
    WHERE this.id = :call_id AND later.id <> this.id
      AND (coalesce(later.handed_out_no, 0), later.started_at)
        > (coalesce(this.handed_out_no, 0), this.started_at)
)
""")

# The contacts are found first, and then their calls, because `call` has no index of all numbers.
# The ids in `household` are needed for contacts that have lost the number since.
_WAS_NUMBER_CALLED = text("""
SELECT EXISTS (
    SELECT FROM call AS later
    WHERE later.contact_id = ANY (ARRAY(
        SELECT contact.id FROM contact JOIN call AS this USING (campaign_id, phone)
        WHERE this.id = :call_id
        UNION
        SELECT CAST(other.id AS bigint)
        FROM call AS this CROSS JOIN jsonb_array_elements_text(this.household) AS other(id)
        WHERE this.id = :call_id
    ))
    AND later.phone = :phone AND later.id <> :call_id AND later.ended_at IS NOT NULL
    AND later.handed_out_no > coalesce(:handed_out_no, 0)
)
""")


def was_reassigned(call_id: uuid.UUID) -> bool:
    """Whether there is a later call to the contact of this call."""
    return bool(db.session.scalar(_WAS_REASSIGNED, {"call_id": call_id}))


def was_number_called(call: Call) -> bool:
    """Whether a later call of the same campaign to the same number has ended, with or without an
    outcome."""
    values = {"call_id": call.id, "phone": call.phone, "handed_out_no": call.handed_out_no}
    return bool(db.session.scalar(_WAS_NUMBER_CALLED, values))
