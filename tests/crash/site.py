"""A whole Phonebank on this machine, every part of which can be killed and started again.

It runs web, worker and clock as the Procfile does, on a PostgreSQL that keeps its promises when
killed, and on a Redis that comes back empty, comes back from its own file, or forgets.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import make_url

from phonebank.local.process import die_with_parent
from phonebank.local.servers import LocalServerError, RunningServer, start_postgres, start_redis

ROOT = Path(__file__).resolve().parents[2]
WEB = "gunicorn -w {workers} --worker-connections 1000 --graceful-timeout 2 -b 127.0.0.1:{port} "
PARTS = {
    "web": WEB + "wsgi:app",
    "urgent": "phonebank worker --urgent",
    "worker": "phonebank worker",
    "clock": "phonebank clock",
}
# The second web machine has another clock.
OTHER_WEB = "other web"

# Redis saves a file every so many seconds if anything was written, as a packaged Redis does.
SAVE_EVERY = 4


class Site:
    """A running site. Use it from one thread only: a part ends when the thread that started it
    ends."""

    def __init__(
        self,
        folder: Path,
        web_workers: int = 2,
        clock_ahead: float = 0,
        redis_keeps_its_file: bool = False,
    ) -> None:
        """`clock_ahead`: seconds by which the clock of a second web machine is ahead of this one's.
        0 means that there is no second machine."""
        self.folder = folder
        self.web_workers = web_workers
        self.redis_keeps_its_file = redis_keeps_its_file
        self.port = _free_port()
        self.ports = [self.port]
        self._commands = dict(PARTS)
        if clock_ahead:
            self.ports.append(_free_port())
            self._commands[OTHER_WEB] = WEB + "tests.crash.other_clock:app"
        self.kills: Counter[str] = Counter()
        # Parts that ended without a kill. An init system would start them again.
        self.ended_by_themselves: Counter[str] = Counter()
        self._parts: dict[str, subprocess.Popen[bytes]] = {}
        self._postgres = start_postgres(folder / "postgres")
        self._keep_commit_times()
        self._redis = self._start_redis()
        self.database_url, self.redis_url = self._postgres.url, self._redis.url
        self.environment = {
            **os.environ,
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "SECRET_KEY": "k" * 32,
            "PASSWORD_SALT": "s" * 32,
            "TOTP_SECRET": "t" * 32,
            "NUMBER_KEYS": "n" * 32,
            "PHONEBANK_MODE": "development",
            # All volunteers join from this one machine, many times.
            "JOINS_A_MINUTE": "100000",
            # Each volunteer names an address of their own, as a proxy would.
            "PROXIES": "1",
            "BASE_URL": f"http://127.0.0.1:{self.port}",
            "PHONEBANK_VAR": str(folder),
            "SOAK_CLOCK_AHEAD": str(clock_ahead),
            "PYTHONPATH": str(ROOT),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }

    def start_parts(self) -> None:
        """Start what is not running. Returns when the web answers."""
        for name in self._commands:
            self._start(name)
        self.wait_for_web()

    def stop(self) -> None:
        """End everything."""
        for process in self._parts.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._redis.stop()
        self._postgres.stop()

    def look_after_parts(self) -> None:
        """Start again what ended by itself, and count it."""
        for name, process in self._parts.items():
            if process.poll() is not None:
                self.ended_by_themselves[name] += 1
                self._start(name)

    def wait_for_web(self, seconds: float = 60) -> None:
        """Wait until every web machine answers."""
        give_up = time.monotonic() + seconds
        for port in self.ports:
            while not _answers(port):
                if time.monotonic() > give_up:
                    raise AssertionError(f"the web does not answer; see {self.folder}")
                time.sleep(0.1)

    def let_redis_forget(self, share: float, dice: random.Random) -> int:
        """Delete this share of the keys in Redis, at random, as a full Redis that evicts may.
        Returns how many."""
        try:
            with Redis.from_url(self.redis_url) as redis:
                keys = redis.keys()
                chosen = dice.sample(sorted(keys), round(len(keys) * share))
                return int(redis.delete(*chosen)) if chosen else 0
        except RedisError:
            return 0  # Redis is away, and will have forgotten more

    def kill(
        self,
        victim: str,
        seconds_down: float = 0,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        """Kill a part with `kill -9`, wait, do something `meanwhile`, and start the parts again
        that do not restart by themselves."""

        def wait() -> None:
            time.sleep(seconds_down)
            meanwhile()

        self.kills[victim] += 1
        match victim:
            case "web worker":
                machine = "web" if self.kills[victim] % len(self.ports) == 0 else OTHER_WEB
                machine = machine if machine in self._parts else "web"
                self._kill_one(psutil.Process(self._parts[machine].pid).children())
            case "web" | "other web" | "urgent" | "worker" | "clock":
                os.killpg(self._parts[victim].pid, signal.SIGKILL)
                self._parts[victim].wait()
                wait()
                self._start(victim)
            case "worker without its job":
                self._parts["worker"].kill()
                self._parts["worker"].wait()
                wait()
                self._start("worker")
            case "redis":
                self._redis = self._restart(self._redis, wait)
            case "postgres":
                self._postgres = self._restart(self._postgres, wait)
            case "postgres backend":
                # PostgreSQL then ends every other backend too, and recovers.
                backends = psutil.Process(self._postgres.pid).children()
                self._kill_one([b for b in backends if "phonebank phonebank" in _title(b)])
            case _:
                raise ValueError(victim)

    @staticmethod
    def _kill_one(processes: list[psutil.Process]) -> None:
        for process in processes[:1]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _restart(self, server: RunningServer, wait: Callable[[], None]) -> RunningServer:
        os.kill(server.pid, signal.SIGKILL)
        while server.is_running():
            time.sleep(0.01)
        server.stop()  # it has ended already; this frees its folder
        wait()
        give_up = time.monotonic() + 60
        while True:
            try:
                if server is self._redis:
                    return self._start_redis()
                return start_postgres(self.folder / "postgres")
            except LocalServerError:
                # Backends that have not noticed yet still use the old server's memory.
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.2)

    def _start(self, name: str) -> None:
        if name in self._parts and self._parts[name].poll() is None:
            return
        port = self.ports[-1] if name == OTHER_WEB else self.port
        command = self._commands[name].format(workers=self.web_workers, port=port)
        with (self.folder / f"{name}.log").open("ab") as log:
            self._parts[name] = subprocess.Popen(
                command.split(),
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )

    def _start_redis(self) -> RunningServer:
        server = start_redis(self.folder / "redis")
        if self.redis_keeps_its_file:
            with Redis.from_url(server.url) as redis:
                redis.config_set("save", f"{SAVE_EVERY} 1")
        return server

    def _keep_commit_times(self) -> None:
        """Make PostgreSQL keep commit times, so that "after the suppression committed" is exact."""
        url = make_url(self._postgres.url).set(drivername="postgresql")
        address = url.render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
        self._postgres.stop()
        self._postgres = start_postgres(self.folder / "postgres")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as probe:
            probe.sendall(b"GET /static/icon.svg HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return probe.recv(12).endswith(b"200")
    except OSError:
        return False


def _title(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""
