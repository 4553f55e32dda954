"""`make run` and `phonebank run`: from an empty folder to links to click, on one machine.

Checks first, each with one clear line; then the servers, the tables, the demonstration, and the
Procfile's processes. Whatever ends it (Ctrl-C, a signal, a crash of one part), all of it ends.

Exit status: 0 when asked to stop, 1 when a part failed, 2 when it could not start.
"""

from __future__ import annotations

import errno
import logging
import multiprocessing
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import psutil
from dotenv import dotenv_values
from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.process import Popen, Process

from phonebank.core.shipped_files import ROOT, data_folder
from phonebank.local import env_file
from phonebank.local.process import claim_folder, die_with_parent, unusable
from phonebank.local.servers import LocalServerError, LocalServers

# Run once the tables are there: load the demonstration into an empty database.
BEFORE_THE_PARTS = ("phonebank demo",)
# Run once the web answers: where to go.
LINKS = "phonebank links"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SECRETS = ("SECRET_KEY", "PASSWORD_SALT", "TOTP_SECRET")
WEB_ANSWERS_WITHIN = 60.0  # seconds
# A board's socket never ends by itself: without this, Ctrl-C would wait for it.
GRACEFUL_SECONDS = 2


class StartupError(Exception):
    """Something is in the way; the message says what, and what to do."""


class PartFailedError(Exception):
    """A part ended that should have gone on; the message says which."""


class StopRequestedError(BaseException):
    """Ctrl-C, or a signal to end."""


class _StopRequest:
    """The handler of Ctrl-C and SIGTERM until honcho has handlers of its own.

    The first is noted and asked for between steps; a second is not patient. (Raised at once, an
    exception is lost when the signal comes inside a callback of Python's own, as at a fork.)
    """

    def __init__(self) -> None:
        self._made = False

    def __call__(self, *_: object) -> None:
        if self._made:
            raise StopRequestedError
        self._made = True

    def check(self) -> None:
        if self._made:
            raise StopRequestedError


_stop_request = _StopRequest()


def main() -> int:
    """Run Phonebank until asked to stop or a part fails. Returns the exit status."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    signal.signal(signal.SIGINT, _stop_request)
    signal.signal(signal.SIGTERM, _stop_request)
    # One way to be told, which honcho takes over later: a closed terminal counts as SIGTERM.
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        _run(dict(os.environ))
    except StopRequestedError:
        print("Phonebank has stopped.", flush=True)
        return 0
    except PartFailedError as fault:
        print(f"Phonebank has stopped: {fault}", file=sys.stderr, flush=True)
        return 1
    except (StartupError, LocalServerError) as fault:
        print(f"Phonebank cannot start: {fault}", file=sys.stderr, flush=True)
        return 2


def _run(environment: dict[str, str]) -> NoReturn:
    home = data_folder(environment).absolute()
    try:
        claim = claim_folder(home)
        environment = with_secrets(home / "secrets.env") | environment
    except OSError as fault:
        raise unusable("it", home, fault) from fault
    check_shared_memory()
    environment |= addresses(environment)
    print(f"Starting Phonebank; its data is in {home}", flush=True)
    with claim, LocalServers(home, environment) as servers:
        environment |= {
            "PHONEBANK_VAR": str(home),
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
        }
        environment = for_this_machine(environment)
        env_file.write(home, environment)
        procfile = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8")).processes
        try:
            for command in (procfile.pop("release"), *BEFORE_THE_PARTS):
                _finish(command, environment)
            _stop_request.check()
            _run_together(procfile, environment)
        finally:
            _stop_listening()
            env_file.remove(home)


def check_shared_memory() -> None:
    """The processes and PostgreSQL talk to each other through /dev/shm. Raises StartupError if it
    cannot be written, as in some containers."""
    try:
        multiprocessing.Lock()
    except OSError as fault:
        raise StartupError(
            f"the shared memory in /dev/shm cannot be used ({fault.strerror}). An administrator can"
            " make it with: mount -t tmpfs -o mode=1777 tmpfs /dev/shm"
        ) from fault


def addresses(environment: Mapping[str, str]) -> dict[str, str]:
    """HOST, PORT and BASE_URL, defaults filled in.

    Raises StartupError if nothing can listen there.
    """
    host = environment.get("HOST") or "127.0.0.1"
    wish = environment.get("PORT") or "5000"
    if not wish.isascii() or not wish.isdigit() or not 0 < int(wish) < 65536:
        raise StartupError(f"PORT must be a number from 1 to 65535, not {wish!r}")
    port = int(wish)
    fault = _cannot_listen(host, port)
    if fault == errno.EADDRINUSE:
        free = next(p for p in range(port + 1, port + 1000) if not _cannot_listen(host, p))
        raise StartupError(
            f"port {port} is taken by another program: stop it, or choose another by PORT={free}"
        )
    if fault == errno.EACCES:
        raise StartupError(f"port {port} is for root only: try PORT=5000")
    if fault:
        raise StartupError(f"nothing can listen on {host} port {port}: {os.strerror(fault)}")
    base_url = environment.get("BASE_URL") or f"http://127.0.0.1:{port}"
    return {"HOST": host, "PORT": str(port), "BASE_URL": base_url}


def _cannot_listen(host: str, port: int) -> int:
    """The operating system's reason (errno) for refusing the address, or 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except socket.gaierror:
            return errno.EADDRNOTAVAIL
        except OSError as fault:
            return fault.errno or errno.EINVAL
    return 0


def with_secrets(path: Path) -> dict[str, str]:
    """The secrets in the file, made on first use: for this machine, never for a public server."""
    known = {name: value for name, value in dotenv_values(path).items() if value}
    missing = {name: secrets.token_hex(32) for name in SECRETS if name not in known}
    if missing:
        lines = "".join(f"{name}={value}\n" for name, value in (known | missing).items())
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"# Made by `make run` for this machine alone.\n{lines}")
        fresh.replace(path)
    return known | missing


def for_this_machine(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment that the parts run in: development, unless it says otherwise."""
    return {
        "PHONEBANK_MODE": "development",
        "REQUIRE_SECOND_FACTOR": "no",
        "WEB_GRACEFUL_SECONDS": str(GRACEFUL_SECONDS),
        **environment,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
    }


def _finish(command: str, environment: Mapping[str, str]) -> None:
    with subprocess.Popen(
        ["/bin/sh", "-c", f"exec {command}"],
        cwd=ROOT,
        env=environment,
        start_new_session=True,  # Ctrl-C is ours to pass on
        preexec_fn=die_with_parent(signal.SIGTERM),
    ) as process:
        try:
            while process.poll() is None:
                _stop_request.check()
                time.sleep(0.05)
        except StopRequestedError:
            process.terminate()
            raise
    if process.returncode:
        raise PartFailedError(
            f"`{command}` failed (exit {process.returncode}); its words are above"
        )


def _run_together(procfile: Mapping[str, str], environment: dict[str, str]) -> NoReturn:
    multiprocessing.set_start_method("fork", force=True)  # the parts' parent must be this process
    manager = _Manager()
    for name, command in procfile.items():
        # exec: the part itself is to get the signals, not a shell around it.
        manager.add_process(name, f"exec {command}", env=environment, cwd=str(ROOT))
    threading.Thread(target=_show_links, args=(environment,), daemon=True).start()
    try:
        manager.loop()
    finally:
        manager.end_survivors()
    if manager.asked_to_stop:
        raise StopRequestedError
    raise PartFailedError(f"{manager.first_to_end} ended; its last words are above")


class _Part(Process):
    """A Procfile process that goes when the launcher goes, even if that is killed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._child_ctor = _child

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        if ask_kernel := die_with_parent(signal.SIGKILL):
            ask_kernel()
        super().run(events, ignore_signals)


def _child(command: str, **options: Any) -> Popen:
    return Popen(command, preexec_fn=die_with_parent(signal.SIGTERM), **options)


class _Manager(Manager):
    """Honcho's manager, which also knows who ended first and leaves nobody behind."""

    def __init__(self) -> None:
        super().__init__()
        self._process_ctor = _Part
        self.first_to_end = ""
        self._terminate_when_started = False
        self._family: set[psutil.Process] = set()

    @property
    def asked_to_stop(self) -> bool:
        """Whether it ended because somebody asked, and not because a part did."""
        return not self.first_to_end

    def terminate(self) -> None:
        if self._terminating:
            return
        if not self._all_started():  # honcho cannot signal a part before it has told its pid
            self._terminate_when_started = True
            return
        self.first_to_end = " and ".join(
            name for name, known in self._processes.items() if "returncode" in known
        )
        # Before the first signal: afterwards a killed worker's own child is nobody's.
        self._family |= self._descendants()
        super().terminate()

    def _all_started(self) -> bool:  # asked at every turn of honcho's loop
        all_started = bool(super()._all_started())
        if all_started and self._terminate_when_started:
            self._terminate_when_started = False
            self.terminate()
        return all_started

    def kill(self) -> None:
        super().kill()
        # One that left its part's process group still holds the pipe that honcho reads.
        for process in self._family | self._descendants():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def end_survivors(self) -> None:
        """End every descendant that outlived the loop."""
        _stop_listening()
        family = self._family | self._descendants()
        for wanted in (signal.SIGTERM, signal.SIGKILL):
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(wanted)
            _, left = psutil.wait_procs(family, timeout=GRACEFUL_SECONDS + 1)
            family = set(left)

    def _descendants(self) -> set[psutil.Process]:
        found: set[psutil.Process] = set()
        for known in self._processes.values():
            with suppress(KeyError, psutil.NoSuchProcess):  # not started, or ended
                found.update(psutil.Process(known["process"].pid).children(recursive=True))
        return found


def _show_links(environment: Mapping[str, str]) -> None:
    """Once the web answers, print where to go."""
    # Not BASE_URL: that may be a name that only others can reach.
    host = "127.0.0.1" if environment["HOST"] == "0.0.0.0" else environment["HOST"]  # noqa: S104
    address = f"http://{host}:{environment['PORT']}/"
    give_up = time.monotonic() + WEB_ANSWERS_WITHIN
    while not _answers(address):
        if time.monotonic() > give_up:
            print(f"The web process does not answer on {address}; its words are above.", flush=True)
            return
        time.sleep(0.2)
    links = subprocess.run(
        LINKS.split(),
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    print(f"\n{links.stdout or links.stderr}\nCtrl-C stops everything.\n", flush=True)


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=5).close()  # noqa: S310
    except urllib.error.HTTPError as answer:
        answer.close()
        return answer.code < 500
    except OSError:
        return False
    return True


def _stop_listening() -> None:
    """From here on everything is being ended; a second Ctrl-C must not leave half of it."""
    for wanted in STOP_SIGNALS:
        signal.signal(wanted, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
