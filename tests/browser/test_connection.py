"""Tests the connection against a real server: what a board shows through gaps, closed lines and
dead servers."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timing]

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN = 60  # seconds, on a machine with much else to do


class LineServer:
    """The server of line_server.py, on the same port each time it starts."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, version: int, seconds: float = 0) -> None:
        """Start the server. It takes so many seconds to answer with its state of this version."""
        self.process = subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("line_server.py")),
                str(self.port),
                str(version),
                str(seconds),
            ],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(STARTS_WITHIN * 10):
            try:
                return self.ask("GET", "/driver.js")
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the line server did not start")

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def do(self, **order: object) -> None:
        self.ask("POST", "/do", json.dumps(order))

    def ask(self, method: str, path: str, body: str = "") -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        connection.getresponse().read()
        connection.close()


@pytest.fixture(scope="module")
def long_lived() -> Iterator[LineServer]:
    server = LineServer()
    yield server
    server.kill()


@pytest.fixture
def server(long_lived: LineServer) -> Iterator[LineServer]:
    """The server as each test finds it: running, at version 10, and answering."""
    if not long_lived.alive:
        long_lived.start(version=10)
    long_lived.do(set={"version": 10, "refuse": False, "broken": False, "seconds": 0})
    yield long_lived
    thaw(
        long_lived
    )  # also after a test that failed while the server was stopped, because the next test needs it


@pytest.fixture
def page(server: LineServer, browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.goto(server.url)
    wait_for(page, [[10, True]])
    yield page
    page.close()


def wait_for(page: Page, shown: list[list[object]]) -> None:
    """Wait until exactly these (version, whole state?) were drawn since the last wait."""
    page.wait_for_function(
        "wanted => JSON.stringify(window.shown) === wanted",
        arg=json.dumps(shown, separators=(",", ":")),
        timeout=15_000,
    )
    page.evaluate("window.shown = []")


def banner(page: Page) -> str:
    return page.locator("[data-line-down]").inner_text()


def test_events_are_drawn_in_order_and_old_ones_are_not(server, page):
    server.do(emit={"version": 11})
    server.do(emit={"version": 9})
    server.do(emit={"version": 11})
    # It was made from 11, although its number is not the next.
    server.do(emit={"version": 15, "follows": 11})
    wait_for(page, [[11, False], [15, False]])


def test_a_gap_brings_the_whole_state(server, page):
    server.do(set={"version": 13}, emit={"version": 13})
    wait_for(page, [[13, True]])
    server.do(emit={"version": 14})
    wait_for(page, [[14, False]])


def test_an_event_newer_than_the_state_being_fetched_is_not_lost(server, page):
    server.do(set={"version": 13, "seconds": 1}, emit={"version": 13})
    time.sleep(0.5)
    server.do(set={"version": 14, "seconds": 0}, emit={"version": 14})
    wait_for(page, [[13, True], [14, True]])


def test_the_page_asks_again_for_a_state_that_failed(server, page):
    server.do(set={"version": 13, "broken": True}, emit={"version": 13})
    time.sleep(0.5)
    assert page.evaluate("window.shown") == []
    server.do(set={"broken": False})
    wait_for(page, [[13, True]])


def test_the_page_says_that_the_server_is_gone_and_finds_a_new_one(server, page):
    server.kill()
    page.locator("[data-line-down]:has-text('The connection has been down since')").wait_for()
    # These were recorded while no board listened, and no event announced them.
    server.start(version=40)
    wait_for(page, [[40, True]])
    assert banner(page) == ""


def test_a_server_that_closes_the_line_and_refuses_for_a_while_is_found_again(server, page):
    server.do(set={"refuse": True, "version": 20}, hang_up=True)
    page.locator("[data-line-down]:has-text('The connection has been down since')").wait_for()
    server.do(set={"refuse": False})
    wait_for(page, [[20, True]])
    assert banner(page) == ""


def skip_time(page: Page, milliseconds: int) -> None:
    """Make the page believe that it slept: its clock has moved on, and its timers have not."""
    page.evaluate(
        "ms => { const real = Date.now.bind(Date); Date.now = () => real() + ms; }", milliseconds
    )


def freeze(server: LineServer) -> None:
    """Cut the line without an error: nothing is closed, and nothing is answered."""
    assert server.process
    server.process.send_signal(signal.SIGSTOP)


def thaw(server: LineServer) -> None:
    assert server.process
    server.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("noticed_by", ["silence", "waking"])
def test_the_page_notices_a_line_cut_without_an_error_and_reconnects(server, page, noticed_by):
    if noticed_by == "silence":
        page.goto(f"{server.url}/?silent=1000")
        wait_for(page, [[10, True]])
    first = page.evaluate("window.line.socket.id")
    server.do(set={"version": 12})
    freeze(server)
    if noticed_by == "waking":
        skip_time(page, 10_000)
    page.locator("[data-line-down]:has-text('down since')").wait_for(timeout=5000)
    assert page.evaluate("window.line.socket.connected") is False
    thaw(server)
    page.wait_for_function("window.shown.some(([version]) => version === 12)")
    page.wait_for_function("!document.querySelector('[data-line-down]').textContent")
    assert page.evaluate("window.line.socket.id") != first


def test_a_silent_server_that_answers_is_not_down(server, page):
    page.goto(f"{server.url}/?silent=600")
    page.wait_for_function("window.shown.length >= 3")
    assert banner(page) == ""
    assert page.evaluate("window.line.socket.connected")


def test_a_page_that_slept_for_an_hour_is_right_within_a_second(server, page):
    server.do(set={"version": 70})
    first = page.evaluate("window.line.socket.id")
    skip_time(page, 3_600_000)
    page.wait_for_function("window.shown.some(([version]) => version === 70)", timeout=1500)
    assert page.evaluate("window.line.socket.id") != first
    assert banner(page) == ""


def test_a_server_that_answers_slowly_and_still_sends_is_not_down(server, page):
    first = page.evaluate("window.line.socket.id")
    page.evaluate(
        "new MutationObserver(() => window.alarmed = true)"
        ".observe(document.querySelector('[data-line-down]'), { childList: true })"
    )
    server.do(set={"version": 12, "seconds": 2})
    skip_time(page, 10_000)
    for version in (13, 14, 15):
        time.sleep(0.7)
        server.do(emit={"version": version, "follows": 0})
    wait_for(page, [[13, False], [14, False], [15, False]])
    assert not page.evaluate("window.alarmed")
    assert page.evaluate("window.line.socket.id") == first


def test_waking_makes_one_new_line_without_an_alarm(server, page):
    page.evaluate(
        """() => {
          window.lines = 0;
          window.line.socket.on("connect", () => (window.lines += 1));
          new MutationObserver(() => (window.alarmed = true))
            .observe(document.querySelector("[data-line-down]"), { childList: true });
          const real = Date.now.bind(Date);
          Date.now = () => real() + 70_000;
          // The phone is unlocked, and the timers that slept come after that.
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    wait_for(page, [[10, True]])
    page.wait_for_timeout(1000)
    assert page.evaluate("[window.lines, !!window.alarmed]") == [1, False]


def test_a_whole_event_is_drawn_while_a_snapshot_is_asked_for_and_ends_the_banner(server, page):
    server.kill()
    page.locator("[data-line-down]:has-text('down since')").wait_for()
    # Slow from its start, because the page may ask before the test can say another word.
    server.start(version=40, seconds=4)
    page.wait_for_function("window.line.socket.connected")
    server.do(emit={"version": 45, "follows": 0})
    wait_for(page, [[45, False]])
    assert banner(page) == ""
    # An event that needs the snapshot waits for it.
    server.do(set={"version": 46, "seconds": 0}, emit={"version": 46})
    wait_for(page, [[46, True]])


def test_a_closed_line_stays_closed(server, page):
    page.evaluate("window.line.close()")
    server.do(emit={"version": 11})
    time.sleep(1)
    assert page.evaluate("[window.shown.length, window.line.socket.connected]") == [0, False]
    assert banner(page) == ""
