"""Measures how well the servers work on an evening with many phones and a few televisions. The
phones record outcomes, renew their holds, save answers and undo outcomes, as people's phones do.
The servers are PostgreSQL, Redis, and all processes of the Procfile except the one that is named
release.

Bars (docs/benchmarks.md):
- a tap on an outcome brings the next person within 300 ms at p95 and 800 ms at p99
- no request is refused or gets an error, each recorded outcome brings a next person, and no line
  (Socket.IO connection) of a phone or a television is lost
- every promise to the phones is kept, for example that each acknowledged outcome is stored (see
  `bench.promises`)

The environment variable PHONES sets the number of phones, and CALLERS_SECONDS sets how many seconds
the measurement lasts. The measurement begins once every phone has had a first person and has opened
its line.
"""

import os
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from flask import Flask
from sqlalchemy import text

from bench import people, promises
from bench.command_process import CommandProcess
from bench.handsets import MEAN_CALL
from bench.measuring import MB, Clock, memory
from bench.reporting import format_tail, percentile, report
from bench.servers import migrated_app, procfile, stores
from phonebank.core.db import db

P95_BAR, P99_BAR = 0.3, 0.8  # seconds
TELEVISIONS = 5
# This many phones at a time ask for their first person, so they come no faster than the server can
# serve them.
AT_ONCE = 8
# The bench gives up if, on average, fewer phones a second than this get their first person.
SLOWEST_START = 10
# Seconds. Within DRAIN every phone must have its last answer. Within SHOWN_WITHIN after that, every
# board must show the last call.
DRAIN, SHOWN_WITHIN = 60, 5.0
WEB_WORKERS = 2
KINDS = {
    "web": "web",
    "postgres": "PostgreSQL",
    "redis": "Redis",
    "jobs": "job workers and clock",
    "phones": "phones",
}


class Request(NamedTuple):
    """One request of a phone: the moment of its end (on the machine's monotonic clock), its kind,
    its duration in seconds, its verdict (see `bench.handsets`), and the answer's size in
    bytes."""

    at: float
    kind: str
    took: float
    verdict: str
    length: int


# The verdicts of requests that succeeded.
GOOD = ("person", "saved", "redirected")


@dataclass
class Evening:
    """An evening that is under way: the phones' process, and what is needed to check the
    servers."""

    app: Flask
    phones: CommandProcess
    contacts: int
    log: Path
    boards: dict[int, str]
    port: int

    def observe(self) -> tuple[list[Request], dict[str, Any]]:
        """Return what the phones have seen since the last observation: their requests, and the
        other figures of the command "observed" (see `bench.handsets`)."""
        told = self.phones.ask("observed")
        return [Request(*each) for each in told.pop("requests")], told

    def watch(self, seconds: float) -> tuple[list[Request], dict[str, Any]]:
        """Wait this many seconds, and return what the phones have seen in this time."""
        self.observe()
        time.sleep(seconds)
        return self.observe()

    def end(self) -> dict[str, list[str]]:
        """End the evening. Return a list of violations for each promise (see `promises`). Two
        further lists have the boards with wrong figures and the errors in the web log."""
        notes = self.phones.ask("end", drain=DRAIN)
        with self.app.app_context():
            broken = promises.broken_promises(notes)
            broken["boards that do not show the recount"] = self._wrong_boards()
        lines = self.log.read_text(errors="replace").splitlines()
        broken["errors in the log"] = [
            line for line in lines if " ERROR " in line or "Traceback" in line
        ]
        return broken

    def _wrong_boards(self) -> list[str]:
        """Wait until every television shows the number of calls that a recount finds, but at most
        SHOWN_WITHIN seconds. Return a text about each television that still shows another
        number."""
        rows = db.session.execute(
            text("SELECT party_id, count(*) AS calls FROM call WHERE counted GROUP BY party_id")
        )
        calls = {row.party_id: row.calls for row in rows}
        give_up = time.monotonic() + SHOWN_WITHIN
        while True:
            shown = {int(party): n for party, n in self.phones.ask("shown").items()}
            wrong = [
                f"party {party}: {n} instead of {calls.get(party, 0)}"
                for party, n in shown.items()
                if n != calls.get(party, 0)
            ]
            if not wrong or time.monotonic() > give_up:
                return wrong
            time.sleep(0.5)


@contextmanager
def evening(
    phones: int,
    contacts: int,
    pace: float = 1.0,
    store_more: Callable[[], None] = lambda: None,
) -> Iterator[Evening]:
    """Run the servers and `phones` phones. Yield when every phone has received its first person and
    has opened its line (its Socket.IO connection). Raises RuntimeError if that takes too long.

    `store_more` stores any other rows that the measurement needs. It is called in an app context,
    before the contacts and callers are stored.
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with stores() as environment:
        app = migrated_app(environment)
        with app.app_context():
            store_more()
            campaign_id, _ = people.build(contacts)
            promises.note_before()
            devices, boards = people.make_callers(app, campaign_id, phones)
        watched = dict(list(boards.items())[:TELEVISIONS])
        environment = environment | {"WEB_CONCURRENCY": str(WEB_WORKERS)}
        with procfile(environment) as port, CommandProcess("bench.handsets") as process:
            began = time.monotonic()
            process.ask(
                "begin",
                port=port,
                at_once=AT_ONCE,
                pace=pace,
                devices=[vars(device) for device in devices],
                boards=watched,
            )
            _wait_until_begun(process, phones)
            seconds = time.monotonic() - began
            report(
                f"  {phones:,} phones had a first person and a line after {seconds:.0f} s,"
                f" {phones / seconds:.0f} a second"
            )
            log = Path(environment["PHONEBANK_VAR"]) / "web.log"
            yield Evening(app, process, contacts, log, watched, port)


def _wait_until_begun(process: CommandProcess, phones: int) -> None:
    """Wait until every phone has had a first person and has opened its line. Raises RuntimeError if
    that takes too long."""
    give_up = time.monotonic() + 60 + phones / SLOWEST_START
    while (begun := process.ask("begun")["phones"]) < phones:
        if time.monotonic() > give_up:
            requests = (Request(*each) for each in process.ask("observed")["requests"])
            seen = Counter((one.kind, one.verdict) for one in requests)
            raise RuntimeError(f"only {begun} of {phones} phones have begun: {dict(seen)}")
        time.sleep(0.5)


def main(quick: bool = False) -> bool:
    """Measure, print the figures, and return whether every bar was met."""
    phones = int(os.environ.get("PHONES") or (300 if quick else 10_000))
    seconds = float(os.environ.get("CALLERS_SECONDS") or (30 if quick else 300))
    cycles = phones * (1 + seconds / MEAN_CALL)
    with evening(phones, contacts=int(20_000 + 4 * cycles)) as running:
        cpu, clock = _cpu_of(running.phones), Clock()
        requests, told = running.watch(seconds)
        spent = clock.read()
        spent["phones"] = (_cpu_of(running.phones) - cpu) / seconds
        used = {kind: memory(kind) for kind in KINDS if kind != "phones"}
        phones_memory = psutil.Process(running.phones.process.pid).memory_info().rss
        broken = running.end()
    bars = _report(requests, seconds, spent)
    report(
        f"  {told['connections']:,} connections opened; {told['lost']} lines lost;"
        f" load average {os.getloadavg()[0]:.1f}"
    )
    words = [
        f"{KINDS[kind]} {', '.join(f'{rss:.0f} ({pss:.0f})' for rss, pss in read)}"
        if len(read) <= WEB_WORKERS
        else f"{KINDS[kind]} ({sum(pss for _, pss in read):.0f}) in {len(read)} processes"
        for kind, read in used.items()
    ]
    report(f"  memory, MB RSS (PSS): {'; '.join(words)}; phones {phones_memory / MB:.0f}")
    bars["no line lost"] = not told["lost"]
    return judge(bars, broken)


def judge(bars: dict[str, bool], broken: dict[str, list[str]]) -> bool:
    """Print how often each promise was broken, and whether each bar was kept. Return whether all
    promises and all bars were kept."""
    for name, found in broken.items():
        report(f"  {name}: {len(found)}{' ' + str(found[:3]) if found else ''}")
    bars["every promise kept"] = not any(broken.values())
    for bar, kept in bars.items():
        report(f"  {bar}: {'kept' if kept else 'MISSED'}")
    return all(bars.values())


def report_requests(requests: list[Request], seconds: float) -> None:
    """Print, for each kind of request, how many requests succeeded and how long those took. For the
    other requests, print how often each verdict came."""
    by_kind: dict[str, list[Request]] = defaultdict(list)
    for one in requests:
        by_kind[one.kind].append(one)
    for kind, ones in sorted(by_kind.items(), key=lambda each: -len(each[1])):
        good = [one for one in ones if one.verdict in GOOD]
        others = Counter(one.verdict for one in ones if one.verdict not in GOOD)
        words = f"  {kind}: {len(good):,}, {len(good) / seconds:.1f} a second"
        if good:
            size = sum(one.length for one in good) / len(good)
            words += f"; p50, p95, p99 {format_tail([one.took for one in good])} ms"
            words += f"; {size:,.0f} bytes an answer"
        if others:
            words += "; BESIDES " + ", ".join(f"{n} × {verdict}" for verdict, n in others.items())
        report(words)


def _report(requests: list[Request], seconds: float, spent: Mapping[str, float]) -> dict[str, bool]:
    """Print the figures. Return, for each bar, whether it was kept."""
    report_requests(requests, seconds)
    cycles = [one.took for one in requests if one.kind == "cycle" and one.verdict in GOOD]
    costs = ", ".join(
        f"{words} {1000 * spent[kind] * seconds / len(cycles):.2f} ({spent[kind]:.2f})"
        for kind, words in KINDS.items()
    )
    report(f"  processor, ms a cycle (and of a core): {costs}; {sum(spent.values()):.2f} of a core")
    return {
        f"p95 of a cycle under {1000 * P95_BAR:.0f} ms": percentile(cycles, 0.95) < P95_BAR,
        f"p99 of a cycle under {1000 * P99_BAR:.0f} ms": percentile(cycles, 0.99) < P99_BAR,
        "no refusal and no error": all(one.verdict in GOOD for one in requests),
    }


def _cpu_of(process: CommandProcess) -> float:
    times = psutil.Process(process.process.pid).cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    sys.exit(not main(bool(os.environ.get("BENCH_QUICK"))))
