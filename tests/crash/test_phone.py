"""Tests the soak's phones: they report an outbox that discards taps, and pass one that does not."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from phonebank.core.phonebank_headers import CALL, OURS
from tests.crash.journals import Journals, read

HERE = Path(__file__).parent
SCRIPTS = HERE.parents[1] / "phonebank" / "static" / "js"
CALL_ID = "01a20c91-8368-7696-96a7-{:012x}"
ENOUGH_OUTCOMES = 6
PATIENCE = 40  # seconds

pytestmark = [
    pytest.mark.crash,
    pytest.mark.skipif(not shutil.which("node"), reason="needs Node"),
]

# This outbox discards a tap at any answer, as the first version did at some.
CARELESS = """
export const callIn = () => "";
export const withFreshToken = (post) => post();
export class Outbox {
  constructor({ answered }) { this.entries = []; this.answered = answered; }
  add(entry) { this.entries.push(entry); this.send(); }
  hurry() {}
  async send() {
    while (this.entries.length) {
      const { url, fields } = this.entries[0];
      const body = new URLSearchParams(fields);
      const answer = await fetch(url, { method: "POST", body }).catch(() => null);
      if (answer) await this.answered(this.entries.shift(), answer);
    }
  }
}
"""


class Phonebank(BaseHTTPRequestHandler):
    """The part of Phonebank that a phone uses. It gives one contact after another."""

    given = 0

    def do_GET(self) -> None:
        if self.path == "/calling":
            return self._answer(json.dumps({"state": "admitted", "csrf_token": "t"}))
        return self._answer('<input name="csrf_token" value="t">')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/join":
            return self._answer("{}", 201)
        if self.path.endswith("/renew"):
            return self._answer(json.dumps({"seconds_left": 20}))
        if "/answers" in self.path:
            return self._answer(json.dumps({"value": None}))
        Phonebank.given += 1
        call = CALL_ID.format(Phonebank.given)
        its = f"/calling/person/{call}"
        about = {"call": call, "turn": 0, "seconds_left": 20, "seq": 0,
                 "script": {"key": "a", "first": None, "steps": {}}}  # fmt: skip
        if self.headers.get("X-Phonebank-Screen") == "2 a":
            about |= {"words": None, "person": {"phone": "+441134960001", "household": []}}
            return self._answer(json.dumps(about), kind="application/json")
        about |= {"renew": f"{its}/renew", "answer": f"{its}/answers?turn=0"}
        return self._answer(
            '<meta name="csrf" content="t"><a href="tel:+441134960001">'
            f'<script type="application/json" id="call-data">{json.dumps(about)}</script>'
            f'<form action="{its}/outcome?turn=0"></form>'
            f'<form action="{its}/give-back"></form>'
        )

    def _answer(self, body: str, status: int = 200, kind: str = "text/html") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header(OURS, "1")
        if "/person/" in self.path:
            self.send_header(CALL, f"{self.path.split('/')[3]} saved")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Nothing: it is the journal that counts."""


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Phonebank)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def journal_of(port: int, scripts: Path, folder: Path, until_fault: bool) -> Journals:
    """What a phone wrote down, when it has done enough or had a fault to report."""
    (scripts / "package.json").write_text('{"type": "module"}')
    journal = folder / "phone.jsonl"
    settings = {"ports": [port], "paths": ["/join"], "hold_seconds": 2, "think_seconds": 0.02,
                "seed": 0.5, "from_address": "198.51.100.1",
                "journal": str(journal), "scripts": str(scripts)}  # fmt: skip
    phone = subprocess.Popen(["node", str(HERE / "phone.mjs"), json.dumps(settings)], cwd=folder)
    try:
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up and phone.poll() is None:
            time.sleep(0.1)
            told = read([journal]) if journal.exists() else Journals()
            if told.faults if until_fault else told.acknowledged >= ENOUGH_OUTCOMES:
                break
        phone.send_signal(signal.SIGTERM)
        phone.wait(PATIENCE)
    finally:
        if phone.poll() is None:
            os.kill(phone.pid, signal.SIGKILL)
            phone.wait()
    return read([journal])


@pytest.mark.timeout(120)
def test_an_outbox_that_discards_taps_is_reported(port: int, tmp_path: Path) -> None:
    scripts = Path(shutil.copytree(SCRIPTS, tmp_path / "js"))
    (scripts / "call_outbox.js").write_text(CARELESS)
    told = journal_of(port, scripts, tmp_path, until_fault=True)
    assert any("was discarded" in fault for fault in told.faults), told.faults


@pytest.mark.timeout(120)
def test_the_pages_own_outbox_keeps_everything(port: int, tmp_path: Path) -> None:
    scripts = Path(shutil.copytree(SCRIPTS, tmp_path / "js"))
    told = journal_of(port, scripts, tmp_path, until_fault=False)
    assert told.faults == []
    assert told.acknowledged >= ENOUGH_OUTCOMES
    assert sum(told.false_answers.values()) > 0
