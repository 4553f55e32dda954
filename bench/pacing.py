"""Compares Phonebank's pacing rule with two other rules, and checks that this rule keeps the law on
abandoned calls. The pacing rule decides how many people the dialler calls at each moment. The
comparison and the check both use simulated evenings, which run on all processors.

    python -m bench.pacing [compare] [law]

If the environment variable PACING_KEPT names a file, the result of each evening is stored in that
file. A later run with the same file plays only the evenings whose results are not in the file yet.
When the rule or the model changes, the stored results are out of date, so delete the file. See
docs/pacing.md for the model and the bars.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from functools import partial
from multiprocessing import Pool
from multiprocessing.pool import Pool as PoolType
from pathlib import Path

from bench.pacing_peers import Kooragang
from bench.reporting import report
from phonebank.pacing.rule import (
    FEWEST_ANSWERS,
    FEWEST_CALLERS,
    lines_ahead,
    lines_to_dial,
    progressive,
)
from phonebank.pacing.snapshot import OFCOM, Decision, Snapshot
from phonebank.pacing_simulation.evening import Evening, Result, Rule
from phonebank.pacing_simulation.figures import Figures, figures
from phonebank.pacing_simulation.setting import Setting

EVENING = Setting(callers=20)
NO_BOUND = 10**9
# This share of the evenings on which half of the callers vanish may be above the ceiling, because a
# line that rings can't be taken back.
VANISHED_OVER = 0.002
FEWEST_TO_COUNT = 500  # evenings; on fewer, one evening is more than two in a thousand


def without_bound(moment: Snapshot) -> Decision:
    """Decide as the production rule does, but without its bound on abandoned calls."""
    if moment.callers < FEWEST_CALLERS or moment.account.answers < FEWEST_ANSWERS:
        return lines_to_dial(moment)
    return lines_ahead(moment, NO_BOUND)


MAKE: dict[str, Callable[[], Rule]] = {
    "progressive": lambda: progressive,
    "Kooragang": Kooragang,
    "ours": lambda: lines_to_dial,
    "ours, bound lifted": lambda: without_bound,
}


@dataclass(frozen=True)
class Bar:
    callers: int
    times: float
    than: str


BARS = (
    Bar(5, 1.12, "progressive"),
    Bar(20, 1.05, "Kooragang"),
    Bar(50, 1.08, "Kooragang"),
    Bar(200, 1.08, "Kooragang"),
)


def play(rule: str, setting: Setting, seed: int) -> Result:
    """Play one evening, and return its result."""
    return Evening(setting, seed, MAKE[rule]()).run()


class Evenings:
    """Plays simulated evenings on all processors. If `file` is not None, the results are stored in
    the file, and an evening whose result is in the file is not played again."""

    def __init__(self, pool: PoolType, file: Path | None) -> None:
        self._pool, self._file = pool, file
        self._kept: dict[str, Result] = {}
        if file is not None and file.exists():
            for line in file.read_text().splitlines():
                key, result = json.loads(line)
                self._kept[key] = Result(**result)

    def figures(self, rule: str, setting: Setting, count: int) -> Figures:
        """Return the figures of the evenings with the seeds from 1 to `count`. First play the
        evenings that have no result yet."""
        keys = {seed: json.dumps([rule, *astuple(setting), seed]) for seed in range(1, count + 1)}
        missing = [seed for seed, key in keys.items() if key not in self._kept]
        played = self._pool.imap(partial(play, rule, setting), missing)
        for seed, result in zip(missing, played, strict=True):
            self._keep(keys[seed], result)
        return figures([self._kept[key] for key in keys.values()], OFCOM.ceiling)

    def _keep(self, key: str, result: Result) -> None:
        self._kept[key] = result
        if self._file is not None:
            with self._file.open("a") as file:
                file.write(json.dumps([key, asdict(result)]) + "\n")


def compare(evenings: Evenings, evenings_each: int, settings: Sequence[Setting]) -> bool:
    """Compare the rules on evenings with the same seeds, and print a table. Return whether every
    bar is met, and Phonebank's rule never breaks the law."""
    kept = True
    report(
        "| callers | answers, talk | rule | conversations an hour | wait | abandoned, worst day |"
    )
    report("|---|---|---|---|---|---|")
    for setting in settings:
        count = max(2, evenings_each // (3 if setting.callers >= 200 else 1))
        found = {}
        for rule in ("progressive", "Kooragang", "ours"):
            found[rule] = evenings.figures(rule, setting, count)
            report(_row(setting, rule, found[rule]))
        kept &= found["ours"].days_over == 0
        for bar in BARS:
            if bar.callers == setting.callers and setting == replace(EVENING, callers=bar.callers):
                ratio = found["ours"].conversations.value / found[bar.than].conversations.value
                report(f"  {ratio:.2f} times {bar.than}, bar {bar.times}")
                kept &= ratio >= bar.times
    return kept


def law(evenings: Evenings, count: int, sizes: Sequence[int]) -> bool:
    """Check that the rule keeps the law on evenings when the answer rate triples. Check that the
    rule breaks the law on almost no evening when half of the callers vanish. Also check that the
    rule breaks the law on some evenings if its bound is lifted. Return whether all of this is
    so."""
    kept = True
    for callers in sizes:
        setting = replace(EVENING, callers=callers)
        tripling = evenings.figures("ours", replace(setting, tripling=True), count)
        kept &= tripling.days_over == 0
        report(f"{callers} callers, answers triple: {_over(tripling)}")
        vanish = evenings.figures("ours", replace(setting, half_vanish=True), count)
        allowed = VANISHED_OVER * max(count, FEWEST_TO_COUNT)
        kept &= vanish.days_over <= allowed
        report(f"{callers} callers, half vanish: {_over(vanish)}")
    lifted = evenings.figures("ours, bound lifted", Setting(callers=5, tripling=True), count)
    kept &= lifted.days_over > 0
    report(f"5 callers, answers triple, bound lifted: {_over(lifted)}")
    return kept


def _row(setting: Setting, rule: str, found: Figures) -> str:
    return (
        f"| {setting.callers} | {100 * setting.answer_share:.0f}%, {setting.talk:.0f} s | {rule} | "
        f"{found.conversations.value:.2f} ±{found.conversations.half_width:.2f} | "
        f"{found.waiting.value:.1f} s | {100 * found.share.value:.2f}%, "
        f"{100 * found.worst_share:.2f}%{_days(found)} |"
    )


def _days(found: Figures) -> str:
    return f" ({found.days_over} of {found.evenings} days over)" if found.days_over else ""


def _over(found: Figures) -> str:
    return (
        f"{found.days_over} of {found.evenings} days over by the records, worst "
        f"{100 * found.worst_share:.2f}%; in truth {found.days_truly_over}, worst "
        f"{100 * found.worst_true_share:.2f}%; {found.conversations.value:.2f} talks an hour"
    )


def main(quick: bool, parts: Sequence[str] = ("compare", "law")) -> bool:
    settings = [replace(EVENING, callers=bar.callers) for bar in BARS]
    settings.insert(1, replace(EVENING, callers=10))
    if not quick:
        settings += [replace(EVENING, callers=n, answer_share=0.30) for n in (5, 20, 50)]
        settings += [replace(EVENING, callers=n, talk=240.0) for n in (5, 20, 50)]
    kept = True
    file = os.environ.get("PACING_KEPT")
    with Pool(os.cpu_count()) as pool:
        evenings = Evenings(pool, Path(file) if file else None)
        if "compare" in parts:
            kept &= compare(evenings, 6 if quick else 40, settings)
        if "law" in parts:
            kept &= law(evenings, 20 if quick else 1000, (5, 20) if quick else (5, 20, 50))
    return kept


if __name__ == "__main__":
    sys.exit(not main(bool(os.environ.get("BENCH_QUICK")), sys.argv[1:] or ("compare", "law")))
