"""Reports of numbers that are not in service. For 365 days (DEAD_FOR) after a report, callers do
not get the number, even if somebody uploads it again.

The calling code commits.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from phonebank.core.db import db
from phonebank.models import DeadNumber, now
from phonebank.models.call import REPORTS_DEAD

# Operators give a number to someone else after a while. Ofcom asks them to wait six months or more
# in Britain, the FCC 45 days in the United States (47 CFR 52.15(f)(1)(ii)). If the number is
# uploaded after a year, callers try it again.
DEAD_FOR = timedelta(days=365)

# The newest of the other calls that found the number out of service.
_OTHER_REPORT = text(f"""
SELECT id AS call_id, recorded_at AS reported_at FROM call
WHERE phone = :phone AND {REPORTS_DEAD} AND id <> :call_id AND set_aside_at IS NULL
  AND recorded_at > :since
ORDER BY recorded_at DESC LIMIT 1
""")  # noqa: S608


def report(phone: str, call_id: uuid.UUID) -> None:
    """Record that the number (E.164) turned out not to be in service when this call was made.

    The new report replaces the report of an earlier call. If the new report is withdrawn later,
    `withdraw` restores the earlier report from the record of the earlier call. If the call of an
    earlier report was erased, the earlier report could not be restored. So the new report replaces
    it only if it is older than DEAD_FOR.
    """
    said = {"call_id": call_id, "reported_at": now()}
    statement = insert(DeadNumber).values(phone=phone, **said)
    replaced = or_(DeadNumber.call_id.is_not(None), DeadNumber.reported_at < now() - DEAD_FOR)
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["phone"], set_=said, where=replaced)
    )


def withdraw(call_id: uuid.UUID) -> None:
    """Withdraw the report that `report` stored for a call, for example because the call was undone.
    If other calls have found the same number out of service in the last 365 days (DEAD_FOR), the
    report of the newest of these calls is stored instead."""
    # With this lock, a call that reports the number at this moment either has committed or waits.
    mine = select(DeadNumber.phone).where(DeadNumber.call_id == call_id).with_for_update()
    phone = db.session.scalar(mine)
    if phone is None:
        return
    this = DeadNumber.phone == phone
    other = _other_report(phone, call_id)
    if other is None:
        db.session.execute(delete(DeadNumber).where(this))
    else:
        db.session.execute(update(DeadNumber).where(this).values(**other._mapping))


def is_dead_by_others(phone: str, call_id: uuid.UUID) -> bool:
    """Whether a call other than this one has found a number (E.164) out of service in the last 365
    days (DEAD_FOR)."""
    report = DeadNumber.reported_at > now() - DEAD_FOR
    query = select(DeadNumber).where(DeadNumber.phone == phone, report)
    found = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None or found.call_id != call_id:
        return found is not None
    return _other_report(phone, call_id) is not None


def _other_report(phone: str, call_id: uuid.UUID) -> Row[Any] | None:
    values = {"phone": phone, "call_id": call_id, "since": now() - DEAD_FOR}
    return db.session.execute(_OTHER_REPORT, values).one_or_none()


def dead_among(phones: Sequence[str]) -> frozenset[str]:
    """Return the numbers (E.164) among `phones` that were reported out of service in the last 365
    days (DEAD_FOR)."""
    if not phones:
        return frozenset()
    query = select(DeadNumber.phone).where(
        DeadNumber.phone.in_(phones), DeadNumber.reported_at > now() - DEAD_FOR
    )
    return frozenset(db.session.scalars(query))
