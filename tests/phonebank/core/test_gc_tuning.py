"""A web process makes full collections rarely, and still makes them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# The test uses a process of its own, because the setting lasts until the process ends.
PROCESS = """
import gc, time, weakref
from phonebank.core import gc_tuning

class Line:
    def __init__(self):
        self.itself = self  # as lines refer to themselves when they have closed

def looks():
    return gc.get_stats()[2]["collections"]

gc.disable()  # as while a web process starts
gc_tuning.freeze_and_throttle_gc(every=1)
assert gc.isenabled()
line = Line()
gc.collect(1)  # it is among those that stay
gone, before, began = weakref.ref(line), looks(), time.monotonic()
del line
# With so many new objects Python would make several full collections by itself.
stay = [[each] for each in range(200_000)]
while time.monotonic() < began + 0.5:
    stay += [[each] for each in range(1000)]
assert looks() == before and gone() is not None, "it looked by itself"
while gone() is not None:
    assert time.monotonic() < began + 20, "it never looked"
    time.sleep(0.02)
"""


@pytest.mark.timing
def test_what_closed_lines_leave_goes_in_time_and_no_other_look_is_long() -> None:
    subprocess.run([sys.executable, "-c", PROCESS], cwd=ROOT, check=True, timeout=60)
