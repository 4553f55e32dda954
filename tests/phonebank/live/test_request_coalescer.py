"""Boards that ask at the same time are read together, and none gets figures from before it
asked."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from flask import Flask
from sqlalchemy import event, text

from phonebank.core.db import db
from phonebank.live.request_coalescer import AT_ONCE, BoardCoalescer, Reading
from tests.phonebank.live.conftest import within
from tests.phonebank.live.party_room import open_room

BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")


def somebody_waits() -> bool:
    """The query has its own transaction, because within one transaction PostgreSQL always shows the
    same activity."""
    with db.engine.connect() as connection:
        return connection.scalar(BLOCKED) > 0


def test_those_who_come_during_a_reading_share_the_next(app_context: Flask) -> None:
    parties = [open_room(goal=10).party.id for _ in range(6)]
    db.session.commit()
    readings = BoardCoalescer()
    statements: list[str] = []

    @event.listens_for(db.engine, "before_cursor_execute")
    def note(_: object, __: object, statement: str, *___: object) -> None:
        if "FROM party p" in statement or "AS back" in statement:
            statements.append(statement)

    def ask(party_id: int) -> Reading | None:
        with app_context.app_context():
            return readings.of(party_id)

    try:
        with ThreadPoolExecutor(7) as threads, db.engine.connect() as other:
            # Whoever reads now waits for this transaction.
            other.execute(text("LOCK TABLE party IN ACCESS EXCLUSIVE MODE"))
            first = threads.submit(ask, parties[0])
            within(30, somebody_waits)
            later = [threads.submit(ask, party_id) for party_id in (*parties[1:], 999)]
            within(30, lambda: len(readings._waiting) == len(later))
            other.execute(text("UPDATE party SET goal = 99"))
            other.commit()
            assert first.result(5)
            told = [answer.result(5) for answer in later]
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert [read and (read.figures.party_id, read.figures.goal) for read in told] == [
        *((party_id, 99) for party_id in parties[1:]),
        None,
    ]
    # Their figures, and their last hours.
    assert len(statements) == 2 + 2


def test_one_that_fails_is_not_the_next_ones_failure(app_context: Flask) -> None:
    party_id = open_room().party.id
    db.session.commit()
    readings = BoardCoalescer()

    def ask() -> Reading | None:
        with app_context.app_context():
            return readings.of(party_id)

    with ThreadPoolExecutor(2) as threads, db.engine.connect() as other:
        other.execute(text("LOCK TABLE party IN ACCESS EXCLUSIVE MODE"))
        first = threads.submit(ask)
        within(30, somebody_waits)
        second = threads.submit(ask)
        within(30, lambda: len(readings._waiting) == 1)
        other.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock'"
            )
        )
        assert first.exception(5)
        other.commit()
        found = second.result(5)
        assert found
        assert found.figures.party_id == party_id


def test_one_who_waits_keeps_no_transaction_open(app_context: Flask) -> None:
    """Otherwise the waiting requests would keep every connection, and the reading request would
    find none."""
    party_id = open_room().party.id
    db.session.commit()
    readings = BoardCoalescer()

    def ask() -> Reading | None:
        with app_context.app_context():
            # As a page has, which looked up the party by its link.
            db.session.execute(text("SELECT 1"))
            return readings.of(party_id)

    with ThreadPoolExecutor(40) as threads, db.engine.connect() as other:
        other.execute(text("LOCK TABLE party IN ACCESS EXCLUSIVE MODE"))
        # More than there are connections.
        asking = [threads.submit(ask) for _ in range(40)]
        within(30, lambda: len(readings._waiting) == len(asking) - 1)
        assert db.engine.pool.checkedout() == 2  # type: ignore[attr-defined]
        other.commit()
        assert all(answer.result(5) for answer in asking)


def test_one_whose_end_comes_while_it_reads_leaves_nobody_waiting(app_context: Flask) -> None:
    """A process that stops ends its greenlets with an error that is not an `Exception`."""
    party_id = open_room().party.id
    db.session.commit()
    readings, read = BoardCoalescer(), []

    def end(_: object, __: object, statement: str, *___: object) -> None:
        if "FROM party p" in statement:
            read.append(statement)
            if len(read) == 2:
                raise KeyboardInterrupt

    def ask() -> Reading | None:
        with app_context.app_context():
            return readings.of(party_id)

    event.listen(db.engine, "before_cursor_execute", end)
    try:
        with ThreadPoolExecutor(4) as threads, db.engine.connect() as other:
            other.execute(text("LOCK TABLE party IN ACCESS EXCLUSIVE MODE"))
            asking = [threads.submit(ask)]
            within(30, somebody_waits)
            asking += [threads.submit(ask) for _ in range(3)]
            within(30, lambda: len(readings._waiting) == 3)
            other.commit()
            ends = [answer.exception(5) for answer in asking]
    finally:
        event.remove(db.engine, "before_cursor_execute", end)
    assert [type(error) for error in ends if error] == [KeyboardInterrupt]


def test_however_many_ask_a_hundred_are_read_at_once(app_context: Flask) -> None:
    party_id = open_room().party.id
    db.session.commit()
    readings, asked_for = BoardCoalescer(), []

    def note(*args: Any) -> None:
        if "FROM party p" in args[2]:
            asked_for.append(len(args[3]["party_ids"]))

    # Of others who came before and still wait.
    waiting: list[Future[Reading | None]] = [Future() for _ in range(2 * AT_ONCE)]
    readings._waiting = [(10**6 + number, one) for number, one in enumerate(waiting)]
    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert readings.of(party_id)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert asked_for == [AT_ONCE, AT_ONCE, 1]
    assert all(one.done() for one in waiting)
