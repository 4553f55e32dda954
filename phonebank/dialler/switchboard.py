"""Sends commands to the telephone provider, several at the same time, and does not repeat a command
too soon.

Each command waits for the provider's answer in a thread that does not use the database. The dialler
collects the answers at its next turn.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from phonebank.telephony.backend import Backend, LineRef, Sound

log = logging.getLogger(__name__)

THREADS = 16
# A command that is still needed after this many seconds is sent again.
AGAIN_AFTER = 3.0
# After this many seconds instead, if the provider did not answer or refused.
AGAIN_AFTER_FAILURE = 0.5

DIAL = "dial"
FETCH = "fetch"
PLAY_MESSAGE = f"play {Sound.INFORMATION_MESSAGE}"


class Switchboard:
    """Sends commands to one telephone provider, and keeps track of the commands that the provider
    has not answered yet."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="switchboard")
        self._under_way: dict[tuple[str, int], Future[Any]] = {}
        self._asked: dict[tuple[str, int], float] = {}

    def dial_caller(self, line_id: int, number: str, show: str) -> None:
        """Call a caller. `collect` returns (DIAL, line id, result), where the result is the
        provider's id of the line, or an error."""
        self._send(DIAL, line_id, self.backend.call_caller, line_id, number, show)

    def dial_person(self, line_id: int, number: str, show: str, ring_seconds: int) -> None:
        """Call a person. `collect` returns (DIAL, line id, result), where the result is the
        provider's id of the line, or an error."""
        self._send(DIAL, line_id, self.backend.call_person, line_id, number, show, ring_seconds)

    def fetch(self, lines: list[LineRef]) -> None:
        """Ask the provider for the states of lines. `collect` returns (FETCH, 0, result), where the
        result is a list of events, or an error."""
        self._send(FETCH, 0, self.backend.fetch, lines)

    def join(self, person: LineRef, caller: LineRef) -> None:
        """Let the person and the caller hear each other."""
        self._once(f"join {caller.line_id}", person, self.backend.join, person, caller)

    def play(self, line: LineRef, sound: Sound) -> None:
        """Play a sound to the person or caller on the line."""
        self._once(f"play {sound}", line, self.backend.play, line, sound)

    def hang_up(self, line: LineRef) -> None:
        """End a line."""
        self._once("hang up", line, self.backend.hang_up, line)

    def is_dialling(self, line_id: int) -> bool:
        """Whether a request to dial this line was sent, and `collect` has not returned its answer
        yet."""
        return (DIAL, line_id) in self._under_way

    @property
    def is_fetching(self) -> bool:
        """Whether a `fetch` was sent, and `collect` has not returned its answer yet."""
        return (FETCH, 0) in self._under_way

    def collect(self) -> list[tuple[str, int, Any]]:
        """Return the answers that have arrived since `collect` was last called. Each is a tuple of
        the command, the line's id, and the result or the error."""
        done = [key for key, future in self._under_way.items() if future.done()]
        answers = []
        for key in done:
            future = self._under_way.pop(key)
            error = future.exception()
            if error is not None:
                log.warning("the provider did not %s: %s", key[0], type(error).__name__)
                if key in self._asked:
                    self._asked[key] = time.monotonic() - AGAIN_AFTER + AGAIN_AFTER_FAILURE
            answers.append((*key, error or future.result()))
        at = time.monotonic()
        self._asked = {k: t for k, t in self._asked.items() if at - t < AGAIN_AFTER}
        return answers

    def close(self) -> None:
        """Wait until the commands under way have ended, and accept no more commands."""
        self._pool.shutdown()

    def _once(self, verb: str, line: LineRef, command: Callable[..., Any], *args: Any) -> None:
        key = (verb, line.line_id)
        if key not in self._asked:
            self._asked[key] = time.monotonic()
            self._send(verb, line.line_id, command, *args)

    def _send(self, verb: str, line_id: int, command: Callable[..., Any], *args: Any) -> None:
        if (verb, line_id) not in self._under_way:
            self._under_way[verb, line_id] = self._pool.submit(command, *args)
