"""Assigns a contact to an arm of an experiment, that is, to one of the scripts that the experiment
compares. The result depends only on the arguments of `arm_of`, so anyone can repeat the
assignment."""

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate

# This is 2**64: one more than the largest number in eight bytes.
_RANGE = 1 << 64


def arm_of(contact_id: int, salt: str, shares: Sequence[int]) -> int:
    """Return the index of the contact's arm among `shares`, counted from 0.

    The same contact, salt and shares always give the same arm, no matter which caller calls the
    contact. A keyed hash (BLAKE2b, RFC 7693) of the contact's id is scaled to a uniform number
    below the sum of the shares. So each arm's probability is proportional to its share. Raises
    ValueError if `shares` is empty or contains a share that is not positive.
    """
    if not shares or min(shares) <= 0:
        raise ValueError(f"shares must be positive, and are {list(shares)}")
    digest = blake2b(str(contact_id).encode(), key=salt.encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") * sum(shares) // _RANGE
    return bisect_right(list(accumulate(shares)), place)
