"""Two real web processes on two ports, with a Redis that a test can stop."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import socketio
from flask import Flask
from sqlalchemy import text

from phonebank.app import create_app
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.local.servers import start_redis
from tests.conftest import empty_tables

ROOT = Path(__file__).parents[3]
STARTS_WITHIN = 60  # seconds, on a machine with much else to do


class OwnRedis:
    """A Redis that a test may stop and start again at the same address."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._server = start_redis(home)
        self.url = self._server.url

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server = start_redis(self._home)
        assert self._server.url == self.url


class Web:
    """One web process, as the Procfile runs it, on a free port."""

    def __init__(self, config: Config, log: Path) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        self._environment = {
            **os.environ,
            "DATABASE_URL": config.database_url,
            "REDIS_URL": config.redis_url,
            "SECRET_KEY": config.secret_key,
            "PASSWORD_SALT": config.password_salt,
            "TOTP_SECRET": config.totp_secret,
            "PHONEBANK_MODE": config.mode,
            "BASE_URL": self.url,
            "PYTHONPATH": str(ROOT),
        }
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn"),
                    *("-w", "1", "-b", f"127.0.0.1:{self.port}", "wsgi:app"),
                ],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(STARTS_WITHIN * 10):
            try:
                urlopen(f"{self.url}/static/icon.svg", timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"the web process did not start:\n{self._log.read_text()[-3000:]}")

    def kill(self) -> None:
        """Kill the process and its workers without warning."""
        os.killpg(self._process.pid, 9)
        self._process.wait()

    def log(self) -> str:
        return self._log.read_text()


@dataclass
class Line:
    """A client of one namespace, with every event that it has received."""

    url: str
    namespace: str
    proof: object = None
    cookie: str = ""
    heard: list[tuple[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = socketio.Client(reconnection_delay=0.2, reconnection_delay_max=0.5)
        self.client.on("*", self._hear, namespace=self.namespace)
        self.client.on("connect", self.ask, namespace=self.namespace)
        self.client.on("connect_error", self._refused, namespace=self.namespace)
        self.refusal: Any = None

    def connect(self) -> "Line":
        """Raises socketio.exceptions.ConnectionError when refused; `refusal` then says why."""
        self.client.connect(
            self.url,
            headers={"Cookie": self.cookie} if self.cookie else {},
            auth=self.proof,
            transports=["websocket"],
            namespaces=[self.namespace],
            wait_timeout=5,
        )
        return self

    def ask(self) -> None:
        """Ask for the whole board, as pages do on each connection."""
        if self.namespace == "/board":
            self.client.emit(
                "snapshot",
                namespace=self.namespace,
                callback=lambda answer: self.heard.append(("board", answer.get("board"))),
            )

    def say(self, event: str, *data: object) -> Any:
        """Send an event and wait for its answer."""
        return self.client.call(event, data, namespace=self.namespace, timeout=5)

    def board(self) -> dict:
        """The newest board that was received."""
        boards = [data for event, data in self.heard if event == "board" and data]
        return max(boards, key=lambda board: board["version"]) if boards else {}

    def _hear(self, event: str, *data: object) -> None:
        self.heard.append((event, data[0] if data else None))

    def _refused(self, data: object) -> None:
        self.refusal = data


def within(seconds: float, is_so) -> float:
    """Wait until `is_so()` is true; returns after how many seconds. Fails when it takes longer."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not so within {seconds} s")
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.fixture(scope="package")
def own_redis(servers_dir: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(servers_dir / "redis-of-the-live-tests")
    yield server
    server.stop()


@pytest.fixture(scope="package")
def live_app(app: Flask, config: Config, own_redis: OwnRedis) -> Flask:
    """An app of this process on the same stores as the web processes."""
    live_app = create_app(replace(config, redis_url=own_redis.url))
    live_app.testing = True
    return live_app


@pytest.fixture(scope="package")
def webs(live_app: Flask, servers_dir: Path) -> Iterator[list[Web]]:
    config: Config = live_app.extensions["phonebank"]
    started = [Web(config, servers_dir / f"web-{number}.log") for number in (1, 2)]
    yield started
    for web in started:
        web.kill()


@pytest.fixture
def live_context(live_app: Flask) -> Iterator[Flask]:
    """An app context over empty tables."""
    with live_app.app_context():
        with db.engine.begin() as connection:
            # A process that keeps a transaction open fails the test here, instead of hanging it.
            connection.execute(text("SET LOCAL lock_timeout = '5s'"))
            empty_tables(connection)
        yield live_app


@pytest.fixture
def lines() -> Iterator[list[Line]]:
    """Connections that are closed after the test."""
    opened: list[Line] = []
    yield opened
    for line in opened:
        if line.client.connected:
            line.client.disconnect()
        line.client.eio.disconnect()
