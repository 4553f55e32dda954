"""Tests in which layer the profile sees a web process."""

import pytest

from bench.layers import layer_of, own_module, writes

SERVER = ["gunicorn.workers.base_async", "gevent.baseserver"]
FLASK = ["flask.app", "engineio.middleware", "flask_socketio", "phonebank.core.overload", *SERVER]
OUTCOME = ["callers.views.record", "phonebank.core.db", "callers.sessions", *FLASK]
NEXT = ["callers.views.next_contact", *OUTCOME]
SELECT = "SELECT id FROM call WHERE id = %s FOR NO KEY UPDATE"
UPDATE = "WITH locked AS (SELECT 1) UPDATE call AS c SET outcome = %s"


@pytest.mark.parametrize(
    ("modules", "statement", "layer"),
    [
        (["gunicorn.http.parser", *SERVER], "", "server"),
        (["itsdangerous.signer", "flask.sessions", *FLASK], "", "door"),
        (["psycopg.cursor", "sqlalchemy.engine", "callers.sessions", *FLASK], SELECT, "door"),
        (["psycopg.cursor", "phonebank.calls.hold", *OUTCOME], SELECT, "reading"),
        (["phonebank.rules.retry_policy", "phonebank.calls.record", *OUTCOME], "", "deciding"),
        (["psycopg.cursor", "phonebank.calls.record", *OUTCOME], UPDATE, "writing"),
        (["sqlalchemy.sql", "sqlalchemy.orm.persistence", *OUTCOME], "", "writing"),
        (["psycopg.cursor", "phonebank.calls.claim_rows", *NEXT], UPDATE, "claiming"),
        (["redis.connection", "phonebank.calls.claim", *NEXT], "", "claiming"),
        (["psycopg.cursor", "callers.views.page_data", *NEXT], SELECT, "answering"),
        (["jinja2.runtime", *NEXT], "", "answering"),
        (["socketio.server", "engineio.socket", "engineio.middleware", *SERVER], "", "lines"),
        (["psycopg.cursor", "phonebank.live.board_query", "gevent.greenlet"], SELECT, "background"),
    ],
)
def test_a_stack_belongs_to_a_layer(modules: list[str], statement: str, layer: str) -> None:
    assert layer_of(modules, statement) == layer


def test_a_commit_writes() -> None:
    commit = ["psycopg.connection", "sqlalchemy.orm.session", *OUTCOME]
    assert layer_of(commit, is_committing=True) == "writing"


def test_a_lock_does_not_write() -> None:
    assert [writes(SELECT), writes(UPDATE)] == [False, True]
    assert writes('INSERT INTO "call" VALUES (1)')


def test_our_innermost_module_is_named() -> None:
    assert own_module(["psycopg.cursor", *NEXT]) == "callers.views.next_contact"
    assert own_module(SERVER) == ""
