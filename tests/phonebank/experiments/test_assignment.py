"""The assignment is fixed for a contact, even over contacts, and new in each experiment."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonebank.experiments.assignment import arm_of

SHARES = st.lists(st.integers(1, 100), min_size=1, max_size=6)
SALTS = st.text(min_size=1, max_size=16).filter(lambda salt: len(salt.encode()) <= 64)


@settings(deadline=None)
@given(st.integers(1, 2**63 - 1), SALTS, SHARES)
def test_a_contact_stays_in_one_of_the_arms(contact_id: int, salt: str, shares: list[int]) -> None:
    arm = arm_of(contact_id, salt, shares)
    assert 0 <= arm < len(shares)
    assert arm_of(contact_id, salt, shares) == arm


@settings(deadline=None)
@given(SALTS, SHARES, st.integers(0, 10**12))
def test_arms_fill_as_their_shares_say(salt: str, shares: list[int], first_id: int) -> None:
    people = 1500
    counts = [0] * len(shares)
    for contact_id in range(first_id, first_id + people):
        counts[arm_of(contact_id, salt, shares)] += 1
    for count, share in zip(counts, shares, strict=True):
        rate = share / sum(shares)
        # Six standard errors: with an even hash, one in 500 million samples is further off.
        assert abs(count - people * rate) <= 6 * math.sqrt(people * rate * (1 - rate)) + 1


def test_another_experiment_assigns_contacts_afresh() -> None:
    both = {(arm_of(n, "one", [1, 1]), arm_of(n, "two", [1, 1])) for n in range(100)}
    assert both == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_shares_in_proportion_are_the_same_shares() -> None:
    for contact_id in range(500):
        assert arm_of(contact_id, "salt", [1, 3]) == arm_of(contact_id, "salt", [25, 75])


@pytest.mark.parametrize("shares", [[], [0], [1, 0], [2, -1]])
def test_shares_that_make_no_sense_are_refused(shares: list[int]) -> None:
    with pytest.raises(ValueError, match="shares"):
        arm_of(1, "salt", shares)
