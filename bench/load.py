"""Runs `bench.clients` in its own process, and measures the processor time of the clients and the
servers."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from bench.measuring import Clock, servers
from bench.people import Device
from bench.reporting import percentile
from bench.servers import ROOT

WARM_UP = 1.5  # seconds
# Up to this many connections are divided evenly between the web processes. More connections spread
# evenly without help.
FEW = 32


@dataclass(frozen=True)
class Measurement:
    """What the clients measured. `took` has the seconds of each request that got the expected
    answer, and `missed` has the same meaning as in `bench.clients`. `seconds` is how long the
    clients were measured, and `bytes` is the size of all expected answers together. `spent` has,
    for each kind of server and for the clients, how many processor seconds were used in each second
    on average."""

    took: list[float]
    missed: int
    seconds: float
    bytes: int
    spent: dict[str, float]

    @property
    def a_second(self) -> float:
        return len(self.took) / self.seconds

    def percentile(self, share: float) -> float:
        """Return within how many milliseconds this share of the requests was answered. Only
        requests that got the expected answer count."""
        return 1000 * percentile(self.took, share)

    def cost(self, *kinds: str) -> float:
        """Return how many milliseconds of processor time these kinds of servers together spent on
        each request that got the expected answer."""
        return 1000 * sum(self.spent[kind] for kind in kinds) / self.a_second


def load(
    port: int,
    application: str,
    action: str,
    devices: Sequence[Device],
    seconds: float,
    when_warm: Callable[[], object] = lambda: None,
    at_once: int = 0,
) -> Measurement:
    """Let the devices do the action (a key of `clients.ACTIONS`) for `seconds` seconds after a
    warm-up. Return what the clients measured. `when_warm` is called when the warm-up is over.
    Raises RuntimeError if the clients end early.

    `at_once` is the number of connections. The devices are divided as evenly as possible between
    the connections, and each connection sends one request of each of its devices in turn. If
    `at_once` is 0, each device has its own connection.
    """
    connections = at_once or len(devices)
    workers = servers(application)["web"] if connections <= FEW else []
    settings = {
        "port": port,
        "connections": connections,
        "workers": [worker.pid for worker in workers],
        "action": action,
        "devices": [asdict(device) for device in devices],
        "seconds": seconds,
        # At first each worker compiles every SQL statement for itself, so these seconds are not
        # timed.
        "warm_up": WARM_UP,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "bench.clients"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        json.dump(settings, process.stdin)
        process.stdin.close()
        process.stdout.readline()  # the warm-up is over
        when_warm()
        clock = Clock(application)
        line = process.stdout.readline()
        spent = clock.read()
    if not line:
        raise RuntimeError("the clients ended early")
    answer = json.loads(line)
    spent["clients"] = answer["cpu"] / answer["lasted"]
    return Measurement(answer["took"], answer["missed"], answer["lasted"], answer["bytes"], spent)
