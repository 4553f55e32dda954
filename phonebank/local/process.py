"""Starts a server as a child process, and ends the server when the parent process ends. Each server
has a folder, a socket and a log.

`servers.py` uses this module to start PostgreSQL and Redis.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import hashlib
import logging
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import psutil
import psycopg
import redis

log = logging.getLogger(__name__)

# A unix socket's path fits in 108 bytes on Linux and 104 on macOS, including the NUL at its end.
LONGEST_SOCKET_PATH = 103
# A path of these characters needs no escaping in libpq's host list, PostgreSQL's settings or a URL.
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")
# After a crash PostgreSQL replays its log before it answers.
START_SECONDS = 120.0
STOP_SECONDS = 15.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class LocalServerError(Exception):
    """The error that is raised if a server cannot be started, or if a folder cannot be used. The
    message says why and, in many cases, what to do."""


class RunningServer:
    """A server that this process started. `url` is its address, and `stop()` ends it."""

    def __init__(
        self,
        url: str,
        process: subprocess.Popen[bytes],
        stop_signal: signal.Signals,
        folder: ServerFolder,
    ) -> None:
        self.url = url
        self.pid = process.pid
        self._process = process
        self._stop_signal = stop_signal
        self._folder = folder
        self._owner = os.getpid()
        atexit.register(self.stop)

    def is_running(self) -> bool:
        """Whether the server's process is alive."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Stop the server, wait until it has ended, and free its folder. If the server does not end
        within STOP_SECONDS, kill it. In a forked child of the process that started the server, do
        nothing."""
        if os.getpid() != self._owner:
            return  # this is a forked child of the process that started the server
        atexit.unregister(self.stop)
        if self.is_running():
            self._process.send_signal(self._stop_signal)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                log.warning("killed process %d, which would not stop", self.pid)
                self._process.kill()
                self._process.wait()
        self._folder.release()


class ServerFolder:
    """A folder that belongs to one server while the server runs.

    Use the object in a `with` statement, and start the server inside the block. If an exception is
    raised inside the block, the folder is released, and an OSError becomes a LocalServerError.
    """

    def __init__(self, server_name: str, path: Path) -> None:
        self.server_name = server_name
        self.path = Path(path).resolve()
        self.log_file = self.path / "server.log"
        self._socket_dir: Path | None = None

    def __enter__(self) -> ServerFolder:
        try:
            self._lock = claim_folder(self.path)
            self.path.chmod(0o700)
            if self.log_file.exists():  # the run before may have crashed, so its log is kept
                self.log_file.replace(self.path / "server.log.previous")
            self.log_file.touch()
        except OSError as fault:
            raise folder_error(self.server_name, self.path, fault) from fault
        return self

    def __exit__(self, _: object, fault: BaseException | None, __: object) -> None:
        if fault is not None:
            self.release()
        if isinstance(fault, OSError):
            raise folder_error(self.server_name, self.path, fault) from fault

    def release(self) -> None:
        """Free the folder for the next server."""
        if self._socket_dir not in (None, self.path):
            shutil.rmtree(self._socket_dir, ignore_errors=True)
        self._lock.close()

    def stop_orphan(self, pid_file: Path, command: str, home: Path) -> None:
        """Stop a server that outlived its parent. Remove `pid_file` if the pid in the file now
        belongs to another program.

        `command` is the server's process name. `home` is a folder whose path is in the server's
        command line. A process whose command line does not have this path is another server, and is
        not stopped.
        """
        try:
            process = psutil.Process(int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0]))
            if process.name() != command:
                # PostgreSQL would take any live process of the same user for a running server.
                pid_file.unlink()
            elif any(str(home) in argument for argument in process.cmdline()):
                log.warning("stopping process %d, left behind by an earlier run", process.pid)
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(STOP_SECONDS)
                except psutil.TimeoutExpired:
                    process.kill()
                    process.wait()
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
            # There is no such process, or this account may not examine it. In the second case, the
            # new server refuses to start.
            pass

    def socket_dir(self, socket_name: str, account: pwd.struct_passwd | None = None) -> Path:
        """Return the folder for the socket.

        The folder is `path`, unless `path` is too long for a socket or has characters that a URL
        may have to escape. In those cases, make and return a private folder in the system's
        temporary folder or in /tmp. Raises LocalServerError if this is not possible.
        """
        if _fits_socket_path(self.path / socket_name):
            self._socket_dir = self.path
            return self.path
        short = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        owner = account.pw_uid if account else os.geteuid()
        for place in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - made private below
            folder = Path(place) / f"phonebank-{owner}-{short}"
            if not _fits_socket_path(folder / socket_name):
                continue
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), owner):
                raise LocalServerError(f"{folder} is in the way and not ours: remove it")
            if account:
                os.chown(folder, account.pw_uid, account.pw_gid)
            folder.chmod(0o700)
            self._socket_dir = folder
            return folder
        raise LocalServerError(f"the path {self.path} is too long for a unix socket")

    def spawn(
        self,
        command: list[str],
        on_parent_death: signal.Signals,
        account: pwd.struct_passwd | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a command whose output is written to the log. Ctrl-C in the terminal does not reach
        the command."""
        with self.log_file.open("ab") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={**os.environ, "LC_ALL": "C"},  # last_words reads English messages
                start_new_session=True,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                preexec_fn=die_with_parent(on_parent_death),  # runs after the change of user
            )

    def start(
        self,
        command: list[str],
        url: str,
        stop_signal: signal.Signals,
        attempt: Callable[[], None],
        account: pwd.struct_passwd | None = None,
    ) -> RunningServer:
        """Start a server. Call `attempt`, which tries to connect to the server, until this
        succeeds. Then return the server.

        Raises LocalServerError if the server ends or does not answer within START_SECONDS. The
        message quotes the line of the server's log that says what went wrong.
        """
        process = self.spawn(command, stop_signal, account)
        server = RunningServer(url, process, stop_signal, self)
        give_up = time.monotonic() + START_SECONDS
        try:
            while True:
                try:
                    attempt()
                    return server
                except (psycopg.OperationalError, redis.exceptions.ConnectionError) as fault:
                    if not server.is_running() or time.monotonic() > give_up:
                        raise LocalServerError(
                            f"{self.server_name} did not start: {self.last_words()}"
                        ) from fault
                    time.sleep(0.02)
        except BaseException:
            server.stop()
            raise

    def last_words(self) -> str:
        """Return the line of the log that says what went wrong, and the path of the whole log. If
        no line says this, return the last line with the path. If the log says that the disk is
        full, return a message that says only this and names the folder."""
        lines = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-40:]
        if any("No space left on device" in line for line in lines):
            return f"the disk that holds {self.path} is full"
        # The first fault is the cause. "starting up" only says that PostgreSQL refused our first
        # attempts to connect.
        faults = [
            x for x in lines if re.search(r"FATAL|PANIC|error:", x) and "starting up" not in x
        ]
        said = (faults[:1] or lines[-1:] or ["it said nothing"])[0].strip()
        return f"{said} (all of it in {self.log_file})"


def claim_folder(path: Path) -> IO[str]:
    """Make the folder, unless it exists. Lock it for as long as the returned file is open.

    Raises LocalServerError if another process has locked the folder, and OSError if the folder
    cannot be used.
    """
    path.mkdir(parents=True, exist_ok=True)
    lock = open(path / "in-use-by", "a+", encoding="ascii")  # noqa: SIM115 (the calling code closes it)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise LocalServerError(
            f"{path} is in use by another running Phonebank (process {holder}): stop that one first"
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def folder_error(what: str, path: Path, fault: OSError) -> LocalServerError:
    """Return a LocalServerError that says in one sentence why a folder cannot be used."""
    hint = ""
    if isinstance(fault, PermissionError):
        hint = ": run as the user who made it, or move it away"
    return LocalServerError(
        f"{what} cannot use the folder {path}:"
        f" {fault.strerror or fault} ({fault.filename or 'at its start'}){hint}"
    )


def die_with_parent(wanted: signal.Signals, parent: int | None = None) -> Callable[[], None] | None:
    """Return a function that a child process must run before exec. The function makes the kernel
    send the signal `wanted` to the child when the child's parent dies.

    For the kernel, the parent is the thread that starts the child. So start servers from a thread
    that lives as long as the process, such as the main thread. Return None if the kernel cannot
    send such a signal. The next start then stops a server that outlived its parent.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    expected = parent or os.getpid()

    def ask_kernel() -> None:
        if wanted != signal.SIGKILL:
            # The child has its parent's Python handlers until exec. A signal before exec would only
            # be noted by such a handler, and exec would forget it.
            signal.signal(wanted, signal.SIG_DFL)
        libc.prctl(PR_SET_PDEATHSIG, int(wanted), 0, 0, 0)
        if os.getppid() != expected:
            # The parent died before the kernel was asked, so the kernel sends nothing.
            signal.raise_signal(wanted)

    return ask_kernel


def _fits_socket_path(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST_SOCKET_PATH and bool(PLAIN_PATH.fullmatch(str(path)))
