"""Prepares the batches of a large file in several processes, while the import's own process reads
the file and stores the batches that are ready.

A Python process uses one processor core at most, and prepares rows more slowly than PostgreSQL
stores them.
"""

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import IO, Any

from phonebank.csv_input.column_mapping import Mapping
from phonebank.csv_input.rows import InvalidFileError, Row
from phonebank.lists import batching
from phonebank.lists.batching import Batch, chunks_from

PROCESSES = 2
# With fewer batches, the start of the processes costs more than they save.
FEWEST_BATCHES = 3


class ProcessEndedError(Exception):
    """The error for a process that ended before it had prepared its rows."""


def is_large(rows: int) -> bool:
    """Whether this many rows are prepared faster in several processes than in one."""
    return rows >= FEWEST_BATCHES * batching.BATCH


def prepare_in_parallel(
    rows: Iterator[Row], first: int, mapping: Mapping, country: str, allow_drama: bool
) -> Generator[Batch]:
    """Prepare the same batches as `prepare_batches`, in the same order.

    Each process has at most one batch, so a larger file does not need more memory. If a row cannot
    be read, all batches before that row's batch are yielded, and then InvalidFileError is raised.
    Raises ProcessEndedError if a process was killed or stopped because of a software fault.
    """
    with ExitStack() as ending:
        idle = deque(_Process(mapping, country, allow_drama, ending) for _ in range(PROCESSES))
        busy: deque[_Process] = deque()
        fault: InvalidFileError | None = None
        try:
            for number, chunk in chunks_from(rows, first):
                ready = None
                if not idle:
                    idle.append(busy.popleft())
                    ready = idle[0].receive()
                busy.append(idle.popleft())
                busy[-1].send(number, chunk)
                if ready:
                    yield ready
        except InvalidFileError as refused:
            fault = refused
        for process in busy:
            yield process.receive()
        if fault:
            raise fault


class _Process:
    """A process that runs `preparing_process`. The process is killed when `ending` is closed."""

    def __init__(
        self, mapping: Mapping, country: str, allow_drama: bool, ending: ExitStack
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "phonebank.lists.preparing_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        ending.callback(self._end)
        self._write((mapping, country, allow_drama))

    def send(self, first: int, chunk: list[Row]) -> None:
        """Give the process rows to prepare. `first` is the index of the first of these rows. Call
        `receive` before the next call of `send`. Raises ProcessEndedError if the process has
        ended."""
        self._write((first, list(zip(*chunk, strict=True))))

    def receive(self) -> Batch:
        """Wait for the batch that the process makes from the rows that were sent, and return the
        batch. Raises ProcessEndedError if the process ends before that."""
        try:
            batch = pickle.load(_pipe(self._process.stdout))  # noqa: S301
        except (EOFError, OSError, pickle.UnpicklingError):
            raise ProcessEndedError from None
        assert isinstance(batch, Batch)  # noqa: S101
        return batch

    def _write(self, message: object) -> None:
        pipe = _pipe(self._process.stdin)
        try:
            pickle.dump(message, pipe, pickle.HIGHEST_PROTOCOL)
            pipe.flush()
        except OSError:
            raise ProcessEndedError from None

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()


def _pipe(end: IO[Any] | None) -> IO[Any]:
    assert end is not None  # noqa: S101
    return end
