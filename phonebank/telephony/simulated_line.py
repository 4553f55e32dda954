"""One line (telephone connection) in the simulated network: what was decided about the line when it
was dialled, and which commands it has received since. This module does not use Redis."""

import json
import time
from dataclasses import asdict, dataclass, field
from random import Random

from phonebank.telephony.events import EndCause, EventKind

# The sequence number, the kind, the cause and the time (Unix seconds) of an event.
Told = tuple[int, EventKind, EndCause | None, float]


@dataclass
class SimulatedLine:
    """A dialled line. Times are Unix seconds.

    `answers_at` is None for a line that nobody answers. Such a line ends at `fails_at` with
    `cause`, unless we hang it up earlier. A person hangs up `talk` seconds after being joined to a
    caller, or `patience` seconds after answering if no caller is joined by then. On a caller's
    line, `talk` is None, and the caller never hangs up. `joins`, `messages` and `hang_ups` are the
    times at which we told the network to join the line, play the message on it, and hang it up.
    """

    dialled_at: float
    answers_at: float | None = None
    fails_at: float | None = None
    cause: EndCause = EndCause.HUNG_UP
    talk: float | None = None
    patience: float = 8.0
    message_takes: float = 1.0
    joins: list[float] = field(default_factory=list)
    messages: list[float] = field(default_factory=list)
    hang_ups: list[float] = field(default_factory=list)

    @classmethod
    def answering(cls, chance: Random, talk: float | None, after: float = 0.2) -> "SimulatedLine":
        """Return a line that is answered after `after` seconds."""
        at = time.time()
        return cls(at, answers_at=at + after, talk=talk, patience=6 + 4 * chance.random())

    @classmethod
    def failing(cls, after: float, cause: EndCause) -> "SimulatedLine":
        """Return a line that ends after `after` seconds without an answer."""
        at = time.time()
        return cls(at, fails_at=at + after, cause=EndCause(cause))

    @classmethod
    def from_json(cls, text: str) -> "SimulatedLine":
        """Read a line from the text that `to_json` returned."""
        values = json.loads(text)
        return cls(**values | {"cause": EndCause(values["cause"])})

    def to_json(self) -> str:
        """Return the line as text."""
        return json.dumps(asdict(self))

    def happened(self, by: float) -> list[Told]:
        """Return the events that had happened on the line by the time `by`, numbered and in
        order."""
        ended, cause = self._end()
        moments: list[tuple[EventKind, EndCause | None, float]] = []
        if cause not in (EndCause.BUSY, EndCause.NO_SUCH_NUMBER):
            moments.append((EventKind.RINGING, None, self.dialled_at + 0.1))
        if self.answers_at is not None:
            moments.append((EventKind.ANSWERED, None, self.answers_at))
        moments += [(EventKind.JOINED, None, at) for at in self.joins]
        moments += [(EventKind.PLAYED, None, at + self.message_takes) for at in self.messages[:1]]
        moments = sorted((one for one in moments if one[2] < ended), key=lambda one: one[2])
        moments.append((EventKind.ENDED, cause, ended))
        return [(n, *one) for n, one in enumerate(moments, 1) if one[2] <= by]

    def _end(self) -> tuple[float, EndCause]:
        """Return when and why the line will end if it receives no further command. If the line
        would then never end, the time is infinite."""
        ends: list[tuple[float, EndCause]] = []
        for at in self.hang_ups[:1]:
            answered = self.answers_at is not None and self.answers_at <= at
            ends.append((at, EndCause.HUNG_UP if answered else EndCause.CANCELLED))
        if self.fails_at is not None:
            ends.append((self.fails_at, self.cause))
        if self.answers_at is not None and self.talk is not None:
            if self.joins:
                ends.append((self.joins[0] + self.talk, EndCause.HUNG_UP))
            else:
                ends.append((self.answers_at + self.patience, EndCause.HUNG_UP))
        return min(ends, default=(float("inf"), EndCause.HUNG_UP))
