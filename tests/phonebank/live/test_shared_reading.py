"""Boards that ask at the same time are read together, and none is told what was before it asked."""

from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy import event, text

from phonebank.live.board import Figures
from phonebank.live.shared_reading import SharedReadings
from phonebank.stores import db
from tests.phonebank.live.conftest import within
from tests.phonebank.live.party_room import open_room

BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")


def somebody_waits() -> bool:
    """In a transaction of its own: PostgreSQL shows the same activity throughout one."""
    with db.engine.connect() as connection:
        return connection.scalar(BLOCKED) > 0


def test_those_who_come_during_a_reading_share_the_next(app_context: Flask) -> None:
    parties = [open_room(goal=10).party.id for _ in range(6)]
    db.session.commit()
    readings = SharedReadings()
    statements: list[str] = []

    @event.listens_for(db.engine, "before_cursor_execute")
    def note(_: object, __: object, statement: str, *___: object) -> None:
        if "FROM party p" in statement:
            statements.append(statement)

    def ask(party_id: int) -> Figures | None:
        with app_context.app_context():
            return readings.of(party_id)

    try:
        with ThreadPoolExecutor(7) as threads, db.engine.connect() as other:
            # Whoever reads now waits for this transaction.
            other.execute(text("LOCK TABLE party IN ACCESS EXCLUSIVE MODE"))
            first = threads.submit(ask, parties[0])
            within(5, somebody_waits)
            later = [threads.submit(ask, party_id) for party_id in (*parties[1:], 999)]
            within(5, lambda: len(readings._waiting) == len(later))
            other.execute(text("UPDATE party SET goal = 99"))
            other.commit()
            assert first.result(5)
            told = [answer.result(5) for answer in later]
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert [figures and (figures.party_id, figures.goal) for figures in told] == [
        *((party_id, 99) for party_id in parties[1:]),
        None,
    ]
    assert len(statements) == 2


def test_one_that_fails_is_not_the_next_ones_failure(app_context: Flask) -> None:
    party_id = open_room().party.id
    db.session.commit()
    readings = SharedReadings()

    def ask() -> Figures | None:
        with app_context.app_context():
            return readings.of(party_id)

    with ThreadPoolExecutor(2) as threads, db.engine.connect() as other:
        other.execute(text("LOCK TABLE party IN ACCESS EXCLUSIVE MODE"))
        first = threads.submit(ask)
        within(5, somebody_waits)
        second = threads.submit(ask)
        within(5, lambda: len(readings._waiting) == 1)
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
        assert found.party_id == party_id
