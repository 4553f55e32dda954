"""Runs functions in several threads at the same moment."""

import threading
from collections.abc import Callable
from typing import Any


def at_once(*acts: Callable[[], object]) -> list[Any]:
    """Run all functions in threads that start together. Return what each of them returned."""
    barrier = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(number: int) -> None:
        barrier.wait()
        results[number] = acts[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
