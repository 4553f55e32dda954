"""Measures by how much the callers of an evening are slowed down when other people look for events
on the pages `/near`.

Phones call as in `bench.callers`. The measurement consists of short turns, so that other work on
the machine slows all turns alike. In every other turn, `bench.visitors` also sends 200 requests a
second for `/near`. A third of these requests are searches. Each search is for a random postcode
district of Great Britain, because people everywhere search on a day when these pages are in the
news.

The bars (docs/benchmarks.md): with these requests, it takes at most 1.2 times as long (p95) to
record an outcome as without them. No caller's request is refused, gets an error or leaves the
caller without a person. Every promise to the phones is kept (see `bench.promises`).

The environment variable PHONES sets the number of phones. ROUNDS sets how many turns are measured
with the requests for `/near`, and as many are measured without them.
"""

import os
import sys
from collections import Counter
from itertools import chain

from bench import near
from bench.callers import GOOD, Request, evening, judge
from bench.command_process import CommandProcess
from bench.handsets import MEAN_CALL
from bench.measuring import Clock
from bench.reporting import format_tail, percentile, report
from phonebank.core.db import db
from phonebank.places.load import load_places

BAR = 1.2
RATE = 200.0
# Of the requests of strangers in a turn, this share may be sent late (see `bench.visitors`).
LATE_BAR = 0.02
EVENTS = 300
# Turns before the measurement. Whatever a process keeps for longer than a page, it has after them.
WARM_UP = 6


def store_events() -> None:
    load_places()
    db.session.commit()
    near.build(EVENTS)


def main(quick: bool = False) -> bool:
    """Measure, print the figures, and return whether every bar was met."""
    phones = int(os.environ.get("PHONES") or (300 if quick else 4_000))
    rounds = int(os.environ.get("ROUNDS") or (2 if quick else 12))
    seconds = 10.0
    pace = 3.0 if phones < 1_000 else 1.0
    cycles = phones * (1 + 3 * (WARM_UP + rounds) * seconds * pace / MEAN_CALL)
    with evening(phones, int(20_000 + 4 * cycles), pace, store_events) as running:
        with running.app.app_context():
            codes = [place.code for place in near.districts()]
        where = {"port": running.port, "codes": codes}
        with CommandProcess("bench.visitors") as visitors:

            def turn(rate: float) -> list[float]:
                clock = Clock()
                if rate:
                    visitors.send("visit", **where, rate=rate, seconds=seconds)
                requests, _ = running.watch(seconds)
                spent = clock.read()
                words = f"  {rate:.0f} requests a second: "
                if rate:
                    seen = visitors.answer()
                    statuses.update(seen["statuses"])
                    late.append(seen["late"] / (rate * seconds))
                    words += f"near p50, p95, p99 {format_tail(seen['took'])} ms; "
                all_requests.extend(requests)
                took = [one.took for one in requests if one.kind == "cycle"]
                costs = ", ".join(f"{kind} {spent[kind]:.2f}" for kind in ("web", "postgres"))
                report(f"{words}outcomes {format_tail(took)} ms of {len(took)}; of a core: {costs}")
                return took

            statuses: Counter[str] = Counter()
            late: list[float] = []
            all_requests: list[Request] = []
            # The processes compile their statements, and learn where the districts are.
            for _ in range(WARM_UP):
                turn(RATE)
            statuses.clear()
            all_requests.clear()
            late.clear()
            without, beside = [], []
            for _ in range(rounds):
                without.append(turn(0))
                beside.append(turn(RATE))
        broken = running.end()
    ratios = [
        percentile(one, 0.95) / percentile(other, 0.95)
        for one, other in zip(beside, without, strict=True)
    ]
    report(f"  outcome p95, with by without: {', '.join(f'{each:.2f}' for each in ratios)}")
    together = percentile([*chain(*beside)], 0.95) / percentile([*chain(*without)], 0.95)
    report(f"  load average {os.getloadavg()[0]:.1f}")
    report(f"  answers of /near by status: {dict(statuses)}")
    return judge(
        {
            f"outcome p95 within {BAR} (all turns together {together:.2f})": together <= BAR,
            # Otherwise the strangers would have asked for less than they should.
            f"at most {LATE_BAR:.0%} of a turn's strangers ask late ({max(late):.1%})": (
                max(late) <= LATE_BAR
            ),
            "no refusal and no error of a caller": all(one.verdict in GOOD for one in all_requests),
        },
        broken,
    )


if __name__ == "__main__":
    sys.exit(not main("--quick" in sys.argv))
