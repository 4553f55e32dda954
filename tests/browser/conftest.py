"""A real server on the test's PostgreSQL and Redis, and a real Chromium to look at it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from phonebank.core.config import Config
from phonebank.models import Party
from tests.browser.call_page import open_party

ROOT = Path(__file__).resolve().parents[2]
HOW_TO_GET_CHROMIUM = "sudo apt-get install chromium-headless-shell"
NO_CHROMIUM = f"no Chromium on this machine: {HOW_TO_GET_CHROMIUM}"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
GUNICORN = ["-m", "gunicorn", "-w", "2"]
STARTS_WITHIN = 90.0  # seconds, on a machine with much else to do
# Milliseconds, on such a machine. A test that promises less says so, and is marked `timing`.
PATIENCE = 30_000


def chromium_on_path() -> str | None:
    """The machine's own Chromium, under the names that distributions give it.

    The headless one comes first: each test opens several, and a desktop's windows take longer than
    the pages.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    path = chromium_on_path() or playwright.chromium.executable_path
    if not Path(path).exists():
        pytest.skip(NO_CHROMIUM)
    launched = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
    yield launched
    launched.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    outcomes = terminalreporter.stats.get("skipped", [])
    skipped = [outcome for outcome in outcomes if "no Chromium" in str(outcome.longrepr)]
    if skipped:
        terminalreporter.write_line(
            f"{len(skipped)} browser tests were skipped, because there is no Chromium. To get one: "
            f"{HOW_TO_GET_CHROMIUM}"
        )


@dataclass
class Server:
    """Gunicorn as the Procfile runs it, on a free port."""

    config: Config
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        environment = {
            **os.environ,
            "DATABASE_URL": self.config.database_url,
            "REDIS_URL": self.config.redis_url,
            "SECRET_KEY": self.config.secret_key,
            "PASSWORD_SALT": self.config.password_salt,
            "TOTP_SECRET": self.config.totp_secret,
            "PHONEBANK_MODE": "development",
            "REQUIRE_SECOND_FACTOR": "no",
            "JOINS_A_MINUTE": "100000",  # every test's callers come from this one address
            "BASE_URL": self.url,
        }
        self.process = subprocess.Popen(
            [sys.executable, *GUNICORN, "-b", f"127.0.0.1:{self.port}", "wsgi:app"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        give_up = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < give_up:
            try:
                urllib.request.urlopen(f"{self.url}/join", timeout=5).close()
                return
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
        raise AssertionError("the web server did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def web_server(config: Config, app: object) -> Iterator[Server]:
    """The server, started once for all browser tests. `app` has migrated the database."""
    server = Server(config, free_port())
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def new_page(browser: Browser, web_server: Server) -> Iterator[Callable[..., Page]]:
    """A function that opens a page in a separate browser: a separate person, with a separate
    device."""
    contexts: list[BrowserContext] = []

    def open_page(width: int = 390, height: int = 844, **options: object) -> Page:
        context = browser.new_context(
            base_url=web_server.url,
            viewport={"width": width, "height": height},
            **options,  # type: ignore[arg-type]
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def party(app_context: Flask) -> Party:
    """An open party of a campaign with a script and eight people to call."""
    return open_party()
