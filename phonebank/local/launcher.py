"""The launcher of `make run` and `phonebank run`, which starts all of Phonebank on one machine.

The launcher first checks whether it can start. If it cannot, one message says why. Otherwise the
launcher starts the servers, creates the tables, loads the demonstration data and runs the
Procfile's processes. Ctrl-C, a signal to stop or the end of one process ends all processes.

Exit status: 0 if the launcher was asked to stop, 1 if a set-up command failed or a process ended by
itself, 2 if the launcher could not start.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import NoReturn

from honcho.environ import parse_procfile

from phonebank.core.install_paths import ROOT, data_folder
from phonebank.local import env_file
from phonebank.local.environment import (
    StartupError,
    check_shared_memory,
    choose_addresses,
    development_environment,
    load_or_make_secrets,
)
from phonebank.local.process import claim_folder, die_with_parent, folder_error
from phonebank.local.process_manager import PartManager, ignore_stop_signals
from phonebank.local.servers import LocalServerError, LocalServers

# These commands run after the tables are made and before the Procfile's processes start.
SETUP_COMMANDS = ("phonebank demo",)
# This command runs once the web process answers, and prints the addresses to open.
LINKS = "phonebank links"
WEB_ANSWERS_WITHIN = 60.0  # seconds


class PartFailedError(Exception):
    """The error that is raised if a set-up command failed, or if a process of the Procfile ended
    unexpectedly. Its message names the command or the process."""


class StopRequestedError(BaseException):
    """The exception that ends the launcher after Ctrl-C or another signal to stop."""


class _StopRequest:
    """Handles Ctrl-C and SIGTERM until honcho, which runs the Procfile's processes, handles them.

    The first signal is only remembered. The launcher calls `check` between the steps of the start,
    and `check` then raises StopRequestedError. The first signal does not raise the exception at
    once, because Python may lose the exception. This happens if Python is running one of its own
    callbacks at that moment, for example at a fork. A second signal raises the exception at once.
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
    """Run Phonebank until somebody stops it or one of its processes ends. Return the exit
    status."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    signal.signal(signal.SIGINT, _stop_request)
    signal.signal(signal.SIGTERM, _stop_request)
    # A closed terminal counts as SIGTERM, which honcho handles later.
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
        environment = load_or_make_secrets(home / "secrets.env") | environment
    except OSError as fault:
        raise folder_error("it", home, fault) from fault
    check_shared_memory()
    environment |= choose_addresses(environment)
    print(f"Starting Phonebank; its data is in {home}", flush=True)
    with claim, LocalServers(home, environment) as servers:
        environment |= {
            "PHONEBANK_VAR": str(home),
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
        }
        environment = development_environment(environment)
        env_file.write(home, environment)
        procfile = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8")).processes
        try:
            for command in (procfile.pop("release"), *SETUP_COMMANDS):
                _run_to_end(command, environment)
            _stop_request.check()
            _run_together(procfile, environment)
        finally:
            ignore_stop_signals()
            env_file.remove(home)


def _run_to_end(command: str, environment: Mapping[str, str]) -> None:
    with subprocess.Popen(
        ["/bin/sh", "-c", f"exec {command}"],
        cwd=ROOT,
        env=environment,
        start_new_session=True,  # the launcher itself passes Ctrl-C on
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
    # With "fork", this process itself is the parent of the Procfile's processes.
    multiprocessing.set_start_method("fork", force=True)
    manager = PartManager()
    for name, command in procfile.items():
        # With exec, the process itself gets the signals, and not a shell around it.
        manager.add_process(name, f"exec {command}", env=environment, cwd=str(ROOT))
    threading.Thread(target=_show_links, args=(environment,), daemon=True).start()
    try:
        manager.loop()
    finally:
        manager.end_survivors()
    if manager.asked_to_stop:
        raise StopRequestedError
    raise PartFailedError(f"{manager.first_to_end} ended; its last words are above")


def _show_links(environment: Mapping[str, str]) -> None:
    """Wait until the web process answers, and print the addresses to open. If it does not answer
    within WEB_ANSWERS_WITHIN seconds, say so."""
    # BASE_URL may be a name that this machine cannot reach.
    host = "127.0.0.1" if environment["HOST"] == "0.0.0.0" else environment["HOST"]  # noqa: S104
    address = f"http://{host}:{environment['PORT']}/"
    give_up = time.monotonic() + WEB_ANSWERS_WITHIN
    while not _web_answers(address):
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


def _web_answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=5).close()  # noqa: S310
    except urllib.error.HTTPError as answer:
        answer.close()
        return answer.code < 500
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
