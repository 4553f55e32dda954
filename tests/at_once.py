"""Things done at the same moment."""

import threading
from collections.abc import Callable


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Do all of it in threads that begin together; what each returned."""
    barrier = threading.Barrier(len(acts))
    results: list[object] = [None] * len(acts)

    def run(number: int) -> None:
        barrier.wait()
        results[number] = acts[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
