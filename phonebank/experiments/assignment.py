"""Which arm of an experiment a contact is in. Pure, so that the draw can be repeated by anyone."""

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate

# 2**64: one more than the largest number that eight bytes hold.
_RANGE = 1 << 64


def arm_of(contact_id: int, salt: str, shares: Sequence[int]) -> int:
    """The place, counted from 0, of the contact's arm among `shares`.

    The same for the same contact, salt and shares, whoever rings, and as likely as the shares say:
    a keyed hash (BLAKE2b, RFC 7693) of the contact's id falls evenly on the shares laid end to end.
    Raises ValueError for shares that are not all positive, and for none.
    """
    if not shares or min(shares) <= 0:
        raise ValueError(f"shares must be positive, and are {list(shares)}")
    digest = blake2b(str(contact_id).encode(), key=salt.encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") * sum(shares) // _RANGE
    return bisect_right(list(accumulate(shares)), place)
