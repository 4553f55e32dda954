"""Compares the cost of a whole cycle over HTTP (record an outcome, claim a person) with the cost of
the least work that any app must do.

Ten clients send requests without a pause, in rounds of three kinds. In the rounds of the first
kind, the clients send requests to the yardstick (`bench.bare`). The yardstick runs on the same
machine, with the same number of workers. In the rounds of the second kind, the clients send the
requests of phones (`bench.call_page`). In the rounds of the third kind, they send the requests of
an API client, with JSON. The three kinds take turns, and each round is short, so that other work on
the machine affects all three alike.

Phonebank is compared with the yardstick in two ways: by requests a second, and by the processor
time of the web workers and PostgreSQL together. Each way gives a ratio of the yardstick's cost to
Phonebank's cost. The bars (docs/benchmarks.md) are the lowest ratios that are allowed.
"""

import os
import sys
from collections.abc import Callable
from statistics import median

from sqlalchemy import text

from bench import people
from bench.load import Measurement, load
from bench.people import Device
from bench.servers import migrated_app, stores, web
from phonebank.core.db import db

# The bar of each action: the lowest ratio to the yardstick that is allowed, both by requests a
# second and by processor time.
BARS = {"phones": 0.33, "json": 0.4}
NAMES = {"bare": "the least possible", "phones": "as phones make it", "json": "with JSON"}
# There are so few clients that the server refuses none of them (`phonebank.core.overload`).
AT_ONCE = 10
# Each client sends the requests of this many callers in turn, so that a caller makes as many calls
# as in an evening, and not thousands.
CALLERS_EACH = 20
WORKERS = 2
BARE, OURS = "bench.bare:app", "wsgi:app"

BARE_TABLE = """
CREATE TABLE bench_bare (
    id uuid PRIMARY KEY, phone varchar(20) NOT NULL, at timestamptz NOT NULL, note text NOT NULL
)
"""

Rounds = dict[str, list[Measurement]]


def main(quick: bool = False) -> bool:
    """Measure, print the comparison, and return whether every bar was met."""
    number, seconds = (3, 3.0) if quick else (8, 8.0)
    rounds: Rounds = {action: [] for action in NAMES}
    with stores() as environment:
        app = migrated_app(environment)
        with app.app_context():
            db.session.execute(text(BARE_TABLE))
            db.session.commit()
            _, link = people.build(30_000 if quick else 200_000)
        with web(environment, BARE, WORKERS) as bare, web(environment, OURS, WORKERS) as ours:
            nobody = [Device("", "")] * AT_ONCE
            callers = {
                action: people.join_callers(ours, link, AT_ONCE * CALLERS_EACH) for action in BARS
            }
            print("bare/s  phones/s  JSON/s", flush=True)
            for _ in range(number):
                rounds["bare"].append(load(bare, BARE, "bare", nobody, seconds))
                for action, devices in callers.items():
                    one = load(ours, OURS, action, devices, seconds, at_once=AT_ONCE)
                    rounds[action].append(one)
                last = [each[-1].a_second for each in rounds.values()]
                print("{:6.0f} {:9.0f} {:7.0f}".format(*last), flush=True)
    for action, measured in rounds.items():
        print(_words(NAMES[action], measured))
    kept = [_compare(action, rounds, bar) for action, bar in BARS.items()]
    print(
        f"medians of {number} rounds of {seconds:.0f} s; {AT_ONCE} requests at once, {WORKERS} web"
        f" workers; load average {os.getloadavg()[0]:.1f}"
    )
    return all(kept)


def _words(name: str, rounds: list[Measurement]) -> str:
    """Return, in words, how long a request took and how much processor time it cost."""

    def of(value: Callable[[Measurement], float]) -> float:
        return median(value(one) for one in rounds)

    tail = ", ".join(
        f"{of(lambda one, share=share: one.percentile(share)):.1f}"  # type: ignore[misc]
        for share in (0.5, 0.95, 0.99)
    )
    costs = ", ".join(
        f"{label} {of(lambda one, kind=kind: one.cost(kind)):.2f}"  # type: ignore[misc]
        for kind, label in {
            "web": "web",
            "postgres": "PostgreSQL",
            "redis": "Redis",
            "clients": "clients",
        }.items()
    )
    missed = sum(one.missed for one in rounds)
    return (
        f"{name}: {of(lambda one: one.a_second):.0f} a second; p50, p95, p99 {tail} ms; processor"
        f" ms a request: {costs}; {of(lambda one: one.bytes / len(one.took)):,.0f} bytes an answer"
        + (f"; {missed} WITHOUT THE EXPECTED ANSWER" if missed else "")
    )


def _compare(action: str, rounds: Rounds, bar: float) -> bool:
    """Compare an action with the yardstick by requests a second and by processor time, and print
    both ratios. Return whether both ratios keep the bar, and every request of the action got the
    expected answer."""
    pairs = list(zip(rounds["bare"], rounds[action], strict=True))
    speed = median(ours.a_second / bare.a_second for bare, ours in pairs)
    cost = median(
        bare.cost("web", "postgres") / ours.cost("web", "postgres") for bare, ours in pairs
    )
    print(
        f"{NAMES[action]} against the least possible: {speed:.2f} by requests a second,"
        f" {cost:.2f} by processor of web and PostgreSQL (bar: at least {bar} by both)"
    )
    return min(speed, cost) >= bar and not any(one.missed for one in rounds[action])


if __name__ == "__main__":
    sys.exit(not main(bool(os.environ.get("BENCH_QUICK"))))
