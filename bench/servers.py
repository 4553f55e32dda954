"""Runs the servers that benchmarks measure: PostgreSQL, Redis, and either web workers alone or the
processes of the Procfile."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from honcho.environ import parse_procfile
from itsdangerous import URLSafeTimedSerializer

from bench.measuring import cpu_of, servers
from phonebank.app import alembic, create_app
from phonebank.core.config import Config
from phonebank.core.db import FOR_JOBS
from phonebank.local.process import die_with_parent
from phonebank.local.servers import LocalServers

ROOT = Path(__file__).resolve().parent.parent
# Processor seconds in half a second. A worker that still loads the app uses ten times as many.
IDLE = 0.04


@contextmanager
def stores() -> Iterator[dict[str, str]]:
    """Run an empty PostgreSQL and an empty Redis. Yield the environment variables for the app,
    which include the addresses of both servers.

    PostgreSQL has its default settings, so a commit waits until its data is on the disk.
    """
    with tempfile.TemporaryDirectory(prefix="pb-") as home, LocalServers(Path(home), {}) as local:
        yield {
            **os.environ,
            "DATABASE_URL": local.database_url,
            "REDIS_URL": local.redis_url,
            "SECRET_KEY": "k" * 32,
            "PASSWORD_SALT": "s" * 32,
            "TOTP_SECRET": "t" * 32,
            "NUMBER_KEYS": "n" * 32,
            "PHONEBANK_MODE": "development",
            # All callers join from this machine's addresses, so the limit must not stop them.
            "JOINS_A_MINUTE": "1000000",
            "PHONEBANK_VAR": home,
            "PYTHONPATH": str(ROOT),
        }


def migrated_app(environment: dict[str, str]) -> Flask:
    """Create the app in this process, create its tables in the database, and return the app. The
    app's database statements have the time limits of jobs (FOR_JOBS)."""
    app = create_app(Config.from_environment(environment), FOR_JOBS)
    with app.app_context():
        alembic.upgrade()
    return app


def cookies_of(app: Flask) -> URLSafeTimedSerializer:
    """Return the serializer that makes the values of the app's session cookies."""
    assert isinstance(app.session_interface, SecureCookieSessionInterface)
    serializer = app.session_interface.get_signing_serializer(app)
    assert serializer is not None
    return serializer


@contextmanager
def web(environment: dict[str, str], application: str, workers: int) -> Iterator[int]:
    """Run gunicorn with this application and this many workers, much as the Procfile does. Yield
    the port when gunicorn answers. Raises RuntimeError if it does not answer within a minute."""
    port = _free_port()
    log = Path(environment["PHONEBANK_VAR"]) / "web.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "-w", str(workers), "--keep-alive", "60"),
                *("-b", f"127.0.0.1:{port}", application),
            ],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
    try:
        _wait_for(port, log, workers, application)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def procfile(environment: dict[str, str]) -> Iterator[int]:
    """Run the Procfile's processes, except the one that is named release. Yield the port of the web
    process when it answers. Raises RuntimeError if it does not answer within a minute."""
    port = _free_port()
    log = Path(environment["PHONEBANK_VAR"]) / "web.log"
    environment = environment | {
        "PORT": str(port),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
    commands = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8")).processes
    del commands["release"]
    started = []
    try:
        for command in commands.values():
            with log.open("ab") as output:
                started.append(
                    subprocess.Popen(
                        ["/bin/sh", "-c", f"exec {command}"],
                        cwd=ROOT,
                        env=environment,
                        stdout=output,
                        stderr=output,
                        start_new_session=True,
                        preexec_fn=die_with_parent(signal.SIGKILL),
                    )
                )
        _wait_for(port, log, int(environment.get("WEB_CONCURRENCY", "2")))
        yield port
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def _wait_for(port: int, log: Path, workers: int, application: str = "") -> None:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as probe:
                probe.sendall(b"GET /static/icon.svg HTTP/1.0\r\nHost: localhost\r\n\r\n")
                if probe.recv(5) == b"HTTP/":
                    # One worker has answered. The others started at the same time, and may still be
                    # loading.
                    _wait_until_all_idle(workers, give_up, application)
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the web does not answer: {log.read_text()[-2000:]}")


def _wait_until_all_idle(workers: int, give_up: float, application: str) -> None:
    """Wait until every worker has loaded the app, or until `give_up` (on the monotonic clock). A
    worker counts as ready when it has used hardly any processor time for half a second, because
    loading the app keeps a processor busy."""
    before: dict[int, float] = {}
    while time.monotonic() < give_up:
        spent = {worker.pid: cpu_of(worker) for worker in servers(application)["web"]}
        if len(spent) >= workers and all(
            seconds - before.get(pid, -1.0) < IDLE for pid, seconds in spent.items()
        ):
            return
        before = spent
        time.sleep(0.5)
