"""A whole cycle, record and claim, over HTTP, compared with the least that it could cost.

The bar (docs/benchmarks.md): at least half as many requests a second as `bench.bare` in the same
run, with the same server, workers and clients.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from sqlalchemy import text

from bench import people
from bench.people import Device
from bench.servers import ROOT, migrated_app, stores, web
from phonebank.core.db import db

BAR = 0.5
CALLERS = 32
WORKERS = (1, 2, 4)

WARM_UP = 2.0  # seconds

BARE_TABLE = """
CREATE TABLE bench_bare (
    id uuid PRIMARY KEY, phone varchar(20) NOT NULL, at timestamptz NOT NULL, note text NOT NULL
)
"""


@dataclass(frozen=True)
class Measurement:
    """What the clients saw: the seconds of each request, how many requests missed, and the seconds
    of the whole."""

    took: list[float]
    missed: int
    seconds: float

    @property
    def a_second(self) -> float:
        return len(self.took) / self.seconds

    def percentile(self, share: float) -> float:
        """The milliseconds within which this share of the requests was answered."""
        ordered = sorted(self.took)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def load(port: int, action: str, devices: Sequence[Device], seconds: float) -> Measurement:
    """Have the devices do the action for so many seconds, after WARM_UP."""
    settings = {
        "port": port,
        "action": action,
        "devices": [asdict(device) for device in devices],
        "seconds": seconds,
        # At first each worker compiles every statement for itself, so these seconds are not timed.
        "warm_up": WARM_UP,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.clients"],
        cwd=ROOT,
        input=json.dumps(settings),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    return Measurement(answer["took"], answer["missed"], seconds)


def main(quick: bool = False) -> float:
    """Print the comparison; return the median ratio over the numbers of workers."""
    seconds, rounds, numbers = (4, 1, WORKERS[:2]) if quick else (10, 3, WORKERS)
    anonymous = [Device("", "")] * CALLERS
    ratios = []
    with stores() as environment:
        app = migrated_app(environment)
        with app.app_context():
            db.session.execute(text(BARE_TABLE))
            db.session.commit()
            _, link = people.build(100_000)
        print("workers  bare/s  ours/s  ratio  ours p50, p95, p99 in ms")
        for workers in numbers:
            for _ in range(rounds):
                with web(environment, "bench.bare:app", workers) as port:
                    bare = load(port, "bare", anonymous, seconds)
                with web(environment, "wsgi:app", workers) as port:
                    ours = load(port, "cycles", people.join_callers(port, link, CALLERS), seconds)
                ratios.append(ours.a_second / bare.a_second)
                tail = ", ".join(f"{ours.percentile(share):.0f}" for share in (0.5, 0.95, 0.99))
                print(
                    f"{workers:7} {bare.a_second:7.0f} {ours.a_second:7.0f} {ratios[-1]:6.2f}"
                    f"  {tail}" + (f"  ({ours.missed} without a person)" if ours.missed else ""),
                    flush=True,
                )
    ratio = median(ratios)
    print(
        f"ours / bare = {ratio:.2f} (bar: at least {BAR}); {CALLERS} callers,"
        f" load average {os.getloadavg()[0]:.1f}"
    )
    return ratio


if __name__ == "__main__":
    sys.exit(main(bool(os.environ.get("BENCH_QUICK"))) < BAR)
