"""`make soak`: volunteers call while everything around them is killed, and nothing goes wrong.

It takes SOAK_SECONDS (600) with SOAK_CALLERS (64) volunteers, each a separate process. SOAK_SEED
repeats the dice, not the races. With an odd seed Redis comes back from its own file, and with one
that three divides it forgets keys. Everything runs on this machine and talks to 127.0.0.1 only.

The exit status is 0 if every promise was kept, and 1 with the evidence if one was not. The folder
with journals and logs is kept then, and with SOAK_KEEP=1; never with SOAK_FORGET=1.
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
from pathlib import Path

from flask import Flask

from phonebank.app import alembic, create_app
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.local.process import die_with_parent
from tests.crash import history, invariants, journals, ledger, staff, world
from tests.crash.site import ROOT, Site

# What is killed, and its share of the kills.
VICTIMS = {
    "web worker": 8, "redis": 5, "postgres": 3, "postgres backend": 3, "worker": 2, "urgent": 2,
    "worker without its job": 2, "clock": 2, "web": 1, "other web": 1, "redis's memory": 3,
}  # fmt: skip
BETWEEN_KILLS = (1.0, 5.0)  # seconds
BETWEEN_KILLS_IN_A_SHORT_RUN = (1.0, 4.0)  # seconds
DOWN_FOR = (0.0, 2.0)  # seconds
CHECK_EVERY = 3.0  # seconds
# The promise: the board equals the calls within this time after any crash.
BOARD_WITHIN = 5.0
# Holds are expired every five seconds.
REAPED_WITHIN = 12.0
WORK_GOES_ON_WITHIN = 15.0
# The staff at their desks, each a thread. Two organisers press on the same rows, and so do the
# hosts.
STAFF = (
    staff.Organiser, staff.Organiser, staff.Host, staff.Host, staff.SideHost, staff.SideHost,
    staff.Wanderer, staff.SlowHand,
)  # fmt: skip
# The least numbers in a minute. A run with fewer shows little.
ENOUGH_A_MINUTE = {"undo": 2, "reached": 2, "renew": 8}


class Soak:
    def __init__(self, folder: Path, seconds: float, callers: int, seed: int) -> None:
        self.folder, self.seconds, self.callers, self.seed = folder, seconds, callers, seed
        self.dice = random.Random(seed)
        # Holds are short, so that many expire in a run; a volunteer who is there needs a second or
        # two.
        self.hold_seconds = 20 if seconds > 120 else 10
        self.between_kills = BETWEEN_KILLS if seconds > 120 else BETWEEN_KILLS_IN_A_SHORT_RUN
        self.faults: list[str] = []
        self.checks: Counter[str] = Counter()
        self.done_by_staff: Counter[str] = Counter()
        self.over = threading.Event()
        self.at_work: list[threading.Thread] = []
        self.to_the_end = 0
        self.site = Site(
            folder,
            web_workers=1,
            clock_ahead=history.CLOCKS_DIFFER * self.dice.choice((1, -1)),
            redis_keeps_its_file=seed % 2 == 1,
        )
        self.redis_forgets = seed % 3 == 0
        self.app: Flask = create_app(Config.from_environment(self.site.environment))
        with self.app.app_context():
            alembic.upgrade()
            contacts = min(20_000, 500 + int(seconds * callers * 0.6))
            self.world = world.build(contacts, seconds, self.hold_seconds, self.dice)
            ledger.install()
        # The pages' own JavaScript modules. The volunteers with phones run them.
        scripts = folder / "js"
        shutil.copytree(ROOT / "phonebank" / "static" / "js", scripts)
        (scripts / "package.json").write_text('{"type": "module"}')
        self.site.start_parts()

    def run(self) -> list[str]:
        """Every fault found, in sentences."""
        volunteers = [self._volunteer(n) for n in range(self.callers)]
        televisions = self._start("watching", {
            "url": f"http://127.0.0.1:{self.site.port}",
            "boards": self.world.board_tokens,
            "journal": str(self.folder / "boards.jsonl"),
        })  # fmt: skip
        self._start_work()
        self._kill_things(time.monotonic() + self.seconds)
        for volunteer in volunteers:
            volunteer.send_signal(signal.SIGTERM)
        for volunteer in volunteers:
            volunteer.wait(120)
        stopped_at = time.time()
        self.over.set()
        for thread in self.at_work:
            thread.join()
        if self.to_the_end < len(self.at_work):
            self.faults.append("a check or a desk ended too early; see above")
        with self.app.app_context():
            self._boards_agree(stopped_at)
            self._check()
            self._holds_come_back(stopped_at)
            self._judge()
            self._check()
            while not self._try(lambda: staff.allow_everything(self.world)):
                time.sleep(1)
            self._work_goes_on()
        televisions.send_signal(signal.SIGTERM)
        televisions.wait()
        return self.faults

    def _volunteer(self, number: int) -> "subprocess.Popen[bytes]":
        # Of ten volunteers, six call for the parties, one for a campaign at any hour without a
        # party, and three for the campaign with hours.
        by_the_clock, by_itself = [self.world.by_the_clock_link], [self.world.campaign_link]
        paths = [self.world.party_links] * 6 + [by_itself] + [by_the_clock] * 3
        name = f"volunteer-{number:02}"
        return self._start("phone.mjs" if number % 2 else "volunteer", {
            "ports": self.site.ports,
            "paths": paths[number // 2 % len(paths)],
            "hold_seconds": self.hold_seconds,
            "think_seconds": 0.6,
            "seed": self.dice.random(),
            "journal": str(self.folder / f"{name}.jsonl"),
            "scripts": str(self.folder / "js"),
            # The address comes from the range for examples, which no one has.
            "from_address": f"198.51.100.{number % 250 + 1}",
        }, name)  # fmt: skip

    def _start(
        self, module: str, settings: dict[str, object], name: str = "televisions"
    ) -> "subprocess.Popen[bytes]":
        """Start a process of Python, or of Node if the module is Node's."""
        program = [sys.executable, "-m", f"tests.crash.{module}"]
        if module.endswith(".mjs"):
            program = ["node", str(Path(__file__).with_name(module))]
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*program, json.dumps(settings)],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )

    def _kill_things(self, until: float) -> None:
        """Kill one victim after another. Everything is up again on return."""
        victims = itertools.chain(
            # Each victim is killed once, also in a short run.
            self.dice.sample(list(VICTIMS), len(VICTIMS)),
            iter(lambda: self.dice.choices(list(VICTIMS), list(VICTIMS.values()))[0], None),
        )
        while time.monotonic() < until:
            pause = self.dice.uniform(*self.between_kills)
            time.sleep(min(pause, max(0, until - time.monotonic())))
            victim, began = next(victims), time.time()
            if victim == "redis's memory":
                # Redis then evicts as a full one does; with the other seeds it has room.
                share = self.dice.choice((0.1, 0.3, 0.6)) if self.redis_forgets else 0
                self.checks["keys forgotten"] += self.site.let_redis_forget(share, self.dice)
            else:
                self.site.kill(victim, self.dice.uniform(*DOWN_FOR))
            with (self.folder / "kills.log").open("a") as kills:
                kills.write(f"{began:.3f} {victim}, {time.time() - began:.1f} s\n")
            self.site.look_after_parts()
        self.site.wait_for_web()

    def _start_work(self) -> None:
        """Start the checks and the staff, each in a thread."""
        for number, kind in enumerate(STAFF):
            desk = kind(self.world, random.Random(f"{self.seed} {number}"), self.done_by_staff)
            thread = threading.Thread(target=self._work, args=(desk,), name=kind.__name__)
            self.at_work.append(thread)
        self.at_work.append(threading.Thread(target=self._check_until_over, name="checks"))
        for thread in self.at_work:
            thread.start()

    def _work(self, desk: staff.Desk) -> None:
        while not self.over.wait(desk.dice.expovariate(1 / desk.between)):
            with self.app.app_context():
                if not self._try(desk.act):
                    self.done_by_staff["stores away"] += 1
        self.to_the_end += 1

    def _check_until_over(self) -> None:
        while not self.over.wait(CHECK_EVERY):
            with self.app.app_context():
                self._check()
        self.to_the_end += 1

    def _check(self) -> None:
        found: list[str] = []
        if self._try(lambda: found.extend(invariants.broken(self.world))):
            self.checks["made"] += 1
            self.faults += found
        else:
            self.checks["database away"] += 1

    def _try(self, action: Callable[[], object]) -> bool:
        """Do the action. Return whether PostgreSQL and Redis answered."""
        try:
            action()
        except staff.AWAY:
            return False
        finally:
            _roll_back()
        return True

    def _boards_agree(self, stopped_at: float) -> None:
        """Check that the televisions show what a recount of the calls gives."""
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
        """Check that every contact on a screen when the volunteers stopped is free again."""
        until = stopped_at + self.hold_seconds + REAPED_WITHIN
        while invariants.open_calls() and time.time() < until:
            _roll_back()
            time.sleep(0.2)
        if invariants.open_calls():
            self.faults.append(f"{invariants.open_calls()} holds of vanished callers never ended")

    def _judge(self) -> None:
        """Check what the volunteers were told, what the ledger says, and whether both agree."""
        self.told = told = journals.read(self.folder.glob("volunteer-*.jsonl"))
        entries = ledger.read()
        outcomes, answers = invariants.stored()
        self.faults += told.faults
        self.faults += journals.lost_or_changed(told, outcomes, answers)
        self.faults += journals.on_two_screens(told, history.removed_calls(entries))
        self.faults += history.broken(entries)
        self.faults += history.out_of_hours(entries, self.world.by_the_clock_id, self.world.opening)
        self.faults += history.given_after(entries, journals.never_again(told))
        self.faults += history.broken_promises(entries, told.promised)
        self.faults += history.refused_before_promised(entries, told.promised, told.refused)
        self.faults += history.shortened(told.promised)
        self.removals = history.removals(entries)
        if told.put_out > self.removals:
            self.faults.append(
                f"{told.put_out} devices were forgotten, and only {self.removals} callers removed"
            )
        for kind, at_least in ENOUGH_A_MINUTE.items():
            done, wanted = told.answers[f"{kind} 200"], at_least * self.seconds / 60
            if done < wanted:
                self.faults.append(f"too little to go by: {kind} was done {done} times only")

    def _work_goes_on(self) -> None:
        """Check that afterwards a newcomer gets a contact, and that the outcome is kept."""
        before = self.told.acknowledged
        newcomer = self._volunteer(self.callers)
        give_up = time.monotonic() + WORK_GOES_ON_WITHIN
        while self._acknowledged() <= before and time.monotonic() < give_up:
            time.sleep(0.5)
        newcomer.send_signal(signal.SIGTERM)
        newcomer.wait(60)
        if self._acknowledged() <= before:
            self.faults.append("after the chaos no caller could call any more")

    def _acknowledged(self) -> int:
        return journals.read(self.folder.glob("volunteer-*.jsonl")).acknowledged

    def summary(self) -> str:
        """Return in words what was killed, and what the site still did."""
        told, site = self.told, self.site
        called, zones = 0, 0
        with self.app.app_context():
            called, zones = invariants.zones_called(self.world)
        lines = [
            f"{self.seconds:.0f} s, {self.callers} volunteers, {self.world.contacts} contacts in"
            f" each of 2 campaigns, holds of {self.hold_seconds} s, load {os.getloadavg()[0]:.1f};"
            f" Redis {'keeps its file' if site.redis_keeps_its_file else 'comes back empty'}"
            f"{' and forgets' if self.redis_forgets else ''}",
            f"killed: {_counts(site.kills)}",
            f"ended by themselves: {_counts(site.ended_by_themselves) or 'none'}",
            f"requests: {told.requests}, of them in trouble: {_counts(told.troubles)}",
            f"answers: {_counts(told.answers)}",
            f"outcomes acknowledged: {told.acknowledged}; calls with an undo:"
            f" {len(told.reopened)}; promises: {sum(map(len, told.promised.values()))};"
            f" vanished: {told.vanished}; turned away: {told.turned_away};"
            f" removed: {told.put_out} noticed of {self.removals}",
            f"answers that were not Phonebank's: {_counts(told.false_answers) or 'none'}",
            f"done by the staff: {_counts(self.done_by_staff)}",
            f"zone keys called in the campaign with hours: {called} of {zones}",
            f"checks: {_counts(self.checks)}",
        ]
        return "\n".join(lines)


def _roll_back() -> None:
    """End what was begun in the database, which may be away."""
    with suppress(*staff.AWAY):
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
    # The folder is directly under /tmp, because a unix socket's path may have 107 characters and no
    # more.
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
    if os.environ.get("SOAK_FORGET"):
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(faults)} faults; journals and logs are in {folder}:")
    for fault, times in Counter(faults).most_common(40):
        print(f"- {fault}" + (f" ({times} times)" if times > 1 else ""))
    return 1


if __name__ == "__main__":
    sys.exit(main())
