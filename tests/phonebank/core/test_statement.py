"""A statement that psycopg runs by itself behaves like any other statement of the session."""

import json

import pytest
from flask import Flask
from sqlalchemy import bindparam, event, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from phonebank.core.db import autocommit, db
from phonebank.core.statement import Statement
from phonebank.models import Account, Caller, CallerState
from tests.factories import create_account, create_caller, create_campaign


def test_it_reads_what_the_session_has_written_and_goes_with_its_rollback(
    app_context: Flask,
) -> None:
    create_account(email="ada@example.org")
    by_email = Statement("SELECT id, email, active FROM account WHERE email = :email")
    row = by_email.row({"email": "ada@example.org"})
    assert (row.email, row.active) == ("ada@example.org", True)
    assert by_email.scalar({"email": "ada@example.org"}) == row.id
    assert by_email.row({"email": "nobody"}) is by_email.scalar({"email": "nobody"}) is None
    Statement("UPDATE account SET name = :name RETURNING id").scalar({"name": "Grace"})
    db.session.rollback()
    assert db.session.scalar(select(Account)) is None


def test_a_statement_of_sqlalchemy_keeps_its_constants(app_context: Flask) -> None:
    campaign = create_campaign()
    first, _ = create_caller(campaign), create_caller(campaign)
    waiting = create_caller(campaign, state=CallerState.WAITING)
    admitted = (
        select(Caller.id, Caller.state)
        .where(Caller.state == CallerState.ADMITTED, Caller.id <= bindparam("id"))
        .order_by(Caller.id)
        .limit(1)
    )
    row = Statement(admitted).row({"id": waiting.id})
    assert row == (first.id, CallerState.ADMITTED)


def test_json_goes_in_as_text_and_comes_out_as_values(app_context: Flask) -> None:
    echo = Statement("SELECT CAST(:value AS jsonb)")
    assert echo.scalar({"value": json.dumps([1, {"a": "b"}])}) == [1, {"a": "b"}]


def test_its_errors_are_those_of_sqlalchemy(app_context: Flask) -> None:
    account = create_account(email="ada@example.org")
    copy = Statement(
        "INSERT INTO account (id, email) SELECT id, :email FROM account WHERE id = :id RETURNING id"
    )
    with pytest.raises(IntegrityError) as refused, db.session.begin_nested():
        copy.scalar({"id": account.id, "email": "grace@example.org"})
    assert "grace@example.org" not in str(refused.value.params)
    assert db.session.get(Account, account.id) is account  # only the savepoint is lost
    with pytest.raises(ProgrammingError):
        Statement("SELECT nothing FROM nowhere").row({})
    db.session.rollback()


@pytest.mark.parametrize("commits_each_statement", [False, True])
def test_a_lost_connection_is_replaced(app: Flask, commits_each_statement: bool) -> None:
    my_pid = Statement("SELECT pg_backend_pid()")

    def lose_it() -> None:
        pid = my_pid.scalar({})
        with db.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        with pytest.raises(OperationalError) as lost:
            my_pid.scalar({})
        assert lost.value.connection_invalidated
        db.session.rollback()
        assert my_pid.scalar({}) not in (None, pid)

    with app.app_context():
        (autocommit(lose_it) if commits_each_statement else lose_it)()


def test_it_goes_on_after_psycopg_has_dropped_what_was_prepared(app: Flask) -> None:
    add = Statement("SELECT :number + :more AS sum")

    @autocommit
    def use() -> list[int]:
        sums = [add.row({"number": n, "more": 70_000 * n}).sum for n in range(3)]
        Statement("DEALLOCATE ALL").row({})
        # The first has a parameter of another type, and so was not prepared before.
        return [*sums, *(add.scalar({"number": 1, "more": n}) for n in (2**40, 1, 70_000))]

    with app.app_context():
        assert use() == [0, 70_001, 140_002, 2**40 + 1, 2, 70_001]


def test_those_who_listen_to_statements_hear_of_it(app_context: Flask) -> None:
    heard: list[str] = []

    def note(_connection, _cursor, statement, *_):
        heard.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        Statement("SELECT :number").scalar({"number": 1})
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert heard == ["SELECT %(number)s"]
