"""Real servers for every test. A run has one PostgreSQL and one Redis, and each test gets them
empty."""

import contextlib
import gc
import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from psycopg.errors import DeadlockDetected
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import OperationalError

from phonebank.app import alembic, create_app
from phonebank.core.config import DEVELOPMENT, Config
from phonebank.core.db import db
from phonebank.core.rate_limits import limiter
from phonebank.core.redis import redis_store
from phonebank.local.servers import start_postgres, start_redis
from phonebank.models import Base
from tests.phone_bank import phone_bank

__all__ = ["phone_bank"]  # a fixture

# No Redis listens at this address, so a client of it fails at once.
NO_REDIS = "redis://127.0.0.1:1/0"


@event.listens_for(Engine, "before_cursor_execute")
def _refuse_harm(connection: Connection, _: object, statement: str, *__: object) -> None:
    """Fail a test in which a query locks rows while each statement is its own transaction, or in
    which a query removes the rows of a table that all tests of a run share.
    """
    assert not re.match(rf"\s*TRUNCATE\b.*\b({'|'.join(KEPT)})\b", statement, re.S)
    driver = connection.connection.dbapi_connection
    if driver.autocommit and driver.info.transaction_status == TransactionStatus.IDLE:
        assert not re.match(r"\s*SELECT\b.*\bFOR (NO KEY )?(UPDATE|SHARE)\b", statement, re.S)


WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")

_cleanings = itertools.count(1)

# Hypothesis has no deadline, because the time of an example depends on how busy the machine is.
settings.register_profile("phonebank", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("phonebank")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first, so that a run does not end with waiting for one."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Exempt all modules and tests from garbage collection. Otherwise Python looks through them
    again and again during the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def servers_dir() -> Iterator[Path]:
    # The folder is directly under /tmp, because a unix socket's path may have 107 characters and no
    # more.
    path = Path(tempfile.mkdtemp(prefix="pb-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def database_url(servers_dir: Path) -> Iterator[str]:
    """A separate database for this run, built by the migrations."""
    server = None
    if os.environ.get("TEST_DATABASE_URL"):
        server_url = os.environ["TEST_DATABASE_URL"]
    else:
        server = start_postgres(servers_dir / "pg", durable=False)
        server_url = server.url
    name = f"phonebank_test_{os.getpid()}_{WORKER}"
    admin = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    url = make_url(server_url).set(database=name).render_as_string(hide_password=False)
    yield url
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    admin.dispose()
    if server is not None:
        server.stop()


@pytest.fixture(scope="session")
def redis_url(servers_dir: Path) -> Iterator[str]:
    server = start_redis(servers_dir / "redis")
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def config(database_url: str, redis_url: str, servers_dir: Path) -> Config:
    return Config(
        database_url=database_url,
        redis_url=redis_url,
        secret_key="test-secret-key-test-secret-key-test",
        password_salt="test-salt-test-salt-test-salt-test",
        totp_secret="test-totp-test-totp-test-totp-test-totp",
        number_keys=("test-number-key-test-number-key-test",),
        mode=DEVELOPMENT,
        base_url="http://localhost",
        require_second_factor=False,
    )


@pytest.fixture(scope="session")
def app(config: Config) -> Iterator[Flask]:
    app = create_app(config)
    app.testing = True
    # A test posts forms as a browser would, without first reading the token from a page. A separate
    # test checks that a form needs the token.
    app.config["WTF_CSRF_ENABLED"] = False
    # On a server each request has its own session. But a request inside a test's app context shares
    # the test's session, and each must see what the other has changed.
    app.teardown_request(lambda _: db.session.expire_all())
    # All apps of a process share one limiter. It counts in the stores of the newest app.
    app.extensions["counters"] = (limiter._storage, limiter._limiter)
    with app.app_context():
        alembic.upgrade()
    yield app
    with app.app_context():
        db.engine.dispose()


# Places belong to the release, as files do. A test that needs them loads them once for the run.
KEPT = ("place",)
TABLES = [
    f'"{table.name}"' for table in reversed(Base.metadata.sorted_tables) if table.name not in KEPT
]
WITH_ROWS = " UNION ALL ".join(
    f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in TABLES
)
# Bytes. Beyond this size the rows that earlier tests deleted slow down later tests.
TOO_MUCH_LEFT = 8_000_000


def empty_stores(app: Flask) -> None:
    """Empty the tables and Redis, and let the ids start at 1 again."""
    with app.app_context():
        with db.engine.begin() as connection:
            empty_tables(connection)
        redis_store().flushdb()
    # An earlier test may have made an app with another Redis, or with none. While Redis is away in
    # a test, the limiter counts in the process.
    limiter._storage, limiter._limiter = app.extensions["counters"]
    for storage in (limiter._storage, limiter._fallback_storage):
        with contextlib.suppress(Exception):
            storage.reset()
    limiter._storage_dead = False


def empty_tables(connection: Connection) -> None:
    """Empty the tables, except those that are KEPT, and let the ids start at 1 again."""
    _delete_rows(connection)
    connection.execute(
        text(
            "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)"
            " FROM pg_sequences WHERE last_value IS NOT NULL"
        )
    )
    # A stored version never changes, so processes keep what they parsed by its id. So two tests
    # must not give the same id to different scripts.
    connection.execute(
        text("SELECT setval('script_version_id_seq', :first)"), {"first": 1000 * next(_cleanings)}
    )


def _delete_rows(connection: Connection) -> None:
    # The lock waits until an earlier test's server has finished writing, so that its rows are
    # deleted too. That server takes its locks in another order, so PostgreSQL may refuse this lock
    # because of a deadlock. As that server is about to end, this happens once or twice at most.
    for tries_left in (2, 1, 0):
        try:
            with connection.begin_nested():
                connection.execute(text(f"LOCK TABLE {', '.join(TABLES)}"))
            break
        except OperationalError as error:
            if not isinstance(error.orig, DeadlockDetected) or not tries_left:
                raise
    # DELETE is used because TRUNCATE makes new files for every table. For a test's few rows that
    # takes ten times as long.
    size = " + ".join(f"pg_relation_size('{table}')" for table in TABLES)
    if connection.execute(text(f"SELECT {size}")).scalar_one() > TOO_MUCH_LEFT:
        connection.execute(text(f"TRUNCATE {', '.join(TABLES)}"))
        return
    for table in connection.execute(text(WITH_ROWS)).scalars().all():
        # The audit refuses DELETE.
        how = "TRUNCATE" if "audit_entry" in table else "DELETE FROM"
        connection.execute(text(f"{how} {table}"))


@pytest.fixture
def clean_stores(app: Flask) -> Iterator[None]:
    """Give the test empty tables and an empty Redis."""
    empty_stores(app)
    yield


@pytest.fixture
def app_context(app: Flask, clean_stores: None) -> Iterator[Flask]:
    """An app context with empty tables and an empty Redis, for tests of services."""
    with app.app_context():
        yield app


@pytest.fixture
def client(app: Flask, clean_stores: None) -> FlaskClient:
    """A browser in which nobody is signed in, with empty tables and an empty Redis."""
    return app.test_client()
