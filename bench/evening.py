"""Lets a web process do the work of six hours of a party in a much shorter time, to see whether the
process uses more memory at the end.

The broadcaster is the part of a web process that sends each party's figures to the party's board, a
page on a television. `bench.unpaused` is the ordinary web process, except that its broadcaster
reads the figures of every board in each round and hardly pauses between two rounds. The ordinary
process makes up to two rounds a second. `bench.unpaused` makes as many rounds in all as the
ordinary process can make in six hours. Meanwhile `bench.outcomes` records outcomes.
"""

import time
from collections.abc import Callable
from typing import Any

from bench.measuring import memory

BOARDS = 2
RATE = 100.0
# The process fills its caches during this share of the rounds.
WARM_UP = 0.2
# MB. If the memory grows by less than this over six hours, the growth counts as none.
BAR = 3.0


def watch(televisions: Any, rounds: int, report: Callable[[str], None]) -> bool:
    """Count the events that `televisions` receive, until each board has got about `rounds` events.
    Meanwhile, measure several times how much memory the web process uses. Print the figures. Return
    whether the memory grew by at most BAR after the warm-up."""
    began, heard, sampled = time.monotonic(), 0, []
    marks = [WARM_UP + (1 - WARM_UP) * part / 4 for part in range(5)]
    while marks:
        time.sleep(0.5)
        heard += len(televisions.ask("heard")["events"])
        if heard / BOARDS >= marks[0] * rounds:
            sampled.append(memory()[0][0])
            marks.pop(0)
    took = time.monotonic() - began
    growth = sampled[-1] - sampled[0]
    report(
        f"  {heard // BOARDS:,} rounds of {BOARDS} boards in {took:.0f} s; memory after a fifth of"
        f" them and then each fifth, MB RSS: {', '.join(f'{each:.1f}' for each in sampled)}"
    )
    return growth <= BAR
