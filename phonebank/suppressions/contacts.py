"""The contacts that may not be called because of the do-not-call list. The calling code commits.

If any of a contact's numbers is on the list, the contact may not be called, even on a different
number.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import Boolean, ColumnElement, literal_column, text

from phonebank.core.db import db
from phonebank.models import now

# One statement has at most this many numbers, so that it stays far below its time limit. A batch of
# an upload nearly always has fewer numbers, so one statement is enough for the batch. Then two
# uploads lock their contacts in the same order.
AT_ONCE = 20_000
FEW = 100

# This SQL puts all numbers of a row of `contact` into one array. PostgreSQL then looks up each
# number by the key of `suppression` and never reads the whole list.
_ALL_NUMBERS = (
    "array_append(ARRAY(SELECT jsonb_array_elements_text(contact.other_phones)),"
    " contact.phone::text)"
)
# A condition in SQL: one of the numbers of a row of `contact` is on the list.
HAS_SUPPRESSED_NUMBER = f"EXISTS (SELECT FROM suppression WHERE phone = ANY ({_ALL_NUMBERS}))"

# A condition in SQL: the contact has one of `:phones`. Each number is looked up in both indexes, so
# the cost grows with the numbers and not with the lists. The two halves are one array, because
# otherwise PostgreSQL expects too many rows and reads every contact.
_HAS_ONE_OF = """
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
# The statement reads `suppressed_at` after it has locked the contacts, and writes only contacts
# that are not suppressed yet. It also waits for contacts that are suppressed, because a removal of
# another number of the same contact may be about to restore them.
_SUPPRESS = text(f"""
WITH locked AS (
    SELECT id, suppressed_at FROM contact WHERE {_HAS_ONE_OF} ORDER BY id FOR NO KEY UPDATE
)
UPDATE contact SET suppressed_at = :now FROM locked
WHERE contact.id = locked.id AND locked.suppressed_at IS NULL
""")  # noqa: S608
_LOCK_SUPPRESSED = text(
    f"SELECT id FROM contact WHERE suppressed_at IS NOT NULL AND {_HAS_ONE_OF}"  # noqa: S608
    " ORDER BY id FOR NO KEY UPDATE"
)
# The key-share lock makes a removal of these numbers wait until this transaction commits. The
# removal then finds the contacts that this transaction suppressed.
_LISTED_NUMBERS = text(f"""
SELECT phone FROM suppression
WHERE phone = ANY (ARRAY(
    SELECT unnest({_ALL_NUMBERS}) FROM contact
    WHERE id = ANY(CAST(:ids AS bigint[])) AND suppressed_at IS NULL
))
ORDER BY phone FOR KEY SHARE
""")  # noqa: S608
_RESTORE = text(f"""
UPDATE contact SET suppressed_at = NULL
WHERE id = ANY(:ids) AND NOT {HAS_SUPPRESSED_NUMBER}
""")  # noqa: S608
_SUPPRESS_LISTED = text(f"""
UPDATE contact SET suppressed_at = :now
WHERE contact_list_id = :list_id AND suppressed_at IS NULL AND {HAS_SUPPRESSED_NUMBER}
""")  # noqa: S608


def has_suppressed_number() -> ColumnElement[bool]:
    """Return a condition for queries of Contact. The condition is true if one of the contact's
    numbers is on the do-not-call list. Numbers that are on the list only as a hash do not count."""
    return literal_column(HAS_SUPPRESSED_NUMBER, Boolean)


def suppress_contacts_with(phones: Collection[str]) -> None:
    """Mark all contacts with any of these phone numbers as not to be called, in every campaign. The
    numbers are in E.164 form and must already be on the do-not-call list."""
    in_order, moment = sorted(set(phones)), now()
    if len(in_order) > FEW:
        # Otherwise each look-up would read the index's list of pending entries. This statement
        # empties that list.
        db.session.execute(text("SELECT gin_clean_pending_list('ix_contact_other_phones')"))
    for start in range(0, len(in_order), AT_ONCE):
        piece = in_order[start : start + AT_ONCE]
        db.session.execute(_SUPPRESS, {"phones": piece, "now": moment})


def suppress_listed_among(contact_ids: Collection[int]) -> None:
    """Among the given contacts, find those that have a number on the do-not-call list, and mark
    them as not to be called. All other contacts that have one of these listed numbers are marked
    too.

    Use this function for contacts that were not marked although one of their numbers is on the
    list.
    """
    suppress_contacts_with(list(db.session.scalars(_LISTED_NUMBERS, {"ids": list(contact_ids)})))


def suppress_listed_of(contact_list_id: int) -> None:
    """Find the contacts of an upload that have a number on the do-not-call list, and mark them as
    not to be called."""
    db.session.execute(_SUPPRESS_LISTED, {"list_id": contact_list_id, "now": now()})


def restore_contacts(contact_ids: Collection[int]) -> None:
    """Allow calls again to those of the given contacts that no longer have a number on the
    do-not-call list."""
    if contact_ids:
        db.session.execute(_RESTORE, {"ids": list(contact_ids)})


def restore_contacts_with(phones: Sequence[str]) -> None:
    """Find the contacts that have one of these numbers. If none of a contact's numbers is still on
    the do-not-call list, allow calls to the contact again."""
    if phones:
        # This statement locks the contacts. Only the next one reads the do-not-call list, because
        # another request may be entering another number of the same contact at this moment.
        ids = db.session.scalars(_LOCK_SUPPRESSED, {"phones": list(phones)}).all()
        restore_contacts(ids)
