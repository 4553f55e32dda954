"""What may be done with the do-not-call list. The caller commits."""

import uuid
from collections.abc import Collection

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from phonebank.models import Contact, Suppression, now
from phonebank.stores import db


def suppress(
    phone: str,
    source: str,
    reason: str = "asked",
    call_id: uuid.UUID | None = None,
    account_id: int | None = None,
) -> None:
    """Put an E.164 number on the do-not-call list and take everyone on it out of calling.

    In every campaign, in this transaction. A number already there keeps its first entry, which
    then stands whatever becomes of the call that made it: it has been asked for twice.
    `source` is one of `phonebank.models.suppression`'s FROM_… names.
    """
    entry = insert(Suppression).values(
        phone=phone,
        source=source,
        reason=reason,
        call_id=call_id,
        account_id=account_id,
        created_at=now(),
    )
    db.session.execute(
        entry.on_conflict_do_update(
            index_elements=["phone"],
            set_={"call_id": None},
            where=Suppression.call_id.is_not(None),
        )
    )
    db.session.execute(
        update(Contact)
        .where(Contact.phone == phone, Contact.suppressed_at.is_(None))
        .values(suppressed_at=now())
    )


def suppress_all(
    phones: Collection[str], source: str, reason: str = "asked", account_id: int | None = None
) -> None:
    """`suppress` for the many numbers of a list."""
    # Sorted: two lists entering the same numbers then wait for each other, and do not deadlock.
    # As one array: a list may hold more numbers than a statement may have parameters.
    values = {
        "phones": sorted(set(phones)),
        "source": source,
        "reason": reason,
        "account_id": account_id,
        "now": now(),
    }
    db.session.execute(
        text(
            "INSERT INTO suppression (phone, source, reason, account_id, created_at)"
            " SELECT phone, :source, :reason, :account_id, :now"
            " FROM unnest(CAST(:phones AS text[])) AS phone"
            " ON CONFLICT (phone) DO UPDATE SET call_id = NULL"
            " WHERE suppression.call_id IS NOT NULL"
        ),
        values,
    )
    db.session.execute(
        text(
            "UPDATE contact SET suppressed_at = :now"
            " WHERE phone = ANY(CAST(:phones AS text[])) AND suppressed_at IS NULL"
        ),
        values,
    )


def is_suppressed(phone: str) -> bool:
    """Whether an E.164 number is on the do-not-call list."""
    return db.session.get(Suppression, phone) is not None


def lift(phone: str) -> bool:
    """Take a number off the list, its contacts back to where they stood. False: it was not there.

    For a number entered by mistake; who lifts one is asked and logged by the page.
    """
    return _lift(Suppression.phone == phone)


def lift_of_call(call_id: uuid.UUID) -> bool:
    """Undo the suppression that this call entered. False: the call entered none."""
    return _lift(Suppression.call_id == call_id)


def phones_suppressed_among(phones: list[str]) -> set[str]:
    """Those of the given E.164 numbers that are on the list."""
    rows = select(Suppression.phone).where(Suppression.phone.in_(phones))
    return set(db.session.scalars(rows))


def _lift(which: object) -> bool:
    phones = db.session.scalars(
        delete(Suppression).where(which).returning(Suppression.phone)  # type: ignore[arg-type]
    ).all()
    if phones:
        db.session.execute(
            update(Contact).where(Contact.phone.in_(phones)).values(suppressed_at=None)
        )
    return bool(phones)
