"""The view that continues a call with another person in the household."""

import uuid

from flask import g
from flask.typing import ResponseReturnValue

from callers.sessions import for_callers
from callers.views.blueprint import pages, read_fields
from callers.views.next_contact import show_or_redirect
from phonebank.calls.household import switch_contact
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError


@pages.post("/calling/person/<uuid:call_id>/reached")
@for_callers
def reached(call_id: uuid.UUID) -> ResponseReturnValue:
    """Continue the call with another contact who has the same number. The form or the JSON names
    this contact in "contact_id"."""
    try:
        contact_id = int(read_fields().get("contact_id") or "")
    except (TypeError, ValueError, OverflowError):
        raise InvalidInputError("Say who answered.", "Tap one of the names.") from None
    hold = switch_contact(g.caller, call_id, contact_id)
    db.session.commit()
    return show_or_redirect(hold)
