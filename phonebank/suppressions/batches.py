"""Batches: numbers that are put on the do-not-call list together, and that can be removed together.

A batch comes from one of three sources: a column such as "Do not call" in an upload, a do-not-call
file, or other software that uses the API with a token. Removing a batch removes only the numbers
that no caller, organiser or other batch has put on the list. The calling code commits.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import delete, exists, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.core.locks import get_locked
from phonebank.models import (
    BatchState,
    ContactList,
    Suppression,
    SuppressionBatch,
    SuppressionOrigin,
    SuppressionSource,
    now,
)
from phonebank.suppressions.contacts import suppress_contacts_with
from phonebank.suppressions.entries import lift_unsourced

# One transaction removes this many numbers, which takes well under a second.
AT_ONCE = 2000

# If a removal has not ended after this time, its worker was probably killed.
STALLED_AFTER = timedelta(minutes=5)

# The batch stores the reason for its removal. Organisers choose a reason instead of typing it, so
# that it contains no name or number.
REASONS_TO_LIFT_MANY = {
    "misread": "The file was misread",
    "wrong_file": "It was the wrong file",
    "wrong_numbers": "The numbers in it were wrong",
    "undone": "Another reason",
}

# For a number that is already on the list, the conflict clause only locks its row. It changes
# nothing, because its condition is never true. PostgreSQL checks the condition after it has the
# lock. So no other transaction removes the number before its new source is committed.
_ENTER = text("""
INSERT INTO suppression (phone, source, reason, account_id, created_at, entered_singly)
SELECT phone, :source, :reason, CAST(:account_id AS integer), :now, false
FROM unnest(CAST(:phones AS text[])) AS phone
ON CONFLICT (phone) DO UPDATE SET phone = excluded.phone WHERE suppression.phone IS NULL
""")
_NAME = text("""
INSERT INTO suppression_source (batch_id, phone)
SELECT :batch_id, phone FROM unnest(CAST(:phones AS text[])) AS phone
ON CONFLICT DO NOTHING
""")


def batch_for_list(contact_list: ContactList) -> SuppressionBatch:
    """Return the batch for the numbers that an upload puts on the do-not-call list. Create the
    batch if the upload has none yet."""
    made = insert(SuppressionBatch).values(
        contact_list_id=contact_list.id,
        source=SuppressionOrigin.LIST,
        reason="other",  # the file may say so for any reason, such as a register
        filename=contact_list.filename,
        account_id=contact_list.created_by_id,
    )
    db.session.execute(made.on_conflict_do_nothing(index_elements=["contact_list_id"]))
    query = select(SuppressionBatch).where(SuppressionBatch.contact_list_id == contact_list.id)
    return db.session.scalars(query).one()


def suppress_batch(phones: Collection[str], batch: SuppressionBatch) -> None:
    """Put E.164 numbers on the do-not-call list as part of a batch.

    In the same transaction, contacts with these numbers are marked as not to be called, in every
    campaign.
    """
    # The numbers are sorted and in one array, for the same reasons as in `entries._enter`.
    in_order = sorted(set(phones))
    entry = {
        "phones": in_order,
        "source": batch.source,
        "reason": batch.reason,
        "account_id": batch.account_id,
        "now": now(),
    }
    db.session.execute(_ENTER, entry)
    named = db.session.execute(_NAME, {"batch_id": batch.id, "phones": in_order})
    batch.numbers += named.rowcount  # type: ignore[attr-defined]
    suppress_contacts_with(in_order)


def stalled_liftings() -> Sequence[int]:
    """Return the ids of batches whose removal began more than STALLED_AFTER ago and has not
    finished."""
    return db.session.scalars(
        select(SuppressionBatch.id).where(
            SuppressionBatch.state == BatchState.LIFTING,
            SuppressionBatch.lifted_at < now() - STALLED_AFTER,
        )
    ).all()


def count_numbers_to_lift(batch: SuppressionBatch) -> int:
    """Return how many numbers would come off the do-not-call list if this batch were removed
    now."""
    other = aliased(SuppressionSource)
    said_elsewhere = exists().where(
        other.phone == SuppressionSource.phone, other.batch_id != batch.id
    )
    query = (
        select(func.count())
        .select_from(SuppressionSource)
        .join(Suppression, Suppression.phone == SuppressionSource.phone)
        .where(SuppressionSource.batch_id == batch.id, ~Suppression.entered_singly, ~said_elsewhere)
    )
    return db.session.scalar(query) or 0


def begin_lifting(batch_id: int, reason: str, account_id: int | None) -> None:
    """Mark a batch as being removed, and store which account removes it and why. Afterwards, the
    calling code makes `lift_some` remove the numbers, some at a time.

    `reason` is a key of REASONS_TO_LIFT_MANY. Raises ConflictError if the batch is already marked
    or removed, if its numbers were never put on the list, or if there is no such batch.
    """
    batch = get_locked(SuppressionBatch, batch_id)
    if batch is None or batch.state != BatchState.ENTERED:
        raise ConflictError(
            "These numbers have already been removed from the list.",
            "Reload the page to see what has changed.",
        )
    batch.state = BatchState.LIFTING
    batch.lifted_reason = reason
    batch.lifted_by_id = account_id
    batch.lifted_at = now()


def lift_some(batch_id: int) -> int:
    """Take up to AT_ONCE numbers out of a batch that is being removed, and return how many were
    taken out. If the result is 0, the removal is complete, or there is no such batch.

    The numbers are also removed from the do-not-call list, except those that a caller, an organiser
    or another batch has put there too.
    """
    # The lock makes two workers take turns, because each of them adds to `lifted_numbers`.
    batch = get_locked(SuppressionBatch, batch_id)
    if batch is None:
        return 0
    phones = db.session.scalars(
        select(Suppression.phone)
        .join(SuppressionSource, SuppressionSource.phone == Suppression.phone)
        .where(SuppressionSource.batch_id == batch_id)
        .order_by(Suppression.phone)
        .limit(AT_ONCE)
        .with_for_update(of=Suppression)
    ).all()
    if not phones:
        batch.state = BatchState.LIFTED
        return 0
    db.session.execute(
        delete(SuppressionSource).where(
            SuppressionSource.batch_id == batch_id, SuppressionSource.phone.in_(phones)
        )
    )
    batch.lifted_numbers += lift_unsourced(phones)
    return len(phones)
