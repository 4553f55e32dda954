"""Snapshots of contacts: what is stored with a call is what an undo restores."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonebank.calls.contact_snapshot import (
    ContactSnapshot,
    ContactValues,
    DelayedContact,
    HouseholdChange,
    LeftValues,
    NumberLoss,
    PeopleSnapshot,
)
from phonebank.models import Contact, ContactState

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)

ids = st.integers(1, 2**63 - 1)
moments = st.datetimes(timezones=st.just(UTC))
maybe_moments = st.none() | moments
phones = st.from_regex(r"\+[1-9][0-9]{6,13}", fullmatch=True)
several_phones = st.lists(phones, max_size=3).map(tuple)
states = st.builds(
    ContactValues,
    state=st.sampled_from(ContactState),
    tried=st.booleans(),
    callable_at=moments,
    rested_at=maybe_moments,
    attempts=st.integers(0, 50),
    attempts_that_day=st.integers(0, 50),
    attempts_on=st.none() | st.dates(),
    last_outcome=st.none() | st.sampled_from(["talked", "no_answer", "skipped"]),
    last_called_at=maybe_moments,
    callback_at=maybe_moments,
    callback_caller_id=st.none() | ids,
    phone=phones,
    other_phones=several_phones,
    language=st.sampled_from(["", "cy", "es"]),
)
# The statement that delays contacts writes `delayed`: see test_household.
changes = st.builds(
    HouseholdChange,
    lost_number=st.lists(st.builds(NumberLoss, ids, several_phones)).map(tuple),
)
left = st.builds(LeftValues, st.sampled_from(ContactState), phones, several_phones, maybe_moments)
snapshots = st.builds(ContactSnapshot, states, changes, left)
people = st.builds(PeopleSnapshot, st.none() | states, st.dictionaries(ids, states, max_size=3))


def stored(value: dict[str, Any]) -> Any:
    """What PostgreSQL gives back of a JSON column."""
    return json.loads(json.dumps(value))


@settings(deadline=None)
@given(snapshots)
def test_a_snapshot_comes_back_from_json_as_it_was(snapshot: ContactSnapshot) -> None:
    assert ContactSnapshot.from_json(stored(snapshot.to_json())) == snapshot


@settings(deadline=None)
@given(people)
def test_people_come_back_from_json_as_they_were(snapshot: PeopleSnapshot) -> None:
    assert PeopleSnapshot.from_json(stored(snapshot.to_json())) == snapshot


@settings(deadline=None)
@given(before=states, after=states)
def test_a_restored_contact_has_the_state_that_was_kept(
    before: ContactValues, after: ContactValues
) -> None:
    contact = Contact()
    after.restore(contact)
    before.restore(contact)
    assert ContactValues.of(contact) == before
    assert before.matches(contact)


@pytest.mark.parametrize(
    ("column", "value", "has_changed"),
    [
        ("callable_at", NOON + timedelta(hours=3), False),
        ("attempts", 7, False),
        ("phone", "+442079460999", True),
        ("rested_at", NOON + timedelta(hours=3), True),
    ],
)
def test_only_what_other_calls_and_uploads_change_counts_as_a_change(
    column: str, value: Any, has_changed: bool
) -> None:
    contact = Contact(
        state=ContactState.CALLABLE,
        phone="+442079460001",
        other_phones=[],
        callable_at=NOON,
        rested_at=NOON,
        attempts=1,
    )
    snapshot = ContactSnapshot(ContactValues.of(contact), HouseholdChange(), LeftValues.of(contact))
    assert not snapshot.has_changed_since(contact)
    setattr(contact, column, value)
    assert snapshot.has_changed_since(contact) is has_changed


def test_a_change_of_calling_hours_is_no_change_of_state() -> None:
    contact = Contact(
        state=ContactState.CALLABLE, phone="+442079460001", other_phones=[], callable_at=NOON
    )
    state = ContactValues.of(contact)
    contact.callable_at = NOON + timedelta(days=1)
    assert state.matches(contact)
    contact.callback_at = NOON
    assert not state.matches(contact)


def test_a_household_change_names_each_contact_once() -> None:
    change = HouseholdChange(
        (DelayedContact(5, NOON, None), DelayedContact(2, NOON, NOON)),
        NOON,
        (NumberLoss(5, ()),),
    )
    assert change.contact_ids == [2, 5]
