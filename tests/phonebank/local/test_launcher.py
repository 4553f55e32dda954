"""`make run`, with small stand-ins for the processes: what it checks, shows, ends and reports."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from phonebank.core.install_paths import ROOT
from phonebank.local.environment import development_environment

# A program that runs the launcher in another folder, with the Procfile there.
DRIVER = """
import os
import sys
from pathlib import Path
from phonebank.local import launcher
launcher.ROOT = Path(sys.argv[1])
os.environ.setdefault("PHONEBANK_VAR", str(launcher.ROOT / "var"))
launcher.SETUP_COMMANDS = ("echo demonstration loaded",)
launcher.LINKS = "echo http://127.0.0.1/sign-in-here"
sys.exit(launcher.main())
"""
PROCFILE = """\
release: echo tables made >&2
web: {python} -m http.server $PORT --bind $HOST --directory web
worker: sleep 300
clock: sleep 301
"""


@dataclass
class Run:
    """A launcher in a separate process, and what it has printed."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def wait_for(self, pattern: str) -> re.Match[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"never said {pattern!r}, but: {''.join(self.said)}")

    def end(self, wanted: signal.Signals | None = None) -> tuple[int, str]:
        """Send a signal; the exit status and everything that was printed."""
        if wanted:
            self.process.send_signal(wanted)
        # A stop waits until the step of the start that is under way has ended. To make PostgreSQL's
        # folder takes half a minute on a slow machine.
        rest, _ = self.process.communicate(timeout=120)
        return self.process.returncode, "".join(self.said) + rest


@pytest.fixture
def root() -> Iterator[Path]:
    # The folder is not under pytest's own, which pytest closes to other users.
    with tempfile.TemporaryDirectory(prefix="pb-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "web").mkdir()
        (Path(folder) / "Procfile").write_text(PROCFILE.format(python=sys.executable))
        yield Path(folder)


@pytest.fixture(scope="module")
def var() -> Iterator[str]:
    """A folder for the data of most runs, because PostgreSQL takes seconds to make a new one."""
    with tempfile.TemporaryDirectory(prefix="pb-", ignore_cleanup_errors=True) as folder:
        yield str(Path(folder) / "var")


def _environment(port: int) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    return inherited | {"PORT": str(port)}


@pytest.fixture
def start(root: Path, var: str, port: int) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start_run(**environment: str) -> Run:
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(root)],
            env=_environment(port) | {"PHONEBANK_VAR": var} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        runs.append(Run(process))
        return runs[-1]

    yield start_run
    for run in runs:
        run.process.kill()
        run.process.communicate()


def _left_behind(family: list[psutil.Process]) -> list[str]:
    _, alive = psutil.wait_procs(family, timeout=10)
    return [" ".join(p.cmdline()) for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def _family(run: Run) -> list[psutil.Process]:
    return psutil.Process(run.process.pid).children(recursive=True)


@pytest.mark.crash
@pytest.mark.parametrize("wanted", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_shows_its_links_and_a_signal_ends_all_of_it(
    start: Callable[..., Run], wanted: signal.Signals
) -> None:
    run = start()
    run.wait_for("sign-in-here")
    family = _family(run)
    commands = " ".join(" ".join(p.cmdline()) for p in family)
    assert all(part in commands for part in ("http.server", "sleep 300", "postgres", "redis.sock"))

    status, said = run.end(wanted)

    assert status == 0
    assert "Phonebank has stopped." in said
    assert said.index("tables made") < said.index("demonstration loaded") < said.index("sign-in")
    assert "Traceback" not in said
    assert _left_behind(family) == []


@pytest.mark.slow
@pytest.mark.pages
@pytest.mark.timeout(400)
def test_the_real_thing_starts_from_nothing_and_finds_yesterdays_data(
    root: Path, port: int
) -> None:
    shown = []
    for command in (["phonebank.local.launcher"], ["phonebank.cli", "run"]):
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=_environment(port) | {"PHONEBANK_VAR": str(root / "var"), "WEB_CONCURRENCY": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        run = Run(process)
        try:
            links = {
                who: run.wait_for(rf"^{who} .* (http://127\.0\.0\.1:{port}/\S+)$")[1]
                for who in ("Organiser", "Host", "Caller", "Board")
            }
            for link in links.values():
                with urllib.request.urlopen(link, timeout=10) as answer:
                    assert answer.status == 200
            shown.append((links["Caller"], links["Board"]))
            family = _family(run)
            assert run.end(signal.SIGINT)[0] == 0
            assert _left_behind(family) == []
        finally:
            process.kill()
            process.communicate()
    assert shown[0] == shown[1]


@pytest.mark.crash
def test_an_outright_kill_leaves_nothing_and_the_next_run_starts(
    start: Callable[..., Run],
) -> None:
    first = start()
    first.wait_for("sign-in-here")
    family = _family(first)
    assert len(family) >= 8
    first.end(signal.SIGKILL)
    assert _left_behind(family) == []

    second = start()
    second.wait_for("sign-in-here")
    assert second.end(signal.SIGINT)[0] == 0


@pytest.mark.crash
def test_a_stop_during_the_start_leaves_nothing(start: Callable[..., Run], root: Path) -> None:
    for wanted in ("Starting Phonebank", "tables made", "started"):
        run = start()
        run.wait_for(wanted)
        family = _family(run)
        status, said = run.end(signal.SIGINT)
        assert (status, "Traceback" in said) == (0, False), said
        assert _left_behind(family) == []


@pytest.mark.crash
def test_when_one_part_ends_all_end_and_it_is_named(start: Callable[..., Run], root: Path) -> None:
    procfile = (root / "Procfile").read_text()
    (root / "Procfile").write_text(procfile.replace("sleep 300", "sh -c 'sleep 1; exit 7'"))
    run = start()
    run.wait_for("worker started")
    family = _family(run)
    status, said = run.end()
    assert status == 1
    assert "Phonebank has stopped: worker ended" in said
    assert _left_behind(family) == []


def test_a_failed_migration_starts_no_part(start: Callable[..., Run], root: Path) -> None:
    procfile = (root / "Procfile").read_text()
    (root / "Procfile").write_text(procfile.replace("echo tables made >&2", "sh -c 'exit 4'"))
    status, said = start().end()
    assert status == 1, said
    assert "`sh -c 'exit 4'` failed (exit 4)" in said
    assert "web started" not in said


@pytest.mark.slow
def test_a_part_that_ignores_being_asked_is_killed(start: Callable[..., Run], root: Path) -> None:
    procfile = (root / "Procfile").read_text()
    stubborn = "sh -c 'trap \"\" TERM; setsid sleep 302 & while true; do sleep 1; done'"
    (root / "Procfile").write_text(procfile.replace("sleep 300", stubborn))
    run = start()
    run.wait_for("sign-in-here")
    family = _family(run)
    assert any("302" in p.cmdline() for p in family)
    assert run.end(signal.SIGINT)[0] == 0
    assert _left_behind(family) == []


def test_a_second_run_on_the_same_folder_says_who_has_it(
    start: Callable[..., Run], port: int
) -> None:
    first = start()
    first.wait_for("sign-in-here")
    status, said = start(PORT=str(port + 1)).end()
    assert status == 2
    assert said.count("\n") == 1
    assert f"in use by another running Phonebank (process {first.process.pid})" in said
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        assert answer.status == 200


def test_a_taken_port_says_which_and_offers_another(start: Callable[..., Run], port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        status, said = start().end()
    assert status == 2
    assert said.count("\n") == 1
    offered = re.search(rf"port {port} is taken .*PORT=(\d+)", said)
    assert offered is not None
    assert int(offered[1]) > port


def test_a_folder_that_cannot_be_written_gets_one_line(
    start: Callable[..., Run], root: Path
) -> None:
    (root / "var").write_text("a file where the folder should be")
    for where in (str(root / "var"), "/proc/phonebank"):
        status, said = start(PHONEBANK_VAR=where).end()
        assert status == 2
        assert said.count("\n") == 1
        assert re.search(r"cannot use the folder (\S+/var|/proc/phonebank):", said)


def test_shared_memory_that_cannot_be_written_gets_one_line(root: Path, port: int) -> None:
    mounts = ["unshare", "--mount", "--map-root-user"]
    if subprocess.run([*mounts, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system of their own")
    read_only = 'mount -t tmpfs -o ro tmpfs /dev/shm && exec "$0" "$@"'
    run = subprocess.run(
        [*mounts, "sh", "-c", read_only, sys.executable, "-c", DRIVER, str(root)],
        env=_environment(port),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "the shared memory in /dev/shm cannot be used" in run.stderr


def test_the_real_procfile_has_the_parts_that_a_run_needs() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "release", "web", "urgent", "worker", "clock", "dialler",
    ]  # fmt: skip
    # Both name the variable, so that a run on one machine ends sooner than a server does.
    assert "WEB_GRACEFUL_SECONDS" in (ROOT / "gunicorn.conf.py").read_text()
    assert "WEB_GRACEFUL_SECONDS" in development_environment({})


def test_servers_of_one_s_own_are_used_and_left_running(
    start: Callable[..., Run], root: Path
) -> None:
    run = start(
        DATABASE_URL="postgresql://elsewhere/db",
        REDIS_URL="redis://elsewhere",
        PHONEBANK_VAR=str(root / "var"),
    )
    run.wait_for("sign-in-here")
    commands = " ".join(" ".join(p.cmdline()) for p in _family(run))
    assert "postgres" not in commands
    assert "redis.sock" not in commands
    assert run.end(signal.SIGINT)[0] == 0
    assert not (root / "var" / "postgres").exists()
