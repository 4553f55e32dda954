"""Measures how well the servers work when they get twice as many requests as they can answer, and
how soon they recover.

Phones call faster and faster, in steps, until the servers no longer keep up. The best rate is the
highest number of outcomes a second that the servers acknowledge in any of these steps. Then the
phones call at twice the best rate, and in the end at half the best rate.

Bars (docs/benchmarks.md):
- when the phones call at twice the best rate, the servers still acknowledge at least 0.8 times as
  many outcomes as at the best rate
- when the phones call at twice the best rate, the servers answer or refuse every request, within a
  second at p99
- from ten seconds after the end of this overload, the servers answer every request, within a second
  at p95
- every promise is kept (see `bench.promises`)

The environment variable PHONES sets the number of phones.
"""

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.callers import Evening, Request, evening, judge, report_requests
from bench.handsets import MEAN_CALL
from bench.reporting import format_tail, percentile, report

LEAST_SHARE = 0.8
WITHIN_BAR = 1.0  # seconds, p99
RECOVERY_BAR = 10.0  # seconds
# The phones try to record this many outcomes a second at first, and each step multiplies that by
# GROWTH.
FIRST_STEP, GROWTH = 20.0, 1.5
# The servers fall behind if they acknowledge less than this share of the outcomes asked for.
KEPT_UP = 0.85
ACKNOWLEDGED = ("person", "nobody")
UNSERVED = ("refused", "no answer")


@dataclass(frozen=True)
class Size:
    """The number of phones, and three durations in seconds: of each step, of the overload, and of
    the time after the overload."""

    phones: int
    step: float
    overload: float
    after: float


FULL = Size(4000, 12, 45, 40)
QUICK = Size(400, 6, 15, 20)


def goodput(requests: Sequence[Request], seconds: float) -> float:
    """Return how many outcomes a second were acknowledged."""
    saved = [one for one in requests if one.kind == "cycle" and one.verdict in ACKNOWLEDGED]
    return len(saved) / seconds


def keeps_up(requests: Sequence[Request], asked: float, seconds: float) -> bool:
    """Whether nearly `asked` outcomes a second were acknowledged, and requests took at most
    WITHIN_BAR at p95."""
    late = percentile([one.took for one in requests], 0.95) > WITHIN_BAR
    return goodput(requests, seconds) >= KEPT_UP * asked and not late


def recovered_after(requests: Sequence[Request], since: float) -> float:
    """Return how many seconds after `since` the last bad second ended, or 0 if no second was bad. A
    second is bad if a request that ended in it was refused or got no answer, or if p95 was over
    WITHIN_BAR."""
    by_second: dict[int, list[Request]] = defaultdict(list)
    for one in requests:
        if one.at >= since:
            by_second[int(one.at - since)].append(one)
    bad = [
        second
        for second, ones in by_second.items()
        if any(one.verdict in UNSERVED for one in ones)
        or percentile([one.took for one in ones], 0.95) > WITHIN_BAR
    ]
    return 1.0 + max(bad) if bad else 0.0


def main(quick: bool = False) -> bool:
    """Measure, print the figures, and return whether every bar was met."""
    size = QUICK if quick else FULL
    phones = int(os.environ.get("PHONES") or size.phones)

    def ask_for(a_second: float) -> float:
        """Return the pace at which the phones record this many outcomes a second."""
        return a_second * MEAN_CALL / phones

    with evening(phones, contacts=150_000, pace=ask_for(FIRST_STEP)) as running:
        best = _find_best(running, size, ask_for)
        running.phones.ask("set_pace", pace=ask_for(2 * best))
        running.watch(size.step / 2)
        requests, _ = running.watch(size.overload)
        kept = goodput(requests, size.overload)
        running.phones.ask("set_pace", pace=ask_for(best / 2))
        ended = time.monotonic()
        after, _ = running.watch(size.after)
        broken = running.end()
    report(f"  twice that, {2 * best:.0f} a second, for {size.overload:.0f} s:")
    report_requests(requests, size.overload)
    took = [one.took for one in requests]
    recovery = recovered_after(after, ended)
    unanswered = sum(one.verdict == "no answer" for one in requests)
    report(
        f"  acknowledged {kept:.0f} a second, {kept / best:.2f} of the best; all requests p50, p95,"
        f" p99 {format_tail(took)} ms, {unanswered} without an answer; recovered {recovery:.0f} s"
        f" after the end of the load; load average {os.getloadavg()[0]:.1f}"
    )
    bars = {
        f"at least {LEAST_SHARE} of the best": kept >= LEAST_SHARE * best,
        "answered or refused within a second": percentile(took, 0.99) < WITHIN_BAR
        and not unanswered,
        "recovered within ten seconds": recovery <= RECOVERY_BAR,
    }
    return judge(bars, broken)


def _find_best(running: Evening, size: Size, ask_for: Callable[[float], float]) -> float:
    """In each step, let the phones try to record more outcomes a second, until the servers have
    fallen behind in two steps. Return the highest number of outcomes a second that the servers
    acknowledged in a step."""
    asked, best, failures = FIRST_STEP, 0.0, 0
    while failures < 2:
        running.phones.ask("set_pace", pace=ask_for(asked))
        running.watch(size.step / 3)
        requests, _ = running.watch(size.step)
        found = goodput(requests, size.step)
        took = [one.took for one in requests]
        report(
            f"  asked for {asked:.0f} a second, acknowledged {found:.0f};"
            f" all requests p50, p95, p99 {format_tail(took)} ms"
        )
        best = max(best, found)
        failures += not keeps_up(requests, asked, size.step)
        asked *= GROWTH
    return best


if __name__ == "__main__":
    sys.exit(not main(bool(os.environ.get("BENCH_QUICK"))))
