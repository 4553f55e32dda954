"""Runs `bench.clients` in a process of its own, and reads what it and the servers have used."""

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
# Up to so many connections are shared out between the web processes, as chance would not do.
FEW = 32


@dataclass(frozen=True)
class Measurement:
    """What the clients saw: the seconds of each request, how many requests missed, the seconds of
    the whole, the bytes of all answers; and the processor seconds a second of the servers, by
    kind."""

    took: list[float]
    missed: int
    seconds: float
    bytes: int
    spent: dict[str, float]

    @property
    def a_second(self) -> float:
        return len(self.took) / self.seconds

    def percentile(self, share: float) -> float:
        """The milliseconds within which this share of the requests was answered."""
        return 1000 * percentile(self.took, share)

    def cost(self, *kinds: str) -> float:
        """Milliseconds of processor time a request, of these kinds of servers together."""
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
    """Have the devices do the action for so many seconds, after WARM_UP and `when_warm`.

    `at_once` connections each send the requests of an equal share of the devices in turn; 0 gives
    each device a connection of its own.
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
        # At first each worker compiles every statement for itself, so these seconds are not timed.
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
