"""Health checks: whether a process is alive, and whether its stores answer it."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from phonebank.app import create_app
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.site import health
from tests.conftest import NO_REDIS

NO_DATABASE = "postgresql+psycopg://cy:hidden-word@127.0.0.1:1/bank"


@pytest.fixture
def fresh(app: Flask, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A stranger's client of a process that has not asked its stores yet."""
    monkeypatch.setitem(app.extensions, "readiness", health.Readiness())
    return app.test_client()


def test_a_process_whose_stores_answer_is_ready(fresh: FlaskClient) -> None:
    answer = fresh.get("/readyz")
    assert (answer.status_code, answer.text) == (200, "ready\n")


@pytest.mark.parametrize(
    ("postgres", "redis", "told"),
    [
        (NO_DATABASE, None, "PostgreSQL does not answer\n"),
        (None, NO_REDIS, "Redis does not answer\n"),
        (NO_DATABASE, NO_REDIS, "PostgreSQL does not answer\nRedis does not answer\n"),
    ],
)
def test_a_process_whose_stores_are_away_is_alive_and_says_which_are(
    config: Config, postgres: str | None, redis: str | None, told: str
) -> None:
    client = create_app(
        replace(
            config,
            database_url=postgres or config.database_url,
            redis_url=redis or config.redis_url,
        )
    ).test_client()
    assert client.get("/healthz").text == "alive\n"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, told)


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_the_stores_are_asked_once_in_a_second_however_many_ask(
    fresh: FlaskClient, statements: list[str]
) -> None:
    for _ in range(20):
        assert fresh.get("/healthz").status_code == 200
    assert statements == []
    for _ in range(20):
        assert fresh.get("/readyz").status_code == 200
    assert statements == ["SELECT 1"]


def test_they_are_asked_again_afterwards(
    fresh: FlaskClient, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "ASKED_EVERY", 0)
    fresh.get("/readyz")
    fresh.get("/readyz")
    assert len(statements) == 2


def test_a_busy_process_is_not_taken_for_a_dead_one_and_the_log_stays_quiet(
    fresh: FlaskClient, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    guard = app.extensions["overload"]
    guard.under_way = 1000
    try:
        assert fresh.get("/").status_code == 503, "it is busy"
        caplog.clear()
        for address in ("/healthz", "/readyz"):
            assert fresh.get(address).status_code == 200
        assert caplog.records == []
    finally:
        guard.under_way = 0
