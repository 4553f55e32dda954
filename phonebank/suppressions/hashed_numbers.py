"""The do-not-call list can have a hash in place of a telephone number. This module stores and finds
these hashes. When everyone with a number has been erased, a hash replaces the number on the list. A
secret key is needed to compute a hash. The calling code commits.

There are so few possible telephone numbers that anyone could hash all of them. So anyone could find
the number of a hash that was made without a key. The keys are in the environment
(`Config.number_keys`), so neither the tables nor their backups contain them.
"""

import hashlib
from collections.abc import Collection, Iterable

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from phonebank.core.config import current_config
from phonebank.core.db import db
from phonebank.core.errors import ServiceUnavailableError
from phonebank.core.secret_text import keyed_hashes
from phonebank.models import HashedNumber, Suppression, SuppressionOrigin, now

# Numbers that a person still has, as their first or a further number.
_STILL_HAD = text("""
SELECT number FROM unnest(CAST(:phones AS text[])) AS number
WHERE EXISTS (SELECT FROM contact WHERE phone = number)
   OR EXISTS (SELECT FROM contact WHERE other_phones <> '[]'
              AND other_phones @> jsonb_build_array(number))
""")
_AMONG = text("SELECT hashed FROM hashed_number WHERE hashed = ANY(CAST(:hashed AS text[]))")
_TAKE_OUT = text("""
DELETE FROM suppression WHERE phone = ANY(CAST(:phones AS text[]))
RETURNING phone, source, reason, created_at
""")


def hashes_of(phone: str) -> list[str]:
    """Return the hashes of an E.164 number, one for each key, in the order of the keys.

    If the environment has no keys, return []. The server's secret key is not used instead, because
    the do-not-call list is kept for years and the secret key may change.
    """
    return keyed_hashes(phone) if current_config().number_keys else []


def hashed_among(phones: Collection[str]) -> set[str]:
    """Return the numbers (E.164) among `phones` whose hash is on the do-not-call list."""
    if not phones or db.session.scalar(select(HashedNumber.key_id).limit(1)) is None:
        return set()
    number_of = {hashed: phone for phone in phones for hashed in hashes_of(phone)}
    found = db.session.scalars(_AMONG, {"hashed": list(number_of)})
    return {number_of[hashed] for hashed in found}


def entry_of(phone: str) -> HashedNumber | None:
    """Return the hashed do-not-call entry of an E.164 number, or None if there is no such entry."""
    query = select(HashedNumber).where(HashedNumber.hashed.in_(hashes_of(phone)))
    return db.session.scalars(query.limit(1)).first()


def still_had(phones: Iterable[str]) -> set[str]:
    """Return the numbers (E.164) among `phones` that some contact still has."""
    return set(db.session.scalars(_STILL_HAD, {"phones": sorted(set(phones))}))


def hash_entries(phones: Collection[str], never_again: Collection[str] = ()) -> None:
    """Replace the do-not-call entries of these numbers with hashes. The calling code must have made
    sure that no contact has any of the numbers. Also put the numbers in `never_again` on the list,
    as hashes.

    Raises ServiceUnavailableError if there is something to hash and the environment has no key.
    """
    entries = {
        phone: {"source": source, "reason": reason, "created_at": created_at}
        for phone, source, reason, created_at in db.session.execute(
            _TAKE_OUT, {"phones": sorted(set(phones))}
        )
    }
    for phone in never_again:
        new = {"source": SuppressionOrigin.ORGANISER, "reason": "other", "created_at": now()}
        entries.setdefault(phone, new)
    if not entries:
        return
    if not current_config().number_keys:
        raise ServiceUnavailableError(
            "This server has no key for the numbers of erased people. Nothing was erased.",
            "Ask the person who runs it to set NUMBER_KEYS.",
        )
    known = hashed_among(list(entries))
    rows = [
        {"hashed": hashes_of(phone)[0], "key_id": _key_id(current_config().number_keys[0]), **entry}
        for phone, entry in sorted(entries.items())
        if phone not in known
    ]
    if rows:
        db.session.execute(insert(HashedNumber).values(rows).on_conflict_do_nothing())


def lift_hashed(phone: str) -> bool:
    """Take the hash of a number off the do-not-call list. Return False if the hash was not on the
    list."""
    which = delete(HashedNumber).where(HashedNumber.hashed.in_(hashes_of(phone)))
    return bool(db.session.scalars(which.returning(HashedNumber.hashed)).all())


def count_entries() -> int:
    """Return how many numbers are on the do-not-call list, counting plain and hashed numbers."""
    plain = db.session.scalar(select(func.count()).select_from(Suppression)) or 0
    return plain + (db.session.scalar(select(func.count()).select_from(HashedNumber)) or 0)


def count_without_key() -> int:
    """Return how many hashes were made with a key that is no longer in the environment. Numbers
    cannot be compared with these hashes."""
    known = [_key_id(key) for key in current_config().number_keys]
    query = select(func.count()).select_from(HashedNumber)
    return db.session.scalar(query.where(HashedNumber.key_id.not_in(known))) or 0


def _key_id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]
