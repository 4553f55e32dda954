"""Processor time and memory of the processes that serve, as Linux counts them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

MB = 1024 * 1024


def cpu_of(process: psutil.Process) -> float:
    """Seconds of processor time of one process, and of those children of its that have ended."""
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def servers() -> dict[str, list[psutil.Process]]:
    """What this process started that serves: its web workers, PostgreSQL and Redis."""
    found: dict[str, list[psutil.Process]] = {"web": [], "postgres": [], "redis": []}
    for child in psutil.Process().children():
        if child.status() == psutil.STATUS_ZOMBIE:
            continue
        name, line = child.name(), child.cmdline()
        if any(part.endswith("gunicorn") for part in line):
            found["web"] += child.children()
        elif name.startswith("postgres"):
            found["postgres"] += [child, *child.children(recursive=True)]
        elif name.startswith(("redis", "valkey")):
            found["redis"].append(child)
    return found


@dataclass
class Clock:
    """Processor seconds of what serves, from its making on."""

    _began: float = field(default_factory=time.monotonic)
    _before: Mapping[str, float] = field(default_factory=lambda: _cpu())

    def read(self, writers: float) -> dict[str, float]:
        """Processor seconds a second by kind of server. `writers` are seconds that PostgreSQL
        spent on those who record outcomes, which are left out."""
        seconds = time.monotonic() - self._began
        spent = {kind: now - self._before[kind] for kind, now in _cpu().items()}
        spent["postgres"] -= writers
        return {kind: each / seconds for kind, each in spent.items()}


def _cpu() -> dict[str, float]:
    return {kind: sum(map(cpu_of, found)) for kind, found in servers().items()}


def memory(kind: str = "web") -> list[tuple[float, float]]:
    """RSS and PSS of each process of a kind, in MB. PSS shares out what several have in common."""
    read = (process.memory_full_info() for process in servers()[kind])
    return [(each.rss / MB, each.pss / MB) for each in read]
