"""A provider that calls nobody, for tests and for trying out a campaign. The simulator behaves as
badly as real providers: events arrive late, twice, out of order or not at all.

The state of the simulated network is in Redis, so the network carries on when a process that uses
it dies. When a line is dialled, the simulator decides whether and when the line will be answered,
and how long a conversation on the line will last. The simulator computes these decisions from the
line's id, a seed and the other settings, and stores the decisions. `simulated_line` says what has
happened by a given moment.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from random import Random
from typing import Any

from redis import Redis

from phonebank.core.config import Config, ConfigError
from phonebank.telephony.backend import (
    LineRef,
    NoSoftphoneError,
    NumberRefusedError,
    SoftphoneToken,
    Sound,
)
from phonebank.telephony.events import EndCause, EventKind, LineEvent
from phonebank.telephony.simulated_line import SimulatedLine

log = logging.getLogger(__name__)

_OPEN = "simulator:open"
_LINE = "simulator:line:{}"
_KEPT = 86_400  # seconds
LOOKS_EVERY = 0.05  # seconds


@dataclass(frozen=True)
class Network:
    """How the simulated network behaves. Chances are from 0 to 1, and times are in seconds.

    `answer`, `busy` and `no_such_number` are the chances that a person's number is answered, is
    busy or does not exist. All other numbers ring until the `ring_seconds` given to `call_person`
    have passed, and nobody answers. `ring` is the mean time until a person answers, and `talk` is
    the mean length of a conversation. With `steady=1`, these times do not vary from the mean. In
    every case, a person who answers does so before `ring_seconds` have passed. `lost`, `late` and
    `doubled` are the chances that an event is lost, arrives late or arrives twice. A late event
    arrives at most `late_by` seconds late.
    """

    seed: int = 1
    answer: float = 0.3
    busy: float = 0.1
    no_such_number: float = 0.05
    ring: float = 6.0
    talk: float = 60.0
    steady: int = 0
    lost: float = 0.02
    late: float = 0.1
    late_by: float = 2.0
    doubled: float = 0.1

    @classmethod
    def read(cls, text: str) -> "Network":
        """Read settings such as "answer=0.5,talk=3". Raises ConfigError for an unknown setting, or
        for a value that is not a number (for `seed` and `steady`, not a whole number)."""
        kinds: dict[str, Any] = {field.name: field.type for field in fields(cls)}
        values: dict[str, Any] = {}
        for part in filter(None, text.replace(" ", "").split(",")):
            name, _, value = part.partition("=")
            try:
                values[name] = kinds[name](value)
            except (KeyError, ValueError):
                raise ConfigError(f"SIMULATOR has {part!r}, which isn't a setting.") from None
        return cls(**values)

    def length(self, chance: Random, mean: float) -> float:
        """Return how many seconds one telephone rings or one conversation lasts, if the mean is
        `mean` seconds."""
        return mean if self.steady else chance.expovariate(1 / mean)


class SimulatorBackend:
    """The simulated provider: see `phonebank.telephony.backend.Backend`."""

    name = "simulator"
    sends_webhooks = False

    def __init__(self, config: Config) -> None:
        self._redis: Redis = Redis.from_url(config.redis_url, decode_responses=True)
        self.network = Network.read(config.simulator)
        self._stop = threading.Event()

    def call_caller(self, line_id: int, number: str, show: str) -> str:
        """See Backend. Callers always answer."""
        return self._dial(line_id, SimulatedLine.answering(self._chance(line_id), talk=None))

    def call_person(self, line_id: int, number: str, show: str, ring_seconds: int) -> str:
        """See Backend."""
        chance, network = self._chance(line_id), self.network
        fate = chance.random()
        talk = network.length(chance, network.talk)
        ring = min(network.length(chance, network.ring), ring_seconds - 0.1)
        if fate < network.answer:
            made = SimulatedLine.answering(chance, talk=talk, after=ring)
        elif fate < network.answer + network.busy:
            made = SimulatedLine.failing(0.3, EndCause.BUSY)
        elif fate < network.answer + network.busy + network.no_such_number:
            made = SimulatedLine.failing(0.3, EndCause.NO_SUCH_NUMBER)
        else:
            made = SimulatedLine.failing(float(ring_seconds), EndCause.NO_ANSWER)
        return self._dial(line_id, made)

    def join(self, person: LineRef, caller: LineRef) -> None:
        """See Backend."""
        self._act(person, "joins")
        self._act(caller, "joins")

    def play(self, line: LineRef, sound: Sound) -> None:
        """See Backend."""
        if sound == Sound.INFORMATION_MESSAGE:
            self._act(line, "messages")

    def hang_up(self, line: LineRef) -> None:
        """See Backend."""
        self._act(line, "hang_ups")

    def softphone_token(self, caller_id: int, line_id: int) -> SoftphoneToken:
        """See Backend. Raises NoSoftphoneError, because no browser is simulated."""
        raise NoSoftphoneError

    def fetch(self, lines: Sequence[LineRef]) -> list[LineEvent]:
        """See Backend."""
        at, events = time.time(), []
        for line in lines:
            made = self._read(line.line_id)
            if made is None:
                ended = (0, EventKind.ENDED, EndCause.LOST, at)
                events.append(self._event(line.line_id, ended))
            else:
                events += [self._event(line.line_id, told) for told in made.happened(at)]
        return events

    def listen(self, tell: Callable[[LineEvent], None]) -> None:
        """See Backend. Events that happened before `listen` was called are not reported."""
        threading.Thread(target=self._listen, args=(tell,), daemon=True).start()

    def close(self) -> None:
        """See Backend."""
        self._stop.set()

    def _dial(self, line_id: int, made: SimulatedLine) -> str:
        if not self._redis.set(_LINE.format(line_id), made.to_json(), nx=True, ex=_KEPT):
            raise NumberRefusedError(f"line {line_id} was dialled before")
        self._redis.sadd(_OPEN, line_id)
        return f"sim-{line_id}"

    def _act(self, line: LineRef, name: str) -> None:
        with self._redis.lock(f"simulator:lock:{line.line_id}", timeout=5):
            made, at = self._read(line.line_id), time.time()
            if made is None or any(told[1] == EventKind.ENDED for told in made.happened(at)):
                return
            getattr(made, name).append(at)
            self._redis.set(_LINE.format(line.line_id), made.to_json(), ex=_KEPT)

    def _read(self, line_id: int | str) -> SimulatedLine | None:
        text: Any = self._redis.get(_LINE.format(line_id))
        return SimulatedLine.from_json(text) if text else None

    def _chance(self, *of: int) -> Random:
        return Random(repr((self.network.seed, *of)))  # noqa: S311 - nothing is kept secret here

    def _event(
        self, line_id: int, told: tuple[int, EventKind, EndCause | None, float]
    ) -> LineEvent:
        sequence, kind, cause, at = told
        moment = datetime.fromtimestamp(at, UTC)
        return LineEvent(line_id, sequence, kind, cause, moment, f"sim-{line_id}")

    def _listen(self, tell: Callable[[LineEvent], None]) -> None:
        since = time.time()
        told: dict[tuple[int, int], float] = {}
        waiting: list[tuple[float, LineEvent]] = []
        while not self._stop.wait(LOOKS_EVERY):
            try:
                self._tell_new(tell, since, told, waiting)
            except Exception:
                log.exception("the simulator could not tell an event")

    def _tell_new(
        self,
        tell: Callable[[LineEvent], None],
        since: float,
        told: dict[tuple[int, int], float],
        waiting: list[tuple[float, LineEvent]],
    ) -> None:
        at = time.time()
        open_ids: Any = self._redis.smembers(_OPEN)
        for line_id in map(int, open_ids):
            made = self._read(line_id)
            happened = made.happened(at) if made else []
            for one in happened:
                key = (line_id, one[0])
                if key in told or one[3] < since:
                    continue
                told[key] = at
                waiting += self._fates(self._event(line_id, one), at)
            if made is None or any(one[1] == EventKind.ENDED for one in happened):
                self._redis.srem(_OPEN, line_id)
        due = [pair for pair in waiting if pair[0] <= at]
        waiting[:] = [pair for pair in waiting if pair[0] > at]
        for _, event in due:
            tell(event)

    def _fates(self, event: LineEvent, at: float) -> list[tuple[float, LineEvent]]:
        """Return the network's reports of this event, each as (time in Unix seconds, event). There
        is no report if the event is lost, and there are two if the event is doubled. Each report
        may be late."""
        chance, network = self._chance(event.line_id, event.sequence, 1), self.network
        if chance.random() < network.lost:
            return []
        times = [at] * (2 if chance.random() < network.doubled else 1)
        return [
            (
                time + chance.random() * network.late_by
                if chance.random() < network.late
                else time,
                event,
            )
            for time in times
        ]
