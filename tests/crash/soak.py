"""`make soak`: volunteers ring while everything around them is killed, and nothing goes wrong.

SOAK_SECONDS (600) of it with SOAK_CALLERS (64) volunteers, each a process of its own; SOAK_SEED
repeats the dice, not the races. Everything runs on this machine and talks to 127.0.0.1 only.

Exit status 0 when every promise was kept, 1 with the evidence when one was not. The folder with
journals and logs is kept then, and also with SOAK_KEEP=1.
"""

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError

from phonebank.app import alembic, create_app
from phonebank.config import Config
from phonebank.local_process import die_with_parent
from phonebank.models.suppression import FROM_ORGANISER
from phonebank.stores import db
from phonebank.suppressions import verbs as suppressions
from tests.crash import invariants, journals, orders, world
from tests.crash.organiser import Organiser
from tests.crash.site import ROOT, Site

# What is killed, and how often, out of their sum.
VICTIMS = {
    "web worker": 8, "redis": 5, "postgres": 3, "postgres backend": 3, "worker": 2,
    "worker without its job": 2, "clock": 2, "web": 2,
}  # fmt: skip
BETWEEN_KILLS = (1.0, 5.0)  # seconds
BETWEEN_KILLS_IN_A_SHORT_RUN = (0.5, 2.0)  # seconds
DOWN_FOR = (0.0, 2.0)  # seconds
CHECK_EVERY = 3.0  # seconds
# The promise: the board equals the calls within this time after any crash.
BOARD_WITHIN = 5.0
# The reaper comes every five seconds.
REAPED_WITHIN = 12.0
WORK_GOES_ON_WITHIN = 15.0
AWAY = (OperationalError, InterfaceError, RedisError)


class Soak:
    def __init__(self, folder: Path, seconds: float, callers: int, seed: int) -> None:
        self.folder, self.seconds, self.callers = folder, seconds, callers
        self.dice = random.Random(seed)
        # Short, so that many run out in a run; a volunteer who is there needs a second or two.
        self.hold_seconds = 20 if seconds > 120 else 10
        self.between_kills = BETWEEN_KILLS if seconds > 120 else BETWEEN_KILLS_IN_A_SHORT_RUN
        self.faults: list[str] = []
        self.checks: Counter[str] = Counter()
        self.suppressed: dict[str, float] = {}
        self.checked_to_the_end = False
        self.site = Site(folder)
        self.app: Flask = create_app(Config.from_environment(self.site.environment))
        with self.app.app_context():
            alembic.upgrade()
            contacts = min(20_000, 500 + int(seconds * callers * 0.6))
            self.world = world.build(contacts, seconds, self.hold_seconds, self.dice)
        self.organiser = Organiser(self.world, random.Random(seed))
        self.site.start_parts()

    def run(self) -> list[str]:
        """Every fault found, in sentences."""
        volunteers = [self._volunteer(n) for n in range(self.callers)]
        televisions = self._start("watching", {
            "url": f"http://127.0.0.1:{self.site.port}",
            "boards": self.world.board_tokens,
            "journal": str(self.folder / "boards.jsonl"),
        })  # fmt: skip
        over = threading.Event()
        checker = threading.Thread(target=self._check_until, args=(over,))
        checker.start()
        self._kill_things(time.monotonic() + self.seconds)
        for volunteer in volunteers:
            volunteer.send_signal(signal.SIGTERM)
        for volunteer in volunteers:
            volunteer.wait(120)
        stopped_at = time.time()
        over.set()
        checker.join()
        if not self.checked_to_the_end:
            self.faults.append("the checks ended too early; see above")
        with self.app.app_context():
            self._boards_agree(stopped_at)
            self._check()
            self._holds_come_back(stopped_at)
            self._compare_with_journals()
            self._check()
            while not self._organise(self.organiser.lift_everything):
                time.sleep(1)
            self._work_goes_on()
        televisions.send_signal(signal.SIGTERM)
        televisions.wait()
        return self.faults

    def _volunteer(self, number: int) -> "subprocess.Popen[bytes]":
        # Of ten, six ring for the parties, one at any hour without a party, three by the clock.
        links = [*self.world.party_links, *self.world.party_links[:2], self.world.campaign_link]
        links += [self.world.by_the_clock_link] * 3
        return self._start("volunteer", {
            "port": self.site.port,
            "path": links[number % len(links)],
            "hold_seconds": self.hold_seconds,
            "think_seconds": 0.6,
            "seed": self.dice.random(),
            "journal": str(self.folder / f"volunteer-{number:02}.jsonl"),
        })  # fmt: skip

    @staticmethod
    def _start(module: str, settings: dict[str, object]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", f"tests.crash.{module}", json.dumps(settings)],
            cwd=ROOT,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )

    def _kill_things(self, until: float) -> None:
        """One victim after another; everything is up again on return."""
        victims = itertools.chain(
            # Each once, also in a short run.
            self.dice.sample(list(VICTIMS), len(VICTIMS)),
            iter(lambda: self.dice.choices(list(VICTIMS), list(VICTIMS.values()))[0], None),
        )
        while time.monotonic() < until:
            pause = self.dice.uniform(*self.between_kills)
            time.sleep(min(pause, max(0, until - time.monotonic())))
            victim, began = next(victims), time.time()
            self.site.kill(victim, self.dice.uniform(*DOWN_FOR))
            with (self.folder / "kills.log").open("a") as kills:
                kills.write(f"{began:.3f} {victim}, {time.time() - began:.1f} s\n")
            self.site.look_after_parts()
        self.site.wait_for_web()

    def _check_until(self, over: threading.Event) -> None:
        while not over.wait(CHECK_EVERY):
            with self.app.app_context():
                self._check()
                self._suppress_somebody()
                self._organise(self.organiser.act)
        self.checked_to_the_end = True

    def _check(self) -> None:
        since = datetime.now(UTC) - timedelta(minutes=10)
        try:
            found = invariants.broken(self.world, since)
        except AWAY:
            self.checks["database away"] += 1
            _let_go()
            return
        self.checks["made"] += 1
        self.faults += found
        _let_go()

    def _suppress_somebody(self) -> None:
        """An organiser enters the number of somebody who has just been rung, or will be soon."""
        try:
            phone = invariants.some_number(self.dice.random())
            suppressions.suppress(phone, FROM_ORGANISER)
            db.session.commit()
            self.suppressed[phone] = time.time()
        except AWAY:
            _let_go()

    def _organise(self, deed: Callable[[], None]) -> bool:
        """What an organiser does; whether it was done."""
        try:
            deed()
        except AWAY:
            return False
        finally:
            _let_go()
        return True

    def _boards_agree(self, stopped_at: float) -> None:
        """The televisions show what a recount of the calls gives."""
        counted = invariants.boards_recounted(self.world)
        while True:
            shown = _last_shown(self.folder / "boards.jsonl")
            wrong = {party: (shown.get(party), counted[party]) for party in counted
                     if shown.get(party) != counted[party]}  # fmt: skip
            late = time.time() - stopped_at
            if not wrong:
                self.checks["board seconds"] = round(late)
                return
            if late > BOARD_WITHIN:
                self.faults.append(f"boards differ after {late:.1f} s (shown, counted): {wrong}")
                return
            time.sleep(0.1)

    def _holds_come_back(self, stopped_at: float) -> None:
        """Whoever was on a screen when the volunteers stopped is free again."""
        until = stopped_at + self.hold_seconds + REAPED_WITHIN
        while invariants.open_calls() and time.time() < until:
            _let_go()
            time.sleep(0.2)
        if invariants.open_calls():
            self.faults.append(f"{invariants.open_calls()} holds of vanished callers never ended")

    def _compare_with_journals(self) -> None:
        self.told = journals.read(self.folder.glob("volunteer-*.jsonl"))
        outcomes, answers = invariants.stored()
        self.faults += self.told.faults
        self.faults += journals.lost_or_changed(self.told, outcomes, answers)
        self.faults += journals.on_two_screens(self.told, orders.taken_away())
        self.faults += invariants.overlapping(self.told.reopened)
        self.faults += invariants.rung_after({**journals.never_again(self.told), **self.suppressed})
        self.faults += invariants.out_of_hours(self.world, datetime.fromtimestamp(0, UTC))
        self.faults += orders.disobeyed(
            self.organiser.orders, self.told.passed_on, self.told.barred
        )
        if self.told.put_out > self.organiser.removals_begun:
            self.faults.append(
                f"{self.told.put_out} devices were forgotten, and only"
                f" {self.organiser.removals_begun} callers removed"
            )

    def _work_goes_on(self) -> None:
        """After all that, a newcomer is given somebody, and the outcome is kept."""
        before = self.told.acknowledged
        newcomer = self._volunteer(self.callers)
        give_up = time.monotonic() + WORK_GOES_ON_WITHIN
        while self._acknowledged() <= before and time.monotonic() < give_up:
            time.sleep(0.5)
        newcomer.send_signal(signal.SIGTERM)
        newcomer.wait(60)
        if self._acknowledged() <= before:
            self.faults.append("after the chaos nobody could ring any more")

    def _acknowledged(self) -> int:
        return journals.read(self.folder.glob("volunteer-*.jsonl")).acknowledged

    def summary(self) -> str:
        """What was done to the site, and what it did all the same."""
        told, site = self.told, self.site
        rung, zones = 0, 0
        with self.app.app_context():
            rung, zones = invariants.zones_rung(self.world)
        lines = [
            f"{self.seconds:.0f} s, {self.callers} volunteers, {self.world.contacts} contacts in"
            f" each of 2 campaigns, holds of {self.hold_seconds} s, load {os.getloadavg()[0]:.1f}",
            f"killed: {_counts(site.kills)}",
            f"ended by themselves: {_counts(site.ended_by_themselves) or 'none'}",
            f"requests: {told.requests}, of them in trouble: {_counts(told.troubles)}",
            f"answers: {_counts(told.answers)}",
            f"outcomes acknowledged: {told.acknowledged}; calls with an undo:"
            f" {len(told.reopened)}; vanished: {told.vanished};"
            f" put out: {told.put_out}",
            f"done by an organiser: {len(self.suppressed)} suppressed,"
            f" {_counts(self.organiser.done)}",
            f"zone keys rung by the clock: {rung} of {zones}",
            f"checks: {_counts(self.checks)}",
        ]
        return "\n".join(lines)


def _let_go() -> None:
    """End what was begun in the database, which may have gone away with it."""
    with suppress(*AWAY):
        db.session.rollback()


def _last_shown(path: Path) -> dict[int, tuple[int, int, int]]:
    newest: dict[int, dict[str, int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        board = json.loads(line)
        if board["version"] >= newest.get(board["party"], board)["version"]:
            newest[board["party"]] = board
    return {p: (b["calls"], b["conversations"], b["yeses"]) for p, b in newest.items()}


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))


def main() -> int:
    seconds = float(os.environ.get("SOAK_SECONDS") or 600)
    callers = int(os.environ.get("SOAK_CALLERS") or 64)
    seed = int(os.environ.get("SOAK_SEED") or random.randrange(10**6))
    # Directly under /tmp: a unix socket's path may have 107 characters and no more.
    folder = Path(tempfile.mkdtemp(prefix="pb-soak-"))
    print(f"Soaking for {seconds:.0f} s in {folder} (SOAK_SEED={seed})", flush=True)
    soak = Soak(folder, seconds, callers, seed)
    try:
        faults = soak.run()
        print(soak.summary())
    finally:
        soak.site.stop()
    if not faults:
        print("Every promise was kept.")
        if not os.environ.get("SOAK_KEEP"):
            shutil.rmtree(folder, ignore_errors=True)
        return 0
    print(f"{len(faults)} faults; journals and logs are in {folder}:")
    for fault, times in Counter(faults).most_common(40):
        print(f"- {fault}" + (f" ({times} times)" if times > 1 else ""))
    return 1


if __name__ == "__main__":
    sys.exit(main())
