"""What a claim asks of the queue: take a contact, release it, top up the lanes."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from phonebank.contact_queue import refill
from phonebank.contact_queue.queue import STALE_IN_A_ROW, ContactQueue
from phonebank.contact_queue.redis_queue import QueueEntry, redis_queue_of
from phonebank.core.db import db
from phonebank.core.redis import redis_store
from phonebank.models import Contact, ContactState, new_id
from tests.factories import create_contact
from tests.phone_bank import PhoneBank


@pytest.fixture
def queue(phone_bank: PhoneBank) -> ContactQueue:
    return ContactQueue(phone_bank.campaign, phone_bank.sam)


def lane(bank: PhoneBank) -> list[int]:
    """The contacts of whom no language is known, in order."""
    return redis_queue_of(bank.campaign.id).lane()


def test_a_taken_contact_is_held_by_its_call_until_it_is_released(
    phone_bank: PhoneBank, queue: ContactQueue
) -> None:
    taken = queue.take(new_id())
    assert taken is not None
    assert taken.contact_id not in lane(phone_bank)
    [held] = redis_queue_of(phone_bank.campaign.id).holds()
    assert (held.contact_id, held.call_id) == (taken.contact_id, taken.call_id)
    queue.release(taken)
    assert redis_queue_of(phone_bank.campaign.id).holds() == []


def test_lanes_are_topped_up_only_once_they_are_low(
    phone_bank: PhoneBank, queue: ContactQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refill, "READY_AT_LEAST", 4)
    monkeypatch.setattr(refill, "READY_PER_CALLER", 0)
    monkeypatch.setattr(refill, "LOW_WATER", 0.5)
    for n in range(8):
        create_contact(phone_bank.contact_list, phone=f"+4420794605{n:02}")
    lengths = []
    for _ in range(3):
        taken = queue.take(new_id())
        assert taken is not None
        db.session.get_one(Contact, taken.contact_id).state = ContactState.FINISHED
        queue.top_up(taken)
        lengths.append(len(lane(phone_bank)))
    # Three contacts are left, then two, then one, which is low.
    assert lengths == [3, 2, 4]


def test_after_five_stale_contacts_the_lanes_are_refilled_from_empty(
    phone_bank: PhoneBank, queue: ContactQueue
) -> None:
    refill.ensure_built(phone_bank.campaign)
    gone = [QueueEntry(10**9 + n, -1.0, phone_bank.contact_list.id, "") for n in range(20)]
    redis_queue_of(phone_bank.campaign.id).add(gone)
    for _ in range(STALE_IN_A_ROW):
        taken = queue.take(new_id())
        assert taken is not None
        assert taken.contact_id >= 10**9
        queue.release_stale(taken)
    taken = queue.take(new_id())
    assert taken is not None
    assert db.session.get(Contact, taken.contact_id) is not None


def test_a_lock_that_expires_as_it_ends_is_left_to_the_process_that_took_it(
    phone_bank: PhoneBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis, key = redis_store(), f"queue:{{{phone_bank.campaign.id}}}:lock:refill"
    lock = redis_queue_of(phone_bank.campaign.id).lock
    with lock("refill") as is_mine:
        assert is_mine
        monkeypatch.setattr(redis, "execute_command", taken_after_one_command(redis, key))
    assert redis.get(key) == "another process"
    with lock("refill") as is_mine:
        assert not is_mine
    redis.delete(key)
    with lock("refill") as is_mine:
        assert is_mine
    assert redis.get(key) is None


def taken_after_one_command(redis: Redis, key: str) -> Callable[..., Any]:
    """Return a method that executes one command. Then the lock expires, and another process takes
    it."""
    execute = redis.execute_command

    def once(*command: Any, **options: Any) -> Any:
        redis.execute_command = execute  # type: ignore[method-assign]
        answer = execute(*command, **options)
        redis.set(key, "another process")
        return answer

    return once
