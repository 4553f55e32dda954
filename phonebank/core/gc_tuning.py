"""Makes a web process rarely run a full collection, in which Python's garbage collector looks
through all objects.

By default, Python runs a full collection whenever the number of objects has grown by a quarter. The
connections of five thousand phones and five hundred televisions make 1.2 million objects. (The
televisions show the results of parties.) Without this module, a full collection runs every half
minute and takes a second and a half. During this time the process answers no request and updates no
television. A full collection finds almost no garbage, because reference counts and the frequent
small collections free what a request leaves behind. Only closed connections leave objects that a
full collection must free, about forty for each connection. A full collection every ten minutes is
enough.
"""

import gc
import random
import threading
import time

# Seconds between two full collections.
EVERY = 600.0
# The third threshold counts smaller collections, and no process reaches this number.
NEVER = 1_000_000_000


def freeze_gc() -> None:
    """Exempt all existing objects from garbage collection. Call this once, when the application has
    been set up.

    A worker calls this before it forks a process for each job. Otherwise a job that reads ten
    thousand rows may start a full collection, which takes a fifth of a second.
    """
    gc.collect()
    gc.freeze()


def freeze_and_throttle_gc(every: float = EVERY) -> None:
    """Exempt all existing objects from garbage collection, and from now on run a full collection
    only once in about `every` seconds. If the collector is switched off, switch it on. Call this
    once, when the application has been set up."""
    freeze_gc()
    gc.enable()
    smallest, small, _ = gc.get_threshold()
    gc.set_threshold(smallest, small, NEVER)
    threading.Thread(target=_collect_regularly, args=(every,), daemon=True).start()


def _collect_regularly(every: float) -> None:
    while True:
        # The time is random so that the processes of one machine do not collect together.
        time.sleep(every * random.uniform(0.8, 1.2))  # noqa: S311
        gc.collect()
