"""What runs after a commit, and what happens to a request whose database goes away."""

import pytest
from flask import Flask
from sqlalchemy import text

from phonebank.core import db as database
from phonebank.core.db import after_commit, db


def test_what_waits_for_the_commit_does_not_run_at_a_savepoint(app_context: Flask) -> None:
    ran: list[str] = []
    db.session.execute(text("SELECT 1"))
    after_commit(lambda: ran.append("kept"))
    with db.session.begin_nested():
        db.session.execute(text("SELECT 1"))
    assert ran == []
    with pytest.raises(ZeroDivisionError), db.session.begin_nested():
        raise ZeroDivisionError
    db.session.commit()
    assert ran == ["kept"]
    db.session.execute(text("SELECT 1"))
    after_commit(lambda: ran.append("dropped"))
    db.session.rollback()
    db.session.commit()
    assert ran == ["kept"]


def test_a_request_is_answered_whose_connection_dies_before_its_end(
    app: Flask, clean_stores: None
) -> None:
    with app.app_context():
        pid = db.session.scalar(text("SELECT pg_backend_pid()"))
        with db.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    # The end of the context rolled back on a dead connection, and raised nothing.
    with app.app_context():
        assert db.session.scalar(text("SELECT 1")) == 1


def test_connections_that_died_while_idle_are_replaced_before_anybody_meets_them(
    app: Flask, clean_stores: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        dies, lives = db.engine.connect(), db.engine.connect()
        pid = dies.scalar(text("SELECT pg_backend_pid()"))
        dies.close()
        assert lives.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        lives.close()
    monkeypatch.setattr(database, "TESTED_AFTER_IDLE", 0.0)
    with app.app_context():
        # As many requests as the pool has connections, so that one of them gets the dead one.
        lent = [db.engine.connect() for _ in range(5)]
        for connection in lent:
            assert connection.scalar(text("SELECT 1")) == 1
            connection.close()
