"""Numbers that are not in service. After such a number is reported, no campaign calls it for
DEAD_FOR, not even if it is uploaded again.

The calling code commits.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from phonebank.core.db import db
from phonebank.models import DeadNumber, now

# Operators give a number to someone else after a while. Ofcom asks them to wait six months or more
# in Britain, the FCC 45 days in the United States (47 CFR 52.15(f)(1)(ii)). After a year callers
# try the number again.
DEAD_FOR = timedelta(days=365)


def report(phone: str, call_id: uuid.UUID) -> None:
    """Store that the number (E.164) turned out not to be in service when this call was made."""
    said = {"call_id": call_id, "reported_at": now()}
    statement = insert(DeadNumber).values(phone=phone, **said)
    old = DeadNumber.reported_at < now() - DEAD_FOR
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["phone"], set_=said, where=old)
    )


def withdraw(call_id: uuid.UUID) -> None:
    """Delete the report that `report` stored for a call, because the call was undone."""
    db.session.execute(delete(DeadNumber).where(DeadNumber.call_id == call_id))


def dead_among(phones: Sequence[str]) -> frozenset[str]:
    """Return the numbers (E.164) among `phones` that are known to be out of service."""
    if not phones:
        return frozenset()
    query = select(DeadNumber.phone).where(
        DeadNumber.phone.in_(phones), DeadNumber.reported_at > now() - DEAD_FOR
    )
    return frozenset(db.session.scalars(query))
