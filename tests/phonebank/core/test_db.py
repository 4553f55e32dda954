"""What runs after a commit, autocommit, and a request whose database goes away."""

import re
import tempfile
from collections.abc import Callable
from contextlib import suppress

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from phonebank.core import db as database
from phonebank.core.db import after_commit, autocommit, begin_transaction, db
from phonebank.models import Account, RoleName
from tests.factories import create_account


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


def sent_to_postgresql(act: Callable[[], object]) -> list[str]:
    """Return the statements that libpq sends while `act` runs."""
    with tempfile.TemporaryFile("r+") as trace, db.engine.connect() as connection:
        server = connection.connection.dbapi_connection.pgconn
        server.trace(trace.fileno())
        connection.close()  # `act` is lent this connection, because it came back last
        try:
            act()
        finally:
            server.untrace()
        trace.seek(0)
        return re.findall(r'(?:Query|Parse)\t.*?"([A-Z]+)', trace.read())


def test_a_view_with_autocommit_sends_only_its_statements(app_context: Flask) -> None:
    def ask_twice() -> None:
        db.session.execute(text("SELECT 1"))
        db.session.commit()
        db.session.execute(text("SELECT 2"))
        db.session.rollback()

    assert sent_to_postgresql(autocommit(ask_twice)) == ["SELECT", "SELECT"]
    # The pool lends the same connection in its ordinary mode.
    ordinary = ["BEGIN", "SELECT", "COMMIT", "BEGIN", "SELECT", "ROLLBACK"]
    assert sent_to_postgresql(ask_twice) == ordinary


@pytest.mark.parametrize("fails", [False, True])
def test_what_follows_a_function_with_autocommit_is_in_a_transaction(
    app_context: Flask, fails: bool
) -> None:
    @autocommit
    def ask() -> None:
        db.session.execute(text("SELECT 1"))
        if fails:
            raise ZeroDivisionError

    def ask_then_go_on() -> None:
        with suppress(ZeroDivisionError):
            ask()
        db.session.execute(text("UPDATE account SET name = name"))
        db.session.commit()

    assert sent_to_postgresql(ask_then_go_on) == ["SELECT", "BEGIN", "UPDATE", "COMMIT"]


@pytest.fixture
def ada_row(app_context: Flask) -> Account:
    account = create_account(RoleName.ORGANISER, name="Ada")
    db.session.commit()
    return account


RENAME = text("UPDATE account SET name = :name")


def name_as_others_see_it() -> str:
    with db.engine.connect() as other:
        return str(other.scalar(text("SELECT name FROM account")))


def test_with_autocommit_what_is_written_is_seen_at_once_and_actions_wait_for_the_commit(
    ada_row: Account,
) -> None:
    ran: list[str] = []

    @autocommit
    def rename() -> None:
        db.session.execute(RENAME, {"name": "Grace"})
        after_commit(lambda: ran.append("told"))
        assert (name_as_others_see_it(), ran) == ("Grace", [])
        db.session.commit()

    rename()
    assert ran == ["told"]


def test_a_transaction_inside_autocommit_is_rolled_back_as_a_whole(ada_row: Account) -> None:
    @autocommit
    def rename() -> None:
        db.session.execute(RENAME, {"name": "Grace"})
        begin_transaction()
        begin_transaction()
        db.session.execute(RENAME, {"name": "Lost"})
        ada_row.email = "lost@example.org"
        db.session.flush()
        assert name_as_others_see_it() == "Grace"
        db.session.rollback()
        assert ada_row.email != "lost@example.org"
        db.session.execute(RENAME, {"name": "Katherine"})
        assert name_as_others_see_it() == "Katherine"

    rename()


def test_a_changed_object_is_not_written_outside_a_transaction(ada_row: Account) -> None:
    @autocommit
    def rename() -> None:
        ada_row.name = "Grace"
        with pytest.raises(RuntimeError, match="begin_transaction"):
            db.session.commit()
        db.session.rollback()

    rename()
    assert name_as_others_see_it() == "Ada"


def test_rows_stay_as_read_over_a_commit_only_with_autocommit(ada_row: Account) -> None:
    def name_after_anothers_rename() -> str:
        assert ada_row.name == "Ada"
        with db.engine.begin() as other:
            other.execute(RENAME, {"name": "Grace"})
        db.session.commit()
        return ada_row.name

    assert autocommit(name_after_anothers_rename)() == "Ada"
    db.session.commit()
    assert ada_row.name == "Grace"


def test_a_connection_that_dies_with_autocommit_is_reported_as_always(app_context: Flask) -> None:
    @autocommit
    def ask(dies: bool) -> int | None:
        pid: int | None = db.session.scalar(text("SELECT pg_backend_pid()"))
        if dies:
            with db.engine.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        db.session.execute(text("SELECT 1"))
        return pid

    with pytest.raises(OperationalError):
        ask(dies=True)
    assert ask(dies=False)
