"""What PostgreSQL, Redis and the machine refuse is a 503 in words, and never our fault."""

import errno
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from html import unescape

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import make_url, text

from phonebank.app import create_app
from phonebank.core import store_errors
from phonebank.core.access import ANYONE, open_to
from phonebank.core.config import Config
from phonebank.core.db import FOR_JOBS, FOR_PAGES, Timeouts, db
from phonebank.core.redis import redis_store
from phonebank.models import RoleName
from tests.factories import create_account
from tests.phonebank.core.test_error_pages import JSON, without_internals
from tests.signing_in import sign_in

pytestmark = pytest.mark.timing

# PostgreSQL itself would raise such an error.
RAISE = "DO $$ BEGIN RAISE EXCEPTION 'Alice Smith' USING ERRCODE = '{}'; END $$"
# Seconds. On a machine that stalls for longer the answer would be another.
SOON = Timeouts(statement=0.3, lock=0.1)


def raises(code: str) -> Callable[[], object]:
    return lambda: db.session.execute(text(RAISE.format(code)))


def redis_answers(words: str) -> Callable[[], object]:
    return lambda: redis_store().eval(f"return redis.error_reply('{words}')", 0)


def copies_into_a_full_disc() -> None:
    """This COPY goes through psycopg itself, like that of an import."""
    driver = db.session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    driver.execute(RAISE.format("53100"))


def fails_with(code: int) -> Callable[[], object]:
    def fail() -> None:
        raise OSError(code, "/tmp/voters")

    return fail


FAULTS: dict[str, tuple[Callable[[], object], store_errors.Words]] = {
    "disc": (raises("53100"), store_errors.FULL),
    "disc, in COPY": (copies_into_a_full_disc, store_errors.FULL),
    "read-only": (raises("25006"), store_errors.FULL),
    "memory": (raises("53200"), store_errors.CROWDED),
    "connections": (raises("53300"), store_errors.CROWDED),
    "deadlock": (raises("40P01"), store_errors.LOCKED),
    "restart": (raises("57P01"), store_errors.AWAY),
    "transaction ended": (raises("25P03"), store_errors.AWAY),
    "slow": (lambda: db.session.execute(text("SELECT pg_sleep(30)")), store_errors.TOO_LONG),
    "deep SQL": (
        lambda: db.session.execute(text("SELECT repeat('[', 1000000)::jsonb")),
        store_errors.TOO_DEEP,
    ),
    "deep JSON": (lambda: json.loads("[" * 100_000), store_errors.TOO_DEEP),
    "Redis' memory": (
        redis_answers("OOM command not allowed when used memory > maxmemory"),
        store_errors.FULL,
    ),
    "Redis' disc": (
        redis_answers("MISCONF Redis is configured to save RDB snapshots"),
        store_errors.FULL,
    ),
    "Redis' standby": (redis_answers("READONLY You can not write"), store_errors.FULL),
    "disc of the web process": (fails_with(errno.ENOSPC), store_errors.FULL),
    "files of the web process": (fails_with(errno.EMFILE), store_errors.CROWDED),
}


@pytest.fixture(scope="module")
def failing(app: Flask, config: Config) -> Iterator[Flask]:
    """An app as the public meets it, with a page for each fault and short timeouts."""
    failing = create_app(replace(config, database_connections=8, worker_connections=8), SOON)
    failing.config["WTF_CSRF_ENABLED"] = False

    @failing.get("/fails/<name>")
    @open_to(ANYONE)
    def fails(name: str) -> str:
        FAULTS[name][0]()
        return "no fault"

    @failing.get("/waits")
    @open_to(ANYONE)
    def waits() -> str:
        db.session.execute(text("SELECT 1 FROM account FOR UPDATE"))
        return "had it"

    yield failing
    with failing.app_context():
        db.engine.dispose()


def told_in_words(visitor: FlaskClient, address: str, words: store_errors.Words) -> None:
    """The page and the JSON both say the words, and when to come back."""
    page = without_internals(visitor.get(address))
    assert page.status_code == 503
    assert words.message in unescape(page.text)
    assert 1 <= int(page.headers["Retry-After"]) <= 15
    told = without_internals(visitor.get(address, headers=JSON))
    assert told.status_code == 503
    assert told.json["error"] == {
        "title": "Back in a moment",
        "message": words.message,
        "what_to_do": words.what_to_do,
    }
    assert int(told.headers["Retry-After"])


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_told_in_words(
    failing: Flask, clean_stores: None, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with failing.app_context():
        organiser = create_account(RoleName.ORGANISER).id
        db.session.commit()
    visitor = failing.test_client()
    # The layout of a page asks who is signed in, which may fail too.
    sign_in(visitor, organiser)
    told_in_words(visitor, f"/fails/{name}", FAULTS[name][1])
    assert "Alice" not in caplog.text
    assert visitor.get("/account").status_code == 200, "nothing is left of it"


def test_a_lock_is_waited_for_no_longer_than_people_would(
    app: Flask, failing: Flask, clean_stores: None
) -> None:
    with app.app_context():
        create_account(RoleName.ORGANISER)
        db.session.commit()
        db.session.execute(text("SELECT 1 FROM account FOR UPDATE"))
        told_in_words(failing.test_client(), "/waits", store_errors.LOCKED)
        db.session.rollback()
    assert failing.test_client().get("/waits").text == "had it"


def test_a_pool_that_is_lent_out_is_told_in_words(failing: Flask, clean_stores: None) -> None:
    with failing.app_context():
        pool = db.engine.pool
        lent = [db.engine.connect() for _ in range(8)]
        timeouts, pool._timeout = pool._timeout, 0.05  # type: ignore[attr-defined]
        told_in_words(failing.test_client(), "/waits", store_errors.CROWDED)
        pool._timeout = timeouts  # type: ignore[attr-defined]
        for connection in lent:
            connection.close()
    assert failing.test_client().get("/waits").text == "had it"


def test_a_server_without_a_free_connection_is_told_in_words(
    app: Flask, config: Config, clean_stores: None
) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0"))
    try:
        url = make_url(config.database_url).set(username="crowded")
        crowded = create_app(
            replace(config, database_url=url.render_as_string(hide_password=False))
        )

        @crowded.get("/waits")
        @open_to(ANYONE)
        def waits() -> str:
            return str(db.session.scalar(text("SELECT 1")))

        told_in_words(crowded.test_client(), "/waits", store_errors.CROWDED)
    finally:
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text("DROP ROLE crowded"))


@contextmanager
def full(redis: Redis) -> Iterator[None]:
    """A Redis that has no memory left for anything new, and evicts nothing."""
    before = redis.config_get("maxmemory")["maxmemory"]
    redis.config_set("maxmemory", 1)
    try:
        yield
    finally:
        redis.config_set("maxmemory", before)


def test_a_redis_without_memory_is_told_in_words(failing: Flask, clean_stores: None) -> None:
    with failing.app_context():
        redis = redis_store()

    @contextmanager
    def writes() -> Iterator[None]:
        FAULTS["a real one"] = (lambda: redis.set("key", "x" * 1000), store_errors.FULL)
        yield
        del FAULTS["a real one"]

    with writes(), full(redis):
        told_in_words(failing.test_client(), "/fails/a real one", store_errors.FULL)


def test_what_is_no_fault_of_a_store_stays_ours() -> None:
    assert store_errors.words_for(RuntimeError("x")) is None
    assert store_errors.words_for(ValueError("x")) is None
    assert store_errors.words_for(OSError(errno.EACCES, "x")) is None
    assert store_errors.words_for(psycopg.errors.InternalError_("x")) is None


@pytest.mark.parametrize("timeouts", [FOR_PAGES, FOR_JOBS])
def test_every_connection_is_opened_with_its_timeouts(
    config: Config, timeouts: Timeouts, clean_stores: None
) -> None:
    app = create_app(config, timeouts)
    with app.app_context():
        for name, seconds in (
            ("statement_timeout", timeouts.statement),
            ("lock_timeout", timeouts.lock),
        ):
            shown = text("SELECT setting::int FROM pg_settings WHERE name = :name")
            assert db.session.scalar(shown, {"name": name}) == 1000 * seconds
        db.session.close()
        db.engine.dispose()
    # A phone gives up after fifteen seconds.
    assert 0 < FOR_PAGES.lock < FOR_PAGES.statement < 15
