"""Many numbers put on the do-not-call list at once, and taken back at once. The caller commits.

A batch is an upload's do-not-call column or a do-not-call file. Taking one back lifts the numbers
that nobody else has said: no caller, no organiser, no other file.
"""

from collections.abc import Collection

from sqlalchemy import delete, exists, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from phonebank.errors import Conflict
from phonebank.models import (
    ContactList,
    Suppression,
    SuppressionBatch,
    SuppressionSource,
    now,
)
from phonebank.models.suppression import FROM_LIST, BatchState
from phonebank.stores import db
from phonebank.suppressions.verbs import lift_where_no_source_is_left, take_out

# Numbers a transaction, when a batch is lifted: well under a second's work.
AT_ONCE = 2000

# Kept with the batch. Chosen and not typed, so that nobody can write a name or number there.
REASONS_TO_LIFT_MANY = {
    "misread": "The file was misread",
    "wrong_file": "It was the wrong file",
    "wrong_numbers": "The numbers in it were wrong",
    "undone": "Another reason",
}

# A number that is there is locked and left alone, so that nobody lifts it before its new source is
# committed. The condition is asked after the lock.
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


def batch_of_list(contact_list: ContactList) -> SuppressionBatch:
    """The batch that an upload's numbers go into; made where there is none yet."""
    made = insert(SuppressionBatch).values(
        contact_list_id=contact_list.id,
        source=FROM_LIST,
        filename=contact_list.filename,
        account_id=contact_list.created_by_id,
    )
    db.session.execute(made.on_conflict_do_nothing(index_elements=["contact_list_id"]))
    query = select(SuppressionBatch).where(SuppressionBatch.contact_list_id == contact_list.id)
    return db.session.scalars(query).one()


def suppress_batch(phones: Collection[str], batch: SuppressionBatch) -> None:
    """Put E.164 numbers on the do-not-call list because a batch names them.

    Everyone who has one is taken out of calling, in every campaign, in this transaction.
    """
    # Sorted and as one array, as `verbs.suppress_all` does and for its reasons.
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
    take_out(in_order)


def numbers_to_lift(batch: SuppressionBatch) -> int:
    """How many numbers would come off the list, were this batch taken back now."""
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
    """Say that a batch is taken back, by whom and why; `lift_some` then does it.

    `reason` is a key of REASONS_TO_LIFT_MANY. Raises Conflict where it is taken back already, or
    was never entered.
    """
    batch = db.session.get(SuppressionBatch, batch_id, with_for_update=True, populate_existing=True)
    if batch is None or batch.state != BatchState.ENTERED:
        raise Conflict("These numbers have been taken back already.", "The page shows by whom.")
    batch.state = BatchState.LIFTING
    batch.lifted_reason = reason
    batch.lifted_by_id = account_id
    batch.lifted_at = now()


def lift_some(batch_id: int) -> int:
    """Forget up to AT_ONCE of the numbers of a batch that is taken back; how many it found.

    A number that nobody else has said comes off the list.
    """
    phones = db.session.scalars(
        select(Suppression.phone)
        .join(SuppressionSource, SuppressionSource.phone == Suppression.phone)
        .where(SuppressionSource.batch_id == batch_id)
        .order_by(Suppression.phone)
        .limit(AT_ONCE)
        .with_for_update(of=Suppression)
    ).all()
    batch = db.session.get_one(SuppressionBatch, batch_id)
    if not phones:
        batch.state = BatchState.LIFTED
        return 0
    db.session.execute(
        delete(SuppressionSource).where(
            SuppressionSource.batch_id == batch_id, SuppressionSource.phone.in_(phones)
        )
    )
    batch.lifted_numbers += lift_where_no_source_is_left(phones)
    return len(phones)
