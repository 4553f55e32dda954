"""Finds the people who may have called a caller back. The caller types the last digits of the
number that the caller's own phone shows. These functions do not commit."""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from phonebank.calls.eligibility import NotAdmittedError
from phonebank.calls.undo import UNDO_WITHIN
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.models import Call, Caller, CallSight, Contact, now

DIGITS = 3


@dataclass(frozen=True)
class CalledBack:
    """A person whom the caller called in the last twelve hours, and the caller's last call to that
    person. `outcome` is None if the caller has not said how the call ended. `is_open` says whether
    the person is on the caller's screen."""

    call_id: uuid.UUID
    turn: int
    first_name: str
    at: datetime
    outcome: str | None
    is_open: bool


def find_called_back(caller: Caller, typed: str) -> list[CalledBack]:
    """Return the people whom this caller called in the last twelve hours, if the called number ends
    in the digits `typed`. The person called most recently comes first. Calls that an organiser has
    set aside (taken out of every total) do not count. For each person, this function writes into
    the access ledger (who saw whom) that the caller has seen them.

    Spaces, dots and hyphens in `typed` are ignored. Raises NotAdmittedError if the caller may not
    call. Raises InvalidInputError if `typed` does not consist of three digits.
    """
    if not caller.may_call:
        raise NotAdmittedError()
    digits = re.sub(r"[\s.-]", "", typed)
    if not re.fullmatch(rf"[0-9]{{{DIGITS}}}", digits):
        raise InvalidInputError(
            "Type the last three digits of the number that called you.",
            "Your phone shows it in its list of calls.",
        )
    rows = db.session.execute(
        select(Call, Contact.first_name, Contact.last_name)
        .join(Contact, Contact.id == Call.contact_id)
        .where(
            Call.caller_id == caller.id,
            Call.started_at > now() - UNDO_WITHIN,
            Call.phone.endswith(digits),
            Call.set_aside_at.is_(None),
        )
        .order_by(Call.started_at.desc())
    ).all()
    last_of: dict[int, tuple[Call, str]] = {}
    for call, first, last in rows:
        last_of.setdefault(call.contact_id, (call, first or last))
    found = [
        CalledBack(
            call.id,
            call.turn,
            name or "Name not known",
            call.started_at,
            call.outcome,
            call.ended_at is None,
        )
        for call, name in last_of.values()
    ]
    db.session.add_all([CallSight(call_id=one.call_id) for one in found])
    db.session.flush()
    return found
