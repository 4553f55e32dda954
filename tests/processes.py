"""Runs the Procfile's processes on the test's PostgreSQL and Redis, and keeps everything that they
print."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from phonebank.core.config import Config

ROOT = Path(__file__).resolve().parent.parent
STARTS_WITHIN = 90.0  # seconds, on a machine busy with other tests
STOPS_WITHIN = 15.0
# The commands as `phonebank` runs them. In the loud ones every logger writes every message.
COMMAND = "from phonebank.cli import main; main()"
LOUD = "import logging; logging.basicConfig(level=logging.DEBUG)"
LOUD_GUNICORN = Path(__file__).with_name("loud_gunicorn.py")


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def within(seconds: float, is_so: Callable[[], object], what: str = "") -> None:
    """Wait until `is_so()` is true, and fail if that takes longer than `seconds`."""
    give_up = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < give_up, f"not so within {seconds} s: {what or is_so}"
        time.sleep(0.05)


@dataclass
class Processes:
    """A web server with its workers, and the commands that a test starts beside it.

    All of them print into the file `log`, including errors.
    """

    config: Config
    log: Path
    loud: bool = False
    port: int = field(default_factory=free_port)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    # More environment variables.
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def printed(self) -> str:
        """Everything that the processes printed so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def start_web(self, workers: int = 2) -> None:
        """Start gunicorn as the Procfile does, and wait until it answers."""
        loud = ("-c", str(LOUD_GUNICORN)) if self.loud else ()
        self._start(
            *("-m", "gunicorn", *loud, "-w", str(workers)),
            *("-b", f"127.0.0.1:{self.port}", "wsgi:app"),
        )
        within(STARTS_WITHIN, self._answers, "the web server answers")

    def start_command(self, *arguments: str) -> None:
        """Start `phonebank …`: a worker or the clock."""
        self._start("-c", f"{LOUD}; {COMMAND}" if self.loud else COMMAND, *arguments)

    def run_command(self, *arguments: str) -> str:
        """Run `phonebank …` to its end, and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *arguments],
            cwd=ROOT,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=STARTS_WITHIN,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self) -> None:
        """End all processes, the newest first."""
        for process in reversed(self.running):
            process.terminate()
        for process in reversed(self.running):
            try:
                process.wait(timeout=STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()

    def _start(self, *arguments: str) -> None:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self._environment(),
                stdout=log,
                stderr=log,
            )
        self.running.append(process)

    def _answers(self) -> bool:
        assert self.running[-1].poll() is None, f"it ended:\n{self.printed()[-3000:]}"
        try:
            urllib.request.urlopen(f"{self.url}/static/icon.svg", timeout=5).close()
        except OSError:
            return False
        return True

    def _environment(self) -> dict[str, str]:
        config = self.config
        return {
            **os.environ,
            "DATABASE_URL": config.database_url,
            "REDIS_URL": config.redis_url,
            "SECRET_KEY": config.secret_key,
            "PASSWORD_SALT": config.password_salt,
            "TOTP_SECRET": config.totp_secret,
            # Without them the processes could not read the addresses that the test has stored.
            "NUMBER_KEYS": ",".join(config.number_keys),
            "PHONEBANK_MODE": config.mode,
            "REQUIRE_SECOND_FACTOR": "no",
            "BASE_URL": self.url,
            "PYTHONUNBUFFERED": "1",
            **self.settings,
        }
