"""The queue of records of calls that wait for their turn: how many may wait, and for how long."""

import time

import pytest

from phonebank.core import record_queue
from phonebank.core.record_queue import RecordQueue

MOST = 4


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, which the test sets."""
    at = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: at[0])
    return at


def fill(queue: RecordQueue) -> int:
    """Let as many records join as may wait, and return how many wait then."""
    while queue.join() is not None:
        pass
    return len(queue)


def test_more_records_may_wait_in_a_burst_than_in_an_overload(clock: list[float]) -> None:
    queue = RecordQueue(MOST)
    assert fill(queue) == record_queue.TIMES_AS_MANY * MOST
    clock[0] += record_queue.CATCHES_UP_WITHIN + 0.01
    assert queue.is_overloaded()
    while len(queue) >= MOST:
        assert queue.join() is None
        queue.let_in_first()
    assert queue.join() is not None


def test_a_queue_that_was_empty_meanwhile_is_not_overloaded(clock: list[float]) -> None:
    queue = RecordQueue(MOST)
    queue.join()
    clock[0] += 10
    assert queue.is_overloaded()
    queue.let_in_first()
    assert not queue.is_overloaded()
    queue.join()
    assert not queue.is_overloaded()


def test_the_record_that_came_first_is_let_in_first(clock: list[float]) -> None:
    queue = RecordQueue(MOST)
    first, second, third = queue.join(), queue.join(), queue.join()
    assert first
    assert second
    assert third
    queue.let_in_first()
    assert queue.leave(second) is False, "its wait was over before its turn came"
    queue.let_in_first()
    assert len(queue) == 0
    assert queue.leave(first)
    assert queue.leave(third)


@pytest.mark.timing
def test_a_record_that_comes_in_an_overload_waits_less() -> None:
    queue = RecordQueue(MOST)
    waited = []
    for since in (0.0, 10.0):
        if since:
            queue._waited_since -= since
        began = time.monotonic()
        turn = queue.join()
        assert turn
        turn.wait()
        waited.append(time.monotonic() - began)
    assert waited[0] >= record_queue.WAITS > waited[1] >= record_queue.WAITS_IN_OVERLOAD
