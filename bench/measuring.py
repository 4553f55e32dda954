"""Reads from Linux how much processor time and memory the server processes use."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

MB = 1024 * 1024


def cpu_of(process: psutil.Process) -> float:
    """Return how many processor seconds a process has used, together with its children that have
    ended. Return 0 if the process itself has ended, because its seconds then count for its
    parent."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system + times.children_user + times.children_system


def servers(application: str = "") -> dict[str, list[psutil.Process]]:
    """Return the server processes that this process has started, by kind. The kinds are "web",
    "postgres", "redis" and "jobs" (the job workers, the dialler, and the clock process, which puts
    periodic jobs on the workers' queues).

    If `application` is given, such as "wsgi:app", the kind "web" has only the web workers of this
    application.
    """
    found: dict[str, list[psutil.Process]] = {
        "web": [],
        "postgres": [],
        "redis": [],
        "jobs": [],
    }
    for child in psutil.Process().children():
        if child.status() == psutil.STATUS_ZOMBIE:
            continue
        name, line = child.name(), child.cmdline()
        if any(part.endswith("gunicorn") for part in line):
            if not application or application in line:
                found["web"] += child.children()
        elif name.startswith("postgres"):
            found["postgres"] += [child, *child.children(recursive=True)]
        elif name.startswith(("redis", "valkey")):
            found["redis"].append(child)
        elif any(part.endswith("/phonebank") for part in line):
            found["jobs"] += [child, *child.children(recursive=True)]
    return found


@dataclass
class Clock:
    """Counts the processor seconds that the servers use after this object is made. `application`
    has the same meaning as in `servers`."""

    application: str = ""
    _began: float = field(default_factory=time.monotonic)
    _before: Mapping[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self._before = _cpu_by_kind(self.application)

    def read(self, writers: float = 0.0) -> dict[str, float]:
        """Return, for each kind of server, how many processor seconds were used in each second, on
        average since this object was made. `writers` is the number of processor seconds that
        PostgreSQL spent on the benchmark's own recording of outcomes. These seconds are subtracted
        from PostgreSQL's."""
        seconds = time.monotonic() - self._began
        after = _cpu_by_kind(self.application)
        spent = {kind: now - self._before[kind] for kind, now in after.items()}
        spent["postgres"] -= writers
        return {kind: each / seconds for kind, each in spent.items()}


def _cpu_by_kind(application: str) -> dict[str, float]:
    return {kind: sum(map(cpu_of, found)) for kind, found in servers(application).items()}


def memory(kind: str = "web") -> list[tuple[float, float]]:
    """Return the RSS and PSS of each process of a kind, in MB. Leave out processes that have just
    ended. For PSS, shared memory is divided by the number of processes that share it."""
    read = []
    for process in servers()[kind]:
        with contextlib.suppress(psutil.NoSuchProcess):  # the process may have ended
            read.append(process.memory_full_info())
    return [(each.rss / MB, each.pss / MB) for each in read]
