"""What may be done with the do-not-call list. The caller commits.

A person is known by every number of theirs: one that is on the list keeps them out of calling, also
while it is another that would be rung.
"""

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
    func,
    select,
    text,
    update,
)

from phonebank.core.db import db
from phonebank.models import Contact, Suppression, SuppressionSource, now

# Numbers a statement: well within what a statement may take, also on a busy machine, and more than
# a batch of an upload has, so that two uploads lock their people in one order.
AT_ONCE = 20_000
FEW = 100

# Each number is looked up in both indexes: what it costs follows the numbers, not the lists. In two
# halves and as arrays, for PostgreSQL would else expect so many that it reads every contact there
# is. Who is out already is waited for as well, so that nobody who lifts another number of theirs
# meanwhile lets them back in.
_WHO_HAS_ONE = """
contact.id = ANY (ARRAY(
    SELECT id FROM contact WHERE phone = ANY(CAST(:phones AS text[]))
    UNION
    SELECT has.id FROM unnest(CAST(:phones AS text[])) AS number(phone)
    CROSS JOIN LATERAL (
        SELECT id FROM contact
        WHERE other_phones <> '[]' AND other_phones @> jsonb_build_array(number.phone)
        OFFSET 0
    ) AS has
))
"""
# They are told as they stand once they are ours, and only who is not out yet is written.
_TAKE_OUT = text(f"""
WITH theirs AS (
    SELECT id, suppressed_at FROM contact WHERE {_WHO_HAS_ONE} ORDER BY id FOR NO KEY UPDATE
)
UPDATE contact SET suppressed_at = :now FROM theirs
WHERE contact.id = theirs.id AND theirs.suppressed_at IS NULL
""")  # noqa: S608
_LOCK = text(
    f"SELECT id FROM contact WHERE suppressed_at IS NOT NULL AND {_WHO_HAS_ONE}"  # noqa: S608
    " ORDER BY id FOR NO KEY UPDATE"
)
# Kept from being lifted until this is committed: who lifts it then finds whom it kept out.
_LISTED_NUMBERS = text("""
SELECT phone FROM suppression
WHERE phone = ANY (ARRAY(
    SELECT unnest(array_append(ARRAY(SELECT jsonb_array_elements_text(contact.other_phones)),
                               contact.phone::text))
    FROM contact WHERE id = ANY(CAST(:ids AS bigint[])) AND suppressed_at IS NULL
))
ORDER BY phone FOR KEY SHARE
""")
_LET_BACK_IN = text("""
UPDATE contact SET suppressed_at = NULL
WHERE id = ANY(:ids) AND NOT EXISTS (
    SELECT FROM suppression
    WHERE phone = ANY (array_append(ARRAY(SELECT jsonb_array_elements_text(contact.other_phones)),
                                    contact.phone))
)
""")

# An entry of a person's wish outranks what files alone have said, and is then what is shown.
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
  -- A caller who says so in a second call of theirs has not said it twice.
  AND NOT EXISTS (SELECT FROM call AS first JOIN call AS second USING (caller_id)
                  WHERE first.id = suppression.call_id AND second.id = excluded.call_id)
""")
# What a file says too keeps the file's entry.
_BACK_TO_FILE = text("""
UPDATE suppression SET call_id = NULL, entered_singly = false,
    source = batch.source, reason = batch.reason, account_id = batch.account_id
FROM suppression_source JOIN suppression_batch AS batch ON batch.id = batch_id
WHERE suppression.phone = ANY(:phones) AND suppression_source.phone = suppression.phone
""")


def suppress(
    phone: str,
    source: str,
    reason: str = "asked",
    call_id: uuid.UUID | None = None,
    account_id: int | None = None,
) -> None:
    """Put an E.164 number on the do-not-call list and take everyone who has it out of calling.

    In every campaign, in this transaction. A number that a caller or an organiser entered before
    keeps that entry, which then stands whatever becomes of the call that made it: it has been asked
    for twice. `source` is one of `phonebank.models.suppression`'s FROM_… names.
    """
    _enter([phone], source, reason, call_id, account_id)


def suppress_all(
    phones: Collection[str], source: str, reason: str = "asked", account_id: int | None = None
) -> None:
    """`suppress` for many numbers."""
    _enter(phones, source, reason, None, account_id)


def _enter(
    phones: Collection[str],
    source: str,
    reason: str,
    call_id: uuid.UUID | None,
    account_id: int | None,
) -> None:
    values = {
        # Sorted: two who enter the same numbers then wait for each other, and do not deadlock.
        # As one array: there may be more numbers than a statement may have parameters.
        "phones": sorted(set(phones)),
        "source": source,
        "reason": reason,
        "call_id": call_id,
        "account_id": account_id,
        "now": now(),
    }
    db.session.execute(_ENTER, values)
    take_out(phones)


def take_out(phones: Collection[str]) -> None:
    """Take everyone who has one of these numbers, which are on the list, out of calling."""
    in_order, moment = sorted(set(phones)), now()
    if len(in_order) > FEW:
        # Every look-up reads through what was added to the index since it was last tidied.
        db.session.execute(text("SELECT gin_clean_pending_list('ix_contact_other_phones')"))
    for start in range(0, len(in_order), AT_ONCE):
        piece = in_order[start : start + AT_ONCE]
        db.session.execute(_TAKE_OUT, {"phones": piece, "now": moment})


def take_out_listed(contact_ids: Collection[int]) -> None:
    """Take those of the contacts out of calling who are in it although a number of theirs is on the
    list: they came there by a way that did not look."""
    take_out(list(db.session.scalars(_LISTED_NUMBERS, {"ids": list(contact_ids)})))


def is_suppressed(phone: str) -> bool:
    """Whether an E.164 number is on the do-not-call list."""
    return db.session.get(Suppression, phone) is not None


def lift(phone: str) -> bool:
    """Take a number off the list, its contacts back to where they stood. False: it was not there.

    For a number entered by mistake, whoever entered it; who lifts one is asked and logged by the
    page.
    """
    return bool(_delete_and_let_back_in(Suppression.phone == phone))


def lift_of_call(call_id: uuid.UUID) -> bool:
    """Undo the suppression that this call entered. False: the call entered none, or a file names
    the number too, which then stays on the list."""
    phones = db.session.scalars(
        select(Suppression.phone).where(Suppression.call_id == call_id).with_for_update()
    ).all()
    if not phones:
        return False
    db.session.execute(_BACK_TO_FILE, {"phones": list(phones)})
    return bool(_delete_and_let_back_in(Suppression.call_id == call_id))


def reason_of_call(call_id: uuid.UUID) -> str | None:
    """The reason of the entry that this call made and nobody repeated; None for no such entry."""
    return db.session.scalar(select(Suppression.reason).where(Suppression.call_id == call_id))


def stands_by(call_id: uuid.UUID, another: uuid.UUID) -> None:
    """Have the entry of a call stand by another call, in which the same was said."""
    entry = update(Suppression).where(Suppression.call_id == call_id)
    db.session.execute(entry.values(call_id=another))


def let_back_in(contact_ids: Collection[int]) -> None:
    """Let those of the contacts back into calling of whom no number is on the list any more."""
    if contact_ids:
        db.session.execute(_LET_BACK_IN, {"ids": list(contact_ids)})


def lift_where_no_source_is_left(phones: Sequence[str]) -> int:
    """Take those of the numbers, which the transaction has locked, off the list that nobody has
    said: no caller, no organiser, and no file any more. How many."""
    named = exists().where(SuppressionSource.phone == Suppression.phone)
    # As one array: there may be more numbers than a statement may have parameters.
    among = Suppression.phone == any_(cast(list(phones), ARRAY(String)))
    return _delete_and_let_back_in(among, ~Suppression.entered_singly, ~named)


def is_any_suppressed() -> ColumnElement[bool]:
    """For a query of contacts: whether any of the contact's numbers is on the list.

    As one array, so that the list is asked by its key for each number and never read through.
    """
    others = select(func.jsonb_array_elements_text(Contact.other_phones)).correlate(Contact)
    theirs = func.array_append(func.array(others.scalar_subquery()), Contact.phone)
    return exists().where(Suppression.phone == any_(theirs))


def phones_suppressed_among(phones: list[str]) -> set[str]:
    """Those of the given E.164 numbers that are on the list."""
    # As one array: a file may hold more numbers than a statement may have parameters.
    rows = text("SELECT phone FROM suppression WHERE phone = ANY(CAST(:phones AS text[]))")
    return set(db.session.scalars(rows, {"phones": phones}))


def _delete_and_let_back_in(*which: ColumnElement[bool]) -> int:
    phones = db.session.scalars(
        delete(Suppression).where(*which).returning(Suppression.phone)
    ).all()
    if phones:
        # Locked first and asked about after that: another of their numbers may just be entered.
        ids = db.session.scalars(_LOCK, {"phones": list(phones)}).all()
        db.session.execute(_LET_BACK_IN, {"ids": list(ids)})
    return len(phones)
