"""Runs the Procfile's processes together, and ends all of them when one of them ends."""

from __future__ import annotations

import multiprocessing
import signal
from contextlib import suppress
from typing import Any

import psutil
from honcho.manager import Manager
from honcho.process import Popen, Process

from phonebank.local.process import die_with_parent

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Seconds within which a process has to end. Without a limit, Ctrl-C would wait for the websockets
# of boards, which never end by themselves.
GRACEFUL_SECONDS = 2


class PartProcess(Process):
    """A process of the Procfile. It ends when the launcher ends. On Linux, it also ends if the
    launcher is killed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._child_ctor = _open_child

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        launcher = multiprocessing.parent_process()
        if launcher and (ask_kernel := die_with_parent(signal.SIGKILL, launcher.pid)):
            ask_kernel()
        super().run(events, ignore_signals)


def _open_child(command: str, **options: Any) -> Popen:
    return Popen(command, preexec_fn=die_with_parent(signal.SIGTERM), **options)


class PartManager(Manager):
    """A honcho manager that also knows which process ended first. It also ends all processes that
    the managed processes have started."""

    def __init__(self) -> None:
        super().__init__()
        self._process_ctor = PartProcess
        self.first_to_end = ""
        self._terminate_when_started = False
        self._family: set[psutil.Process] = set()

    @property
    def asked_to_stop(self) -> bool:
        """Whether the processes have ended because the launcher was asked to stop. If the result is
        False, one of the processes ended by itself. Read this after honcho's loop has ended."""
        return not self.first_to_end

    def terminate(self) -> None:
        if self._terminating:
            return
        if not self._all_started():  # honcho cannot signal a process before it knows its pid
            self._terminate_when_started = True
            return
        self.first_to_end = " and ".join(
            name for name, known in self._processes.items() if "returncode" in known
        )
        # The descendants are collected before the first signal. Once a worker has been killed, its
        # child has another parent and cannot be found.
        self._family |= self._descendants()
        super().terminate()

    def _all_started(self) -> bool:  # honcho's loop calls this in each round
        all_started = bool(super()._all_started())
        if all_started and self._terminate_when_started:
            self._terminate_when_started = False
            self.terminate()
        return all_started

    def kill(self) -> None:
        super().kill()
        # A descendant that has left its parent's process group keeps open the pipe that honcho
        # reads.
        for process in self._family | self._descendants():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def end_survivors(self) -> None:
        """After honcho's loop has ended, end every process that the Procfile's processes have
        started and left running."""
        ignore_stop_signals()
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
            with suppress(KeyError, psutil.NoSuchProcess):  # it has not started, or has ended
                found.update(psutil.Process(known["process"].pid).children(recursive=True))
        return found


def ignore_stop_signals() -> None:
    """Ignore signals to stop from now on, so that a second Ctrl-C does not interrupt the shutdown
    and leave processes running."""
    for stop_signal in STOP_SIGNALS:
        signal.signal(stop_signal, signal.SIG_IGN)
