"""The queue in which records of calls (requests that say how a call went) wait for their turn in a
busy web process.

After a short pause of the machine, many records come at once, and soon the process has caught up.
So many records may wait, and for long. But if the queue has not been empty for a while, the process
is overloaded: it gets more records than it can save. Then only few records may wait, and not for
long, because a longer wait would help nobody. Queues in networks and servers tell a burst from an
overload in the same way (CoDel, RFC 8289; “Fail at Scale”, ACM Queue 13:8, 2015).
"""

import threading
import time
from collections import deque

# Seconds. If the queue has not been empty for longer than this, the process is overloaded.
CATCHES_UP_WITHIN = 2.0
# Seconds that a record waits at most: usually, and if it comes while the process is overloaded.
WAITS, WAITS_IN_OVERLOAD = 0.7, 0.25
# Usually, this many times as many records may wait as while the process is overloaded.
TIMES_AS_MANY = 4


class Turn:
    """The place of one record in the queue. The record waits for at most `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._has_come = threading.Event()

    def wait(self) -> None:
        """Wait until this turn has come, or until the longest wait is over."""
        self._has_come.wait(self._seconds)

    def come(self) -> None:
        """End the wait."""
        self._has_come.set()


class RecordQueue:
    """The records that wait in one process, those that came first in front. `most_in_overload` is
    how many records may wait while the process is overloaded.

    The calling code must hold one and the same lock during each method.
    """

    def __init__(self, most_in_overload: int) -> None:
        self._most_in_overload = most_in_overload
        self._turns: deque[Turn] = deque()
        self._waited_since = 0.0

    def __len__(self) -> int:
        return len(self._turns)

    def is_overloaded(self) -> bool:
        """Whether the queue has not been empty for more than CATCHES_UP_WITHIN seconds."""
        waited = time.monotonic() - self._waited_since
        return bool(self._turns) and waited > CATCHES_UP_WITHIN

    def join(self) -> Turn | None:
        """Add a record to the queue, and return its turn. Return None if too many records are
        waiting already."""
        overloaded = self.is_overloaded()
        if len(self) >= self._most_in_overload * (1 if overloaded else TIMES_AS_MANY):
            return None
        if not self._turns:
            self._waited_since = time.monotonic()
        turn = Turn(WAITS_IN_OVERLOAD if overloaded else WAITS)
        self._turns.append(turn)
        return turn

    def let_in_first(self) -> None:
        """End the wait of the record that came first, and remove it from the queue."""
        self._turns.popleft().come()

    def leave(self, turn: Turn) -> bool:
        """Remove a record from the queue after its wait. Return whether the record had been let
        in."""
        if turn not in self._turns:
            return True
        self._turns.remove(turn)
        return False
