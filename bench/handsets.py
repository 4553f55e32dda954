"""The load: thousands of volunteers' phones in one process, each by the rules of the call page.

    python -m bench.handsets < settings.json > measured.json

Settings: port, devices (a list of {"cookie", "token"}), ramp (seconds from the first phone to the
last), seconds (after that), drain (seconds that the phones then have until all is acknowledged) and
hold (seconds of a hold).

A phone claims a person, talks, renews its hold meanwhile, and says how the call ended. An outcome
stays in the phone's outbox until Phonebank itself settles it, as in call_outbox.js. The pauses
between two tries grow, differ from phone to phone, and are at least as long as `Retry-After` asks
for.

The output is what the phones know: every outcome that was acknowledged, until when each hold was
promised, every broken promise, and the seconds of each request, by the phone's clock and by the
server's (`Server-Timing`).
"""

import asyncio
import json
import random
import resource
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

ANSWER_WITHIN = 15.0  # seconds, as long as call_outbox.js waits
PAUSE_FIRST, PAUSE_MOST = 1.0, 30.0  # seconds, as in our_answers.js
RENEW_EVERY = 60.0  # seconds, as in call_hold.js
# In one call of so many, the phone goes dead.
DEAD_EACH = 200
# At the end of the evening every call under way ends within so many seconds.
ENDS_WITHIN = 20.0
ADDRESSES = 250  # 127.0.0.1 and up: one address has too few ports for all


class Ending(NamedTuple):
    """One way in which calls end, its share of all calls, and the shortest and longest in
    seconds."""

    outcome: str
    share: float
    shortest: float
    longest: float


ENDINGS = (
    Ending("no_answer", 0.55, 20, 35),
    Ending("answerphone", 0.12, 20, 35),
    Ending("left_message", 0.08, 30, 55),
    Ending("talked", 0.10, 90, 300),
    Ending("busy", 0.05, 12, 20),
    Ending("bad_time", 0.04, 20, 50),
    Ending("hung_up", 0.03, 15, 30),
    Ending("refused", 0.03, 20, 60),
)
SHARES = [ending.share for ending in ENDINGS]


class Answer(NamedTuple):
    """An answer; `status` is 0 if none came. `headers` are in lower case."""

    status: int = 0
    headers: str = ""
    body: Any = None

    def header(self, name: str) -> str:
        at = self.headers.find(f"\r\n{name}: ")
        if at < 0:
            return ""
        begins = at + len(name) + 4
        return self.headers[begins : self.headers.find("\r\n", begins)]


NO_ANSWER = Answer()


@dataclass
class Measurements:
    """What all phones of this process know."""

    # Call → outcome, as acknowledged.
    saved: dict[str, str] = field(default_factory=dict)
    # Call → the time until which a renewal promised it, in seconds since 1970.
    promised: dict[str, float] = field(default_factory=dict)
    unsaved: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    # Kind of request → seconds of the answered and of the refused ones, by the phones' clocks.
    answered: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    server_answered: list[float] = field(default_factory=list)
    server_refused: list[float] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)
    cpu: float = 0.0
    lasted: float = 0.0


class Connection(asyncio.Protocol):
    """A phone's connection, which lasts as long as the server keeps it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, _: Exception | None) -> None:
        self.transport = None
        self._settle(NO_ANSWER)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        headers = head.decode("latin-1").lower() + "\r\n"
        status = int(head[9:12])
        length = Answer(status, headers).header("content-length")
        if not length or len(body) < int(length):
            return
        self._received = b""
        body_json = json.loads(body) if body[:1] == b"{" else None
        self._settle(Answer(status, headers, body_json))
        if "\r\nconnection: close" in headers:
            self.drop()

    def send(self, message: bytes) -> "asyncio.Future[Answer]":
        assert self.transport
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(message)
        return self._waiting

    def drop(self) -> None:
        """Hang up. A request that still waits gets no answer."""
        if self.transport is not None:
            self.transport.abort()
            self.transport = None
        self._settle(NO_ANSWER)

    def _settle(self, answer: Answer) -> None:
        self._received = b""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)
        self._waiting = None


class Crowd:
    """All phones, and what they share: the end of the evening and the notes."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.port = settings["port"]
        self.hold = settings["hold"]
        self.loop = asyncio.get_running_loop()
        self.measured = Measurements()
        self.has_ended = False
        # Telephone number → the phone that shows it, and until when at least.
        self.shown: dict[str, tuple[int, float]] = {}
        self._talking: set[asyncio.Future[None]] = set()

    async def wait(self, seconds: float) -> None:
        """Let time pass; the end of the evening cuts it short."""
        done = self.loop.create_future()
        self._talking.add(done)
        self.loop.call_later(0 if self.has_ended else seconds, self._pass, done)
        await done
        self._talking.discard(done)

    def end(self) -> None:
        """End the evening: from now on no phone claims a person."""
        self.has_ended = True
        for done in list(self._talking):
            self.loop.call_later(random.uniform(0, ENDS_WITHIN), self._pass, done)

    @staticmethod
    def _pass(done: "asyncio.Future[None]") -> None:
        if not done.done():
            done.set_result(None)


class Phone:
    """One volunteer's phone."""

    def __init__(self, crowd: Crowd, number: int, device: dict[str, str]) -> None:
        self._crowd = crowd
        self._number = number
        self._address = f"127.0.0.{1 + number % ADDRESSES}"
        self._connection = Connection()
        self._headers = (
            "Host: 127.0.0.1\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
            f"Cookie: {device['cookie']}\r\nX-CSRFToken: {device['token']}\r\n"
        )

    async def evening(self, begins_after: float) -> None:
        """Call people until the evening is over and every outcome is settled."""
        await self._crowd.wait(begins_after)
        person = None
        while person is not None or not self._crowd.has_ended:
            if person is None:
                person = await self._claim()
            else:
                person = await self._call(person)
        self._connection.drop()

    async def _claim(self) -> dict[str, Any] | None:
        failures = 0
        while not self._crowd.has_ended:
            answer = await self._post("claim", "/calling/next", {})
            if answer.status == 200:
                if answer.body["person"] is not None:
                    return self._show(answer.body["person"])
                failures = 0
                await self._crowd.wait(random.uniform(10, 20))
                continue
            failures += 1
            await self._crowd.wait(pause_before_retry(failures, answer))
        return None

    def _show(self, person: dict[str, Any]) -> dict[str, Any]:
        """Note that this phone shows the person. No other phone may show them."""
        number, until = person["phone"], _seconds(person["expires_at"])
        phone, shown_until = self._crowd.shown.get(number, (self._number, 0.0))
        if phone != self._number and shown_until > time.time():
            self._crowd.measured.broken.append(f"{person['call_id']} is on two screens")
        self._crowd.shown[number] = self._number, until
        return person | {"until": until}

    async def _call(self, person: dict[str, Any]) -> dict[str, Any] | None:
        """Make one call until its outcome is settled. The next person, if one came with the
        answer."""
        ending = random.choices(ENDINGS, SHARES)[0]
        ends_at = time.monotonic() + random.uniform(ending.shortest, ending.longest)
        if not random.randrange(DEAD_EACH):
            # The phone comes back when its hold has long expired.
            await self._crowd.wait(1.5 * self._crowd.hold)
            return None
        await self._talk_and_renew(person, ends_at)
        return await self._send_outcome(person, ending.outcome)

    async def _talk_and_renew(self, person: dict[str, Any], ends_at: float) -> None:
        every = min(RENEW_EVERY, self._crowd.hold / 3)
        renews_at, failures = time.monotonic() + every, 0
        while not self._crowd.has_ended and (left := ends_at - time.monotonic()) > 0:
            await self._crowd.wait(min(left, max(0.0, renews_at - time.monotonic())))
            if self._crowd.has_ended or time.monotonic() < renews_at:
                continue
            answer = await self._post("record", self._about(person, "renew"), {})
            if answer.status == 200:
                failures = 0
                renews_at = time.monotonic() + every
                person["until"] = _seconds(answer.body["expires_at"])
                self._crowd.measured.promised[person["call_id"]] = person["until"]
                self._crowd.shown[person["phone"]] = self._number, person["until"]
            elif answer.status == 503 or not answer.status:
                failures += 1
                renews_at = time.monotonic() + pause_before_retry(failures, answer)
            else:
                self._note_lost_hold(person, answer)
                return

    def _note_lost_hold(self, person: dict[str, Any], answer: Answer) -> None:
        """Note that the phone has lost the person: its hold has expired, or a promise is broken."""
        kept = time.time() > person["until"]
        kind = "expired" if kept else "lost before its time"
        self._crowd.measured.other[f"hold {kind}"] += 1
        if not kept:
            self._crowd.measured.broken.append(f"{person['call_id']} lost: {answer.status}")

    async def _send_outcome(self, person: dict[str, Any], outcome: str) -> dict[str, Any] | None:
        """Send the outcome until it is settled, like an outbox with one entry."""
        measured, call_id, failures = self._crowd.measured, person["call_id"], 0
        path = f"{self._about(person, 'outcome')}?turn={person['turn']}"
        while True:
            sent = {"outcome": outcome} | ({"next": False} if self._crowd.has_ended else {})
            answer = await self._post("record", path, sent)
            settled, _, verdict = answer.header("x-phonebank-call").partition(" ")
            if settled == call_id:
                break
            failures += 1
            await asyncio.sleep(pause_before_retry(failures, answer))
        if verdict != "saved":
            self._note_lost_hold(person, answer)
            return None
        if call_id in measured.saved:
            measured.broken.append(f"{call_id} was acknowledged twice")
        measured.saved[call_id] = outcome
        if self._crowd.shown.get(person["phone"], (None,))[0] == self._number:
            del self._crowd.shown[person["phone"]]
        after = (answer.body or {}).get("person")
        return self._show(after) if after else None

    @staticmethod
    def _about(person: dict[str, Any], what: str) -> str:
        return f"/calling/person/{person['call_id']}/{what}"

    async def _post(self, kind: str, path: str, body: Any) -> Answer:
        content = json.dumps(body)
        head = f"POST {path} HTTP/1.1\r\n{self._headers}Content-Length: {len(content)}\r\n\r\n"
        began = time.perf_counter()
        try:
            if self._connection.transport is None:
                _, self._connection = await asyncio.wait_for(
                    self._crowd.loop.create_connection(
                        Connection, "127.0.0.1", self._crowd.port, local_addr=(self._address, 0)
                    ),
                    ANSWER_WITHIN,
                )
            left = ANSWER_WITHIN - (time.perf_counter() - began)
            hang_up = self._crowd.loop.call_later(left, self._connection.drop)
            answer = await self._connection.send((head + content).encode())
            hang_up.cancel()
        except (OSError, TimeoutError):
            answer = NO_ANSWER
        self._measure(kind, answer, time.perf_counter() - began)
        return answer

    def _measure(self, kind: str, answer: Answer, took: float) -> None:
        measured = self._crowd.measured
        name, _, duration = answer.header("server-timing").partition(";dur=")
        if answer.status == 0:
            measured.other[f"{kind}: no answer"] += 1
        elif name == "refused":
            measured.refused[kind].append(took)
            measured.server_refused.append(float(duration) / 1000)
        else:
            if answer.status != 200:
                measured.other[f"{kind}: {answer.status}"] += 1
            measured.answered[kind].append(took)
            measured.server_answered.append(float(duration or 0) / 1000)


def pause_before_retry(failures: int, answer: Answer) -> float:
    """Seconds until the next try, by the rules of our_answers.js."""
    grown = min(PAUSE_FIRST * 2 ** min(failures - 1, 20), PAUSE_MOST) * random.uniform(0.5, 1.5)
    asked = answer.header("retry-after")
    return max(grown, int(asked or 0) * random.uniform(1, 1.5))


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


async def _run(settings: dict[str, Any]) -> Measurements:
    crowd = Crowd(settings)
    began = time.monotonic()
    phones = [Phone(crowd, number, one) for number, one in enumerate(settings["devices"])]
    evenings = [
        asyncio.create_task(phone.evening(random.uniform(0, settings["ramp"]))) for phone in phones
    ]
    await asyncio.sleep(settings["ramp"] + settings["seconds"])
    crowd.end()
    _, left = await asyncio.wait(evenings, timeout=settings["drain"])
    crowd.measured.unsaved = [f"{len(left)} phones are not done"] if left else []
    for evening in left:
        evening.cancel()
    for evening in evenings:
        if evening.done() and not evening.cancelled() and evening.exception():
            crowd.measured.broken.append(repr(evening.exception()))
    crowd.measured.lasted = time.monotonic() - began
    crowd.measured.cpu = time.process_time()
    return crowd.measured


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    json.dump(vars(asyncio.run(_run(json.load(sys.stdin)))), sys.stdout)
