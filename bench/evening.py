"""Six hours of a party in minutes: does a web process use more memory at the end?

`bench.unpaused` is the ordinary web process, except that its broadcaster does not pause between two
rounds and reads every board in each. It makes as many rounds as two a second make in six hours,
while outcomes are recorded.
"""

import time
from collections.abc import Callable
from typing import Any

from bench.measuring import memory

BOARDS = 2
RATE = 100.0
# The share of the rounds in which the process still fills its caches.
WARM_UP = 0.2
# MB. Less growth than this over six hours counts as none.
BAR = 3.0


def watch(televisions: Any, rounds: int, report: Callable[[str], None]) -> bool:
    """Count the events that `televisions` hear until so many rounds are done. Print the memory of
    the web process on the way, and return whether it stayed below BAR after the warm-up."""
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
