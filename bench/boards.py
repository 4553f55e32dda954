"""Measures two web workers that serve a thousand televisions and ten thousand callers' screens.
Each television shows a board, which is the page of a party's figures.

Bars (docs/benchmarks.md):
- at p99 an outcome is on the board of its party within a second after the outcome is committed
- after all boards have disconnected at the same moment and come back, every board shows the right
  figures again, without an error
- after a web process has sent the events of six hours, it uses hardly more memory than after the
  first fifth of these events
- the bench's own client receives the same events as the client of the library python-socketio
"""

import bisect
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, cast

import socketio
from flask import Flask
from sqlalchemy import text

from bench import evening, rooms
from bench.command_process import CommandProcess
from bench.measuring import Clock, memory
from bench.reporting import format_tail, percentile, report
from bench.rooms import Rooms
from bench.servers import ROOT, migrated_app, stores, web
from phonebank.core.db import db

BAR = 1.0  # seconds, p99
WORKERS = 2
# This many outcomes are recorded a second: more than the planned peak of 70 dials a second. When
# outcomes are written in bulk, there are ten times as many.
RATE = 85.0


@dataclass(frozen=True)
class Size:
    """The size of the measurement. `parties` is the number of parties. `rate` is the number of
    outcomes a second that the service records. For the measurement of memory, each board gets one
    event in each round, and `ticks` is the number of rounds. The other attributes are durations in
    seconds."""

    parties: int
    rate: float
    idle: float
    seconds: float
    bulk_seconds: float
    ticks: int
    # Seconds, longer than the evening takes.
    evening: float = 1800


FULL = Size(1000, RATE, 20, 60, 30, 43_200)
QUICK = Size(50, 20, 5, 10, 8, 1_000)

Recorded = list[tuple[int, int, float]]


class OutcomesProcess:
    """A process of `bench.outcomes`. The process starts when an object of this class is made."""

    def __init__(
        self, environment: dict[str, str], campaign_id: int, rate: float, seconds: float, bulk: bool
    ) -> None:
        settings = {"campaign_id": campaign_id, "rate": rate, "seconds": seconds, "bulk": bulk}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.outcomes"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin
        self._process.stdin.write(json.dumps(settings))
        self._process.stdin.close()
        # The process first makes an app and claims people. That time is not measured.
        self._answer("ready")

    def recorded(self) -> dict[str, Any]:
        """Wait until the process is done, and return its report (see `bench.outcomes`). Raises
        RuntimeError if the process ends without a report."""
        answer = self._answer("recorded")
        self._process.wait()
        return answer

    def end(self) -> None:
        """Stop the process, even if it is not done."""
        self._process.kill()
        self._process.wait()

    def _answer(self, about: str) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the writer of outcomes ended early")
        return cast(dict[str, Any], json.loads(line)[about])


@contextmanager
def crowds(number: int) -> Iterator[list[CommandProcess]]:
    """Run `number` processes of `bench.lines`, and end them when the `with` block ends."""
    with ExitStack() as stack:
        yield [stack.enter_context(CommandProcess("bench.lines")) for _ in range(number)]


def delays_of(recorded: Recorded, events: Recorded) -> tuple[list[float], int]:
    """Return how many seconds passed from the commit of each outcome until the party's board got
    figures that include the outcome. Leave out the outcomes that never came to their board, and
    also return the number of these outcomes."""
    heard: dict[int, list[tuple[int, float]]] = defaultdict(list)
    highest: dict[int, int] = defaultdict(int)
    for party, calls, at in events:
        if calls > highest[party]:
            highest[party] = calls
            heard[party].append((calls, at))
    seconds, never = [], 0
    for party, calls, at in recorded:
        first = bisect.bisect_left(heard[party], (calls, 0.0))
        if first == len(heard[party]):
            never += 1
        else:
            seconds.append(heard[party][first][1] - at)
    return seconds, never


def board_line(party: int, token: str) -> dict[str, Any]:
    """Return what `bench.lines` needs to know about a television's line (its Socket.IO
    connection)."""
    return {"namespace": "/board", "auth": {"token": token}, "party": party}


def matches_library_client(port: int, environment: dict[str, str], parties: Rooms) -> bool:
    """Whether the bench's own client and the client of the library python-socketio receive the same
    events. Both clients listen to the first board while outcomes are recorded. Events with the same
    version must be equal after decoding, and at least one version must have reached both
    clients."""
    party, token = next(iter(parties.boards.items()))
    expected: list[dict[str, Any]] = []
    client = socketio.Client()
    client.on("board", expected.append, namespace="/board")
    with crowds(1) as (ours,):
        client.connect(
            f"http://127.0.0.1:{port}",
            auth={"token": token},
            transports=["websocket"],
            namespaces=["/board"],
        )
        lines = [board_line(party, token) for _ in range(16)]
        ours.ask("connect", port=port, at_once=1, keep_whole=True, lines=lines)
        OutcomesProcess(environment, parties.campaign_id, 100, 4, bulk=True).recorded()
        heard = ours.ask("heard")["boards"]
        client.disconnect()
    # Each web process sends its own events. With sixteen lines, some are on the same process as the
    # library's client.
    known = {board["version"]: board for board in heard}
    both = [board for board in expected if board["version"] in known]
    return bool(both) and all(known[board["version"]] == board for board in both)


def describe_cost(clock: Clock, events: int, seconds: float, writers: float) -> str:
    """Return a text that says how many processor seconds the servers have used in each second, on
    average since `clock` was made. The text also says how many events were sent a second. `writers`
    is the number of processor seconds that are subtracted from PostgreSQL's (see `Clock.read`)."""
    spent = clock.read(writers)
    return (
        f"processor seconds a second: web {spent['web']:.3f}, PostgreSQL {spent['postgres']:.3f},"
        f" Redis {spent['redis']:.3f}; {events / seconds:.0f} events sent a second"
    )


def calls_of(app: Flask) -> dict[int, int]:
    """Return the number of committed calls of each party."""
    with app.app_context():
        rows = db.session.execute(
            text("SELECT party_id, sum(calls)::int AS calls FROM tally GROUP BY 1")
        )
        return {row.party_id: row.calls for row in rows}


def measure(
    size: Size, app: Flask, environment: dict[str, str], parties: Rooms, port: int
) -> dict[str, bool]:
    """Connect all boards and screens, record outcomes, and disconnect and reconnect all boards.
    Print the figures. Return, for each bar that was measured, whether it was kept."""
    bars = {}
    with crowds(3) as (televisions, *screens):
        report(
            f"  memory of the web, MB RSS (PSS): {describe_memory(memory())}, with nobody connected"
        )
        for part, crowd in enumerate(screens):
            lines = [
                {"namespace": "/caller", "cookie": cookie}
                for cookie in parties.cookies[part :: len(screens)]
            ]
            crowd.send("connect", port=port, at_once=20, lines=lines)
        answers = [crowd.answer() for crowd in screens]
        took = max(answer["seconds"] for answer in answers)
        errors = sum(answer["errors"] for answer in answers)
        report(f"  {len(parties.cookies):,} screens connected in {took:.0f} s, {errors} errors")
        report(f"  memory: {describe_memory(memory())}")
        lines = [board_line(*board) for board in parties.boards.items()]
        answer = televisions.ask("connect", port=port, at_once=20, lines=lines)
        report(
            f"  {len(lines):,} boards connected in {answer['seconds']:.0f} s,"
            f" {answer['errors']} errors"
        )
        report(f"  memory: {describe_memory(memory())}")

        def run_phase(name: str, rate: float, seconds: float, bulk: bool = False) -> float:
            writer = (
                OutcomesProcess(environment, parties.campaign_id, rate, seconds, bulk)
                if rate
                else None
            )
            televisions.ask("heard")
            clock, began = Clock(), time.monotonic()
            if writer is None:
                time.sleep(seconds)
                done: dict[str, Any] = {"recorded": [], "backend_cpu": 0.0, "cpu": 0.0}
            else:
                done = writer.recorded()
            lasted = time.monotonic() - began
            events = televisions.ask("heard")["events"]
            words = describe_cost(clock, len(events), lasted, done["backend_cpu"])
            if writer is not None:
                # Boards have not got the last outcomes yet.
                give_up = time.monotonic() + 6
                while delays_of(done["recorded"], events)[1] and time.monotonic() < give_up:
                    time.sleep(0.5)
                    events += televisions.ask("heard")["events"]
            report(f"  {name}: {words}")
            if writer is None:
                return 0.0
            seconds_each, never = delays_of(done["recorded"], events)
            report(
                f"    {len(done['recorded']):,} outcomes, {len(done['recorded']) / lasted:.0f} a"
                f" second; committed → shown p50, p95, p99: {format_tail(seconds_each)} ms, at most"
                f" {1000 * max(seconds_each):.0f}; never shown: {never}"
            )
            return percentile(seconds_each, 0.99) if not never else float("inf")

        run_phase("no outcomes", 0, size.idle)
        p99 = run_phase(
            f"{size.rate:.0f} outcomes a second, by the service", size.rate, size.seconds
        )
        bars["shown within a second"] = p99 < BAR
        run_phase(
            f"{10 * size.rate:.0f} a second, in bulk", 10 * size.rate, size.bulk_seconds, bulk=True
        )

        enough = sum(calls_of(app).values()) + 3 * size.rate
        writer = OutcomesProcess(environment, parties.campaign_id, size.rate, 20, bulk=False)
        # All boards reconnect while outcomes are recorded: three seconds after the first outcome,
        # on a machine that keeps up.
        give_up = time.monotonic() + 20
        while sum(calls_of(app).values()) < enough and time.monotonic() < give_up:
            time.sleep(0.1)
        storm = televisions.ask("storm", wanted=calls_of(app))
        writer.recorded()
        heard = [televisions.ask("heard"), *(crowd.ask("heard") for crowd in screens)]
        lost = sum(each["lost"] for each in heard)
        report(
            f"  all boards drop and come back at once: right again after p50, p95, p99"
            f" {format_tail(storm['seconds'])} ms, the last after {max(storm['seconds']):.1f} s;"
            f" {storm['errors']} errors; {lost} lines lost in all"
        )
        bars["back without an error"] = not storm["errors"] and not lost
        report(f"  memory: {describe_memory(memory())}; load average {os.getloadavg()[0]:.1f}")
        cpu = ", ".join(f"{each['cpu']:.0f}" for each in heard)
        report(f"  the clients themselves used {cpu} processor seconds, of boards and of callers")
    return bars


def describe_memory(read: list[tuple[float, float]]) -> str:
    """Return a text with each process's RSS and, in brackets, its PSS, both in MB."""
    return " and ".join(f"{rss:.0f} ({pss:.0f})" for rss, pss in read)


def main(quick: bool = False) -> bool:
    """Measure, print the figures, and return whether every bar was met."""
    size = QUICK if quick else FULL
    with stores() as environment:
        app = migrated_app(environment)
        with app.app_context():
            parties = rooms.build(app, size.parties)
        with web(environment, "wsgi:app", WORKERS) as port:
            bars = {
                "our client hears what the library's hears": matches_library_client(
                    port, environment, parties
                )
            }
        with web(environment, "wsgi:app", WORKERS) as port:
            bars |= measure(size, app, environment, parties, port)
        with web(environment, "bench.unpaused:app", 1) as port, crowds(1) as (televisions,):
            lines = [board_line(*board) for board in list(parties.boards.items())[: evening.BOARDS]]
            televisions.ask("connect", port=port, at_once=1, lines=lines)
            writer = OutcomesProcess(
                environment, parties.campaign_id, evening.RATE, size.evening, bulk=True
            )
            bars["a web process uses no more memory after six hours"] = evening.watch(
                televisions, size.ticks, report
            )
            writer.end()
    for bar, kept in bars.items():
        report(f"  {bar}: {'kept' if kept else 'MISSED'}")
    return all(bars.values())


if __name__ == "__main__":
    sys.exit(not main(bool(os.environ.get("BENCH_QUICK"))))
