"""Adds numbers to the do-not-call list, looks them up and removes them. The calling code
commits."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    String,
    any_,
    cast,
    delete,
    exists,
    select,
    text,
    update,
)

from phonebank.core.db import db
from phonebank.models import Suppression, SuppressionSource, now
from phonebank.suppressions import hashed_numbers
from phonebank.suppressions.contacts import restore_contacts_with, suppress_contacts_with

# An entry by a caller or an organiser replaces the source and reason of a file's entry, because a
# person's own wish matters more.
_ENTER = text("""
INSERT INTO suppression
    (phone, source, reason, call_id, account_id, created_at, entered_singly)
SELECT phone, :source, :reason, CAST(:call_id AS uuid), CAST(:account_id AS integer), :now, true
FROM unnest(CAST(:phones AS text[])) AS phone
ON CONFLICT (phone) DO UPDATE SET
    call_id = CASE WHEN suppression.entered_singly THEN NULL ELSE excluded.call_id END,
    source = CASE WHEN suppression.entered_singly
        THEN suppression.source ELSE excluded.source END,
    reason = CASE WHEN suppression.entered_singly
        THEN suppression.reason ELSE excluded.reason END,
    account_id = CASE WHEN suppression.entered_singly
        THEN suppression.account_id ELSE excluded.account_id END,
    entered_singly = true
WHERE (suppression.call_id IS NOT NULL OR NOT suppression.entered_singly)
  -- If the same caller records it in a second call, it counts as one wish.
  AND NOT EXISTS (SELECT FROM call AS first JOIN call AS second USING (caller_id)
                  WHERE first.id = suppression.call_id AND second.id = excluded.call_id)
""")
# If a file names the number as well, the file's entry replaces the call's entry.
_BACK_TO_FILE = text("""
UPDATE suppression SET call_id = NULL, entered_singly = false,
    source = batch.source, reason = batch.reason, account_id = batch.account_id
FROM suppression_source JOIN suppression_batch AS batch ON batch.id = batch_id
WHERE suppression.phone = ANY(:phones) AND suppression_source.phone = suppression.phone
""")

_BY_OTHERS = text("""
SELECT EXISTS (
    SELECT FROM suppression AS entry
    WHERE phone = ANY(CAST(:phones AS text[]))
      AND (call_id IS DISTINCT FROM :call_id
           OR EXISTS (SELECT FROM suppression_source WHERE phone = entry.phone))
)
""")


def suppress(
    phone: str,
    source: str,
    reason: str = "asked",
    call_id: uuid.UUID | None = None,
    account_id: int | None = None,
) -> None:
    """Put an E.164 number on the do-not-call list, and mark every campaign's contacts with this
    number as not to be called.

    Both happen in the current transaction. `source` is a value of SuppressionOrigin.

    If an organiser or a different caller has already put the number on the list, the earlier entry
    stays. But the entry is no longer linked to a call, because it has two origins now. So undoing
    one call no longer removes the number. If the same caller has already put the number on the
    list, the entry stays as it is. If only a batch has put the number on the list, the new source
    and reason replace those of the batch.
    """
    _enter([phone], source, reason, call_id, account_id)


def suppress_all(
    phones: Collection[str], source: str, reason: str = "asked", account_id: int | None = None
) -> None:
    """Put many numbers on the do-not-call list, as `suppress` does with a single number."""
    _enter(phones, source, reason, None, account_id)


def _enter(
    phones: Collection[str],
    source: str,
    reason: str,
    call_id: uuid.UUID | None,
    account_id: int | None,
) -> None:
    values = {
        # The numbers are sorted, so that two transactions with the same numbers wait for each other
        # and do not deadlock. They are one array, because there may be more numbers than a
        # statement may have parameters.
        "phones": sorted(set(phones)),
        "source": source,
        "reason": reason,
        "call_id": call_id,
        "account_id": account_id,
        "now": now(),
    }
    db.session.execute(_ENTER, values)
    suppress_contacts_with(phones)


def is_suppressed(phone: str) -> bool:
    """Whether an E.164 number is on the do-not-call list, plain or hashed."""
    return bool(suppressed_among([phone]))


def lift(phone: str) -> bool:
    """Take a number off the do-not-call list. If a contact has this number, and none of its other
    numbers is on the list, allow calls to the contact again. Return False if the number was not on
    the list.

    Use this function for a number that was put on the list by mistake. The page that uses this
    function asks the organiser for the reason, and logs the reason and the organiser.
    """
    was_hashed = hashed_numbers.lift_hashed(phone)
    return bool(_delete_and_restore(Suppression.phone == phone)) or was_hashed


def lift_of_call(call_id: uuid.UUID) -> bool:
    """Remove from the do-not-call list the number that this call put there. Return whether a number
    was removed.

    Return False if no entry is linked to the call, or if a batch also names the number. In the
    second case, the number stays on the list as an entry of the batch.
    """
    phones = db.session.scalars(
        select(Suppression.phone).where(Suppression.call_id == call_id).with_for_update()
    ).all()
    if not phones:
        return False
    db.session.execute(_BACK_TO_FILE, {"phones": list(phones)})
    return bool(_delete_and_restore(Suppression.call_id == call_id))


def reason_of_call(call_id: uuid.UUID) -> str | None:
    """Return the reason of the do-not-call entry that is linked to this call, or None if there is
    no such entry."""
    return db.session.scalar(select(Suppression.reason).where(Suppression.call_id == call_id))


def move_entry(call_id: uuid.UUID, another: uuid.UUID) -> None:
    """Link the do-not-call entry of one call to another call, in which the person also asked not to
    be called."""
    entry = update(Suppression).where(Suppression.call_id == call_id)
    db.session.execute(entry.values(call_id=another))


def lift_unsourced(phones: Sequence[str]) -> int:
    """Remove from the do-not-call list those numbers in `phones` that no caller, organiser or batch
    names any longer.

    Return how many numbers were removed. The transaction must hold locks on all numbers in
    `phones`.
    """
    named = exists().where(SuppressionSource.phone == Suppression.phone)
    # The numbers are one array, because there may be more numbers than a statement may have
    # parameters.
    among = Suppression.phone == any_(cast(list(phones), ARRAY(String)))
    return _delete_and_restore(among, ~Suppression.entered_singly, ~named)


def suppressed_among(phones: list[str]) -> set[str]:
    """Return the numbers (E.164) among `phones` that are on the do-not-call list, plain or
    hashed."""
    # The numbers are one array, because there may be more numbers than a statement may have
    # parameters.
    rows = text("SELECT phone FROM suppression WHERE phone = ANY(CAST(:phones AS text[]))")
    plain = set(db.session.scalars(rows, {"phones": phones}))
    # The hashes are read second. Erasing a person replaces a plain entry by a hash.
    return plain | hashed_numbers.hashed_among([p for p in phones if p not in plain])


def suppressed_by_others(phones: Sequence[str], call_id: uuid.UUID) -> bool:
    """Whether anything other than this call has put one of these numbers (E.164) on the do-not-call
    list. Hashed entries do not count."""
    return bool(db.session.scalar(_BY_OTHERS, {"phones": list(phones), "call_id": call_id}))


def _delete_and_restore(*which: ColumnElement[bool]) -> int:
    phones = db.session.scalars(
        delete(Suppression).where(*which).returning(Suppression.phone)
    ).all()
    restore_contacts_with(phones)
    return len(phones)
