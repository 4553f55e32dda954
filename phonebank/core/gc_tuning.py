"""When a web process looks for garbage.

Python looks through all its objects whenever a quarter more have come to stay. With the lines of
five thousand phones and five hundred boards these are 1.2 million, and the look took a second and
a half, every half minute, in which nobody was answered and no board moved. It found nothing: what a
request leaves is freed at once or by the frequent small looks. Only lines that have closed leave
something, some forty objects each, and for those a look now and then is enough.
"""

import gc
import random
import threading
import time

# Seconds between two looks through everything.
EVERY = 600.0
# The third threshold counts smaller looks; so many never come about in between.
NEVER = 1_000_000_000


def rarely(every: float = EVERY) -> None:
    """From now on look through everything only every `every` seconds or so, and never through what
    is there already: call it once, when the application is complete."""
    gc.collect()
    gc.freeze()
    smallest, small, _ = gc.get_threshold()
    gc.set_threshold(smallest, small, NEVER)
    threading.Thread(target=_now_and_then, args=(every,), daemon=True).start()


def _now_and_then(every: float) -> None:
    while True:
        # Not all processes of a machine at the same time.
        time.sleep(every * random.uniform(0.8, 1.2))  # noqa: S311
        gc.collect()
