"""Acts as thousands of volunteers' phones, in one process. Each phone sends the requests that the
call page would send.

    python -m bench.handsets

Each command is one line of JSON, and so is its answer:

    {"do": "begin", "port", "at_once", "pace", "devices": [{"cookie", "token"}], "boards": {party:
     token}}
        connects the televisions. Then each phone asks for its first person and opens its line (its
        Socket.IO connection). Up to `at_once` phones do this at the same time. The answer does not
        wait for the phones. → {}
    {"do": "begun"} → {"phones"}: the number of phones that have a first person and a line
    {"do": "set_pace", "pace"}
        makes calls `pace` times as fast as people make them. This also applies to calls that have
        begun. → {}
    {"do": "observed"} → {"requests": [[time of the end, kind, seconds, verdict, bytes]], "lost",
        "connections", "cpu"}
        returns what has happened since the last "observed". "lost" is the number of lines that were
        lost, and "connections" is the number of HTTP connections that were opened. But "cpu" is the
        processor seconds of this process since it started.
    {"do": "end", "drain"}
        lets no phone begin or end another call. For at most `drain` seconds, phones may still send
        the outcomes that their callers have chosen, and other messages that they have begun to
        send. → {"saved", "promised", "unsettled", "broken"} (see `Notes`)
    {"do": "shown"} → {party: calls}: the number of calls that each television shows

A phone claims a person, waits as long as a conversation takes, saves answers to steps of the
script, and records how the call ended. During the call, the phone renews its hold on the person,
usually by an event on its line. The phone sends an outcome again and again until the outcome is
settled, as call_outbox.js does. An outcome is settled when an answer says that Phonebank has saved
or refused it. The pauses between the tries grow up to a limit, and are partly random. Each pause is
at least as long as `Retry-After` asks for, if that is five minutes or less.

A request's verdict is "person" (the answer has the next person), "nobody" (the server accepted the
request, but there is no next person yet), "saved", "redirected", "refused" (503), "no answer", or
"status" with the number of another status. When a phone loses its hold on a person, the phone notes
the loss like a request of the kind "hold". The verdict is then "expired" or "lost before its time".
"""

import asyncio
import gc
import itertools
import json
import os
import random
import resource
import sys
import time
import traceback
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bench.call_page import CallPage, Screen, Turn
from bench.http_client import NO_ANSWER, Answer, Connection
from bench.people import Device
from bench.socket_io import SocketIo

ANSWER_WITHIN = 15.0  # seconds, as long as call_outbox.js waits
RENEWED_WITHIN = 10.0  # seconds, as long as call_hold.js waits
PAUSE_FIRST, PAUSE_MOST = 1.0, 30.0  # seconds, as in our_answers.js
# Seconds, as in call_hold.js: between two renewals, at least and at most, and after a failure.
RENEW_AT_LEAST, RENEW_AT_MOST, RENEW_AGAIN = 5.0, 60.0, 4.0
# Seconds between two tries of the waiting page, as in caller_wait.js.
WAITS = (4.0, 6.0, 9.0, 13.0, 20.0, 30.0)
RECONNECT_AFTER = 2.0  # seconds, about as long as the page's library waits
# One outcome in UNDONE_EACH is undone, UNDO_TAKES seconds after it was recorded.
UNDONE_EACH, UNDO_TAKES = 100, 5.0
ADDRESSES = 250  # from 127.0.0.1 on: one address has too few ports for all phones


class Ending(NamedTuple):
    """One way in which calls end. `outcome` names the outcome's button, and `share` is the
    share of calls that end in this way. `shortest` and `longest` are the lengths of the
    shortest and the longest such call. `answers` has the answers to the script's steps in such a
    call.

    The lengths are in seconds from one outcome to the next, so they include the caller's pause
    between two calls. On average a caller makes 30 calls an hour.
    """

    outcome: str
    share: float
    shortest: float
    longest: float
    answers: tuple[tuple[str, str], ...] = ()


_OPENED = (("opening", "speaking"), ("introduction", "bad_time"))
_TALK = (
    ("opening", "speaking"),
    ("introduction", "happy_to_talk"),
    ("rating_before", "5"),
    ("issue", "health"),
    ("rating_after", "7"),
    ("vote_ask", "probably"),
)
ENDINGS = (
    Ending("no_answer", 0.55, 70, 110),
    Ending("answerphone", 0.12, 70, 110),
    Ending("left_message", 0.08, 90, 130),
    Ending("talked", 0.10, 200, 520, _TALK),
    Ending("busy", 0.04, 50, 90),
    Ending("ring_back=tomorrow", 0.02, 90, 180, _OPENED),
    Ending("call_back", 0.01, 90, 180, _OPENED),
    Ending("bad_time", 0.03, 80, 140, _OPENED),
    Ending("hung_up", 0.02, 60, 110),
    Ending("refused", 0.01, 90, 150, _OPENED),
    Ending("wrong_number", 0.01, 80, 120),
    Ending("do_not_call", 0.005, 80, 120),
    Ending("skipped", 0.005, 40, 60),
)
SHARES = [ending.share for ending in ENDINGS]
# The average number of seconds from one outcome to the next.
MEAN_CALL = sum(each.share * (each.shortest + each.longest) / 2 for each in ENDINGS)


@dataclass
class Notes:
    """What the phones of this process noted about their calls. The bench reads these notes at the
    end."""

    # Call → outcome, of every call whose outcome was acknowledged and not undone.
    saved: dict[str, str] = field(default_factory=dict)
    # Call → the end of its hold, as the last renewal promised it, in seconds since 1970.
    promised: dict[str, float] = field(default_factory=dict)
    # Phones that still waited for an answer at the end.
    unsettled: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


class Crowd:
    """All phones, and what they share: the pace, the end of the evening, and the notes."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.port = 0
        self.notes = Notes()
        self.requests: list[tuple[float, str, float, str, int]] = []
        self.lost = self.connections = 0
        self.has_ended = False
        # Telephone number → the phone that shows it, and the end of its hold.
        self.shown_numbers: dict[str, tuple[int, float]] = {}
        self._pace = 1.0
        self._waiting: dict[asyncio.Future[None], asyncio.TimerHandle] = {}
        self._televisions: list[Television] = []
        self._phones: list[Phone] = []
        self._evenings: list[asyncio.Task[None]] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Any) -> None:
        """Start a coroutine that runs beside the others."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def wait(self, seconds: float) -> None:
        """Wait for this many seconds, divided by the current pace. If the pace changes meanwhile,
        the time that is left changes too. The wait is cut short when the evening ends."""
        if self.has_ended:
            return
        done = self.loop.create_future()
        self._waiting[done] = self.loop.call_later(seconds / self._pace, self._pass, done)
        await done
        self._waiting.pop(done, None)

    async def begin(self, order: dict[str, Any]) -> dict[str, Any]:
        self.port, self._pace = order["port"], order["pace"]
        for party, token in order["boards"].items():
            self._televisions.append(Television(self, int(party), token))
            await self._televisions[-1].open()
        gate = asyncio.Semaphore(order["at_once"])
        self._phones = [
            Phone(self, number, Device(**one)) for number, one in enumerate(order["devices"])
        ]
        self._evenings = [self.loop.create_task(phone.evening(gate)) for phone in self._phones]
        # The objects that exist now are kept to the end, so the garbage collector need not check
        # them.
        gc.collect()
        gc.freeze()
        return {}

    async def begun(self, _: dict[str, Any]) -> dict[str, Any]:
        for evening in filter(asyncio.Task.done, self._evenings):
            evening.result()  # raises its error, if it has failed
        return {"phones": sum(phone.has_begun for phone in self._phones)}

    async def set_pace(self, order: dict[str, Any]) -> dict[str, Any]:
        before, self._pace = self._pace, order["pace"]
        now = self.loop.time()
        for done, timer in list(self._waiting.items()):
            left = max(0.0, timer.when() - now) * before / self._pace
            timer.cancel()
            self._waiting[done] = self.loop.call_later(left, self._pass, done)
        return {}

    async def observed(self, _: dict[str, Any]) -> dict[str, Any]:
        requests, self.requests = self.requests, []
        lost, self.lost = self.lost, 0
        connections, self.connections = self.connections, 0
        return {
            "requests": requests,
            "lost": lost,
            "connections": connections,
            "cpu": time.process_time(),
        }

    async def end(self, order: dict[str, Any]) -> dict[str, Any]:
        self.has_ended = True
        for done in list(self._waiting):
            self._pass(done)
        _, left = await asyncio.wait(self._evenings, timeout=order["drain"])
        self.notes.unsettled = [f"{len(left)} phones wait for an answer"] if left else []
        for evening in self._evenings:
            if evening in left:
                evening.cancel()
            elif evening.exception():
                self.notes.broken.append(repr(evening.exception()))
        return vars(self.notes)

    async def shown(self, _: dict[str, Any]) -> dict[int, int]:
        return {television.party: television.calls for television in self._televisions}

    @staticmethod
    def _pass(done: "asyncio.Future[None]") -> None:
        if not done.done():
            done.set_result(None)


class Line(SocketIo):
    """A Socket.IO connection that reconnects whenever it is lost, until the evening ends."""

    def __init__(
        self, crowd: Crowd, namespace: str, auth: Any = None, cookie: str = "", address: str = ""
    ) -> None:
        super().__init__(crowd.port, namespace, auth, cookie)
        self._crowd = crowd
        self._from = (address, 0) if address else None
        self._ready: asyncio.Future[None] = crowd.loop.create_future()
        self.is_open = False

    async def open(self) -> None:
        """Connect, and try again until the server accepts the namespace or the evening ends. Each
        failed try counts as a lost line."""
        self._ready = self._crowd.loop.create_future()
        while not self._crowd.has_ended:
            try:
                await self._crowd.loop.create_connection(
                    lambda: self, "127.0.0.1", self._crowd.port, local_addr=self._from
                )
                await asyncio.wait_for(asyncio.shield(self._ready), ANSWER_WITHIN)
                return
            except (OSError, TimeoutError):
                self.drop()
                self._crowd.lost += 1
                await self._crowd.wait(RECONNECT_AFTER)

    def connected(self, at: float) -> None:
        self.is_open = True
        if not self._ready.done():
            self._ready.set_result(None)

    def refused(self) -> None:
        self._crowd.notes.broken.append(f"{self.namespace} was refused")

    def lost(self) -> None:
        was_open, self.is_open = self.is_open, False
        if was_open and not self._crowd.has_ended:
            self._crowd.lost += 1
            self._crowd.loop.call_later(RECONNECT_AFTER, self._crowd.start, self.open())


class Television(Line):
    """A television that shows a party's board, which is the page of the party's figures."""

    def __init__(self, crowd: Crowd, party: int, token: str) -> None:
        super().__init__(crowd, "/board", {"token": token})
        self.party = party
        self.calls = 0
        self._version = -1

    def connected(self, at: float) -> None:
        super().connected(at)
        self.emit("snapshot", ack=0)

    def heard(self, message: bytes, at: float) -> None:
        told = json.loads(message[message.index(b"[") :])
        board = told[0].get("board") if message[1:2] == b"3" else told[1]
        # As on the page, an older event changes nothing. An undone outcome lowers the number.
        if board["version"] >= self._version:
            self._version, self.calls = board["version"], board["calls"]


class CallerLine(Line):
    """The line of one phone, over which the phone renews its holds."""

    def __init__(self, crowd: Crowd, cookie: str, address: str) -> None:
        super().__init__(crowd, "/caller", cookie=cookie, address=address)
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}

    def connected(self, at: float) -> None:
        super().connected(at)
        self.emit("state", {}, ack=0)

    def heard(self, message: bytes, at: float) -> None:
        if message[1:2] != b"3":
            return
        at_brackets = message.index(b"[")
        number = int(message[message.index(b",") + 1 : at_brackets])
        asked = self._asked.pop(number, None)
        if asked is not None and not asked.done():
            asked.set_result(json.loads(message[at_brackets:])[0])

    async def ask(self, event: str, data: Any, within: float) -> dict[str, Any] | None:
        """Send an event and return the server's answer. Return None if the line is down, or if no
        answer comes within `within` seconds."""
        if not self.is_open:
            return None
        number = next(self._numbers)
        self._asked[number] = answer = self._crowd.loop.create_future()
        self.emit(event, data, number)
        try:
            return await asyncio.wait_for(answer, within)
        except TimeoutError:
            return None
        finally:
            self._asked.pop(number, None)


class Phone:
    """One volunteer's phone."""

    def __init__(self, crowd: Crowd, number: int, device: Device) -> None:
        self._crowd = crowd
        self._number = number
        self._address = f"127.0.0.{1 + number % ADDRESSES}"
        self._page = CallPage(crowd.port, device)
        self._line = CallerLine(crowd, device.cookie, self._address)
        self._idle: list[Connection] = []
        self._screen: Screen | None = None
        self._until = 0.0
        self._renewal: asyncio.TimerHandle | None = None
        self._failed_renewals = 0
        # Whether an outcome or an undo is being sent. Either ends the hold.
        self._is_ending = False
        self.has_begun = False

    async def evening(self, gate: asyncio.Semaphore) -> None:
        """Call people until the evening is over and every outcome is settled."""
        await self._begin(gate)
        async with gate:
            await self._line.open()
        self.has_begun = True
        # Every phone starts somewhere in the middle of its first call. Otherwise the phones would
        # all send their outcomes at about the same time.
        share = random.random()
        while not self._crowd.has_ended:
            if self._screen is None:
                await self._wait_for_person()
            else:
                await self._call(self._screen, share)
            share = 1.0
        self._stop_renewing()

    async def _begin(self, gate: asyncio.Semaphore) -> None:
        """Press "Start calling" until there is a person or the evening ends. `gate` limits how many
        phones ask at the same time. A phone that waits before its next try does not count towards
        this limit."""
        failures = 0
        while self._screen is None and not self._crowd.has_ended:
            async with gate:
                answer = await self._send("first", self._page.next())
            self._draw(self._page.read(answer))
            if self._screen is None:
                failures += 1
                retry_after = float(answer.header("retry-after") or 0)
                await asyncio.sleep(pause_before_retry(failures, retry_after))

    async def _wait_for_person(self) -> None:
        """Do what the waiting page does, until there is a person or the evening ends."""
        await self._open_waiting_page()
        tries, stay_away = 0, 0.0
        while self._screen is None and not self._crowd.has_ended:
            usual = WAITS[min(tries, len(WAITS) - 1)] * random.uniform(0.75, 1.25)
            await asyncio.sleep(max(usual, stay_away * random.uniform(1, 1.5)))
            tries += 1
            answer = await self._send("waiting", self._page.wait(as_json=True))
            stay_away = float(answer.header("retry-after") or 0)
            if CallPage.has_person(answer):
                await self._open_waiting_page()

    async def _open_waiting_page(self) -> None:
        answer = await self._send("waiting", self._page.wait(as_json=False))
        if answer.status == 303:
            answer = await self._send("waiting", self._page.open())
        self._draw(self._page.read(answer))

    async def _call(self, screen: Screen, share: float) -> None:
        """Make one call, and wait until its outcome is settled. Undo about one outcome in
        UNDONE_EACH. The call takes only `share` of its usual time. If the evening ends before the
        caller has chosen an outcome, stop without an outcome."""
        ending = random.choices(ENDINGS, SHARES)[0]
        length = share * random.uniform(ending.shortest, ending.longest)
        part = length / (len(ending.answers) + 1)
        for step, value in ending.answers:
            await self._crowd.wait(part)
            if self._crowd.has_ended:
                return
            message = self._page.answer(screen.call, step, value, int(1000 * time.time()))
            await self._send_until_settled("answer", screen.call, message)
        await self._crowd.wait(part)
        if self._crowd.has_ended:
            return
        await self._record(screen, ending.outcome)
        after = self._screen
        if after is not None and after.before is not None and not random.randrange(UNDONE_EACH):
            await self._crowd.wait(UNDO_TAKES)
            if not self._crowd.has_ended:
                await self._undo(after, after.before)

    async def _record(self, screen: Screen, outcome: str) -> None:
        saved, call_id = self._crowd.notes.saved, screen.call.call_id
        message = self._page.outcome(screen.call, outcome)
        self._is_ending = True
        answer = await self._send_until_settled("cycle", screen.call, message)
        if verdict_in(answer)[1] != "saved":
            # The server refused the outcome, so this phone has lost its hold.
            self._note_lost_hold(screen, answer)
            self._draw(None)
            return
        if call_id in saved:
            self._crowd.notes.broken.append(f"{call_id} was acknowledged twice")
        saved[call_id] = "call_back" if outcome.startswith("ring_back=") else outcome
        await self._draw_next(answer, screen.call, message)

    async def _draw_next(self, answer: Answer, call: Turn, message: bytes) -> None:
        """Show the next person. A busy server may save the outcome without giving the phone a next
        person yet. The phone then sends the outcome again later, as the page does."""
        while (stay_away := float(answer.header("retry-after") or 0)) and answer.status == 200:
            self._draw(None)
            await asyncio.sleep(pause_before_retry(1, stay_away))
            if self._crowd.has_ended:
                return
            answer = await self._send_until_settled("put off", call, message)
        self._draw(self._page.read(answer))

    async def _undo(self, screen: Screen, before: Turn) -> None:
        """Undo the outcome of the call `before`, which this phone made just before the present one.
        The screen then shows that call's person. If the server refuses the undo, the screen stays
        as it is."""
        message = self._page.undo(before)
        self._is_ending = True
        answer = await self._send_until_settled("undo", before, message)
        if verdict_in(answer)[1] != "saved":
            self._draw(screen)
            return
        self._crowd.notes.saved.pop(before.call_id, None)
        # The person who was on the screen has returned to the queue, so their hold has ended.
        self._crowd.notes.promised.pop(screen.call.call_id, None)
        self._draw(self._page.read(answer))

    def _draw(self, screen: Screen | None) -> None:
        """Show another person on the screen, or nobody. From then on, renew the hold on that
        person. Note a broken promise if another phone shows the same number and that phone's hold
        has not expired."""
        self._stop_renewing()
        self._is_ending = False
        shown = self._crowd.shown_numbers
        if self._screen is not None and shown.get(self._screen.number, (None,))[0] == self._number:
            del shown[self._screen.number]
        self._screen = screen
        if screen is None:
            return
        self._until = time.time() + screen.seconds_left
        phone, until = shown.get(screen.number, (self._number, 0.0))
        # If the caller may only correct the outcome, the screen has no number.
        if screen.number and phone != self._number and until > time.time():
            self._crowd.notes.broken.append(f"{screen.call.call_id} is on two screens")
        shown[screen.number] = self._number, self._until
        self._failed_renewals = 0
        self._renew_after(self._renewal_pause())

    def _renewal_pause(self) -> float:
        """Return the seconds until the next renewal: a third of the time that the hold has left,
        but at least RENEW_AT_LEAST and at most RENEW_AT_MOST."""
        return max(RENEW_AT_LEAST, min(RENEW_AT_MOST, (self._until - time.time()) / 3))

    def _renew_after(self, seconds: float) -> None:
        self._renewal = self._crowd.loop.call_later(seconds, self._start_renewal)

    def _start_renewal(self) -> None:
        if self._screen is not None:
            self._crowd.start(self._renew(self._screen))

    def _stop_renewing(self) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
            self._renewal = None

    async def _renew(self, screen: Screen) -> None:
        """Renew the hold by an event on the line. If no usable answer comes on the line, renew the
        hold by a request, but only while the phone shows the same person and sends no outcome or
        undo. If that fails too, try again later."""
        retry_after, left = 0.0, None
        began = time.perf_counter()
        event, data = CallPage.renewal(screen.call)
        told = await self._line.ask(event, data, RENEWED_WITHIN)
        status = 200 if told and told.get("ok") else (told or {}).get("error", {}).get("status", 0)
        if told is not None and status in (200, 503):
            verdict = "saved" if status == 200 else "refused"
            self._note("renewal", time.perf_counter() - began, verdict, 0)
            left = told.get("seconds_left")
            retry_after = (told.get("error") or {}).get("retry_after") or 0.0
        elif screen is not self._screen:
            return
        elif self._is_ending:
            # The outcome arrived before the renewal and ended the hold. The next screen is on its
            # way.
            self._renew_after(RENEW_AGAIN)
            return
        else:
            answer = await self._send("renewal by request", self._page.renew(screen.call))
            left = CallPage.seconds_left(answer)
            retry_after = float(answer.header("retry-after") or 0)
            if screen is self._screen and verdict_in(answer)[1] == "refused":
                self._note_lost_hold(screen, answer)
                return
        if screen is not self._screen or self._crowd.has_ended:
            return
        if left is None:
            self._failed_renewals += 1
            most = self._renewal_pause()
            pause = pause_before_retry(self._failed_renewals, retry_after, RENEW_AGAIN, most)
            self._renew_after(pause)
            return
        self._failed_renewals = 0
        self._until = time.time() + left
        self._crowd.notes.promised[screen.call.call_id] = self._until
        self._crowd.shown_numbers[screen.number] = self._number, self._until
        self._renew_after(self._renewal_pause())

    def _note_lost_hold(self, screen: Screen, answer: Answer) -> None:
        """Note that the phone has lost the person. If the phone's hold had not expired yet, also
        note a broken promise."""
        has_expired = time.time() > self._until
        self._note("hold", 0.0, "expired" if has_expired else "lost before its time", 0)
        if not has_expired:
            self._crowd.notes.broken.append(f"{screen.call.call_id} lost: {answer.status}")

    async def _send_until_settled(self, kind: str, call: Turn, message: bytes) -> Answer:
        """Send a message about a call again and again until Phonebank settles it, as the page's
        outbox does."""
        failures = 0
        while True:
            answer = await self._send(kind, message)
            if verdict_in(answer)[0] == call.call_id:
                return answer
            failures += 1
            retry_after = float(answer.header("retry-after") or 0)
            await asyncio.sleep(pause_before_retry(failures, retry_after))

    async def _send(self, kind: str, message: bytes) -> Answer:
        """Send a request on an open connection if there is one, otherwise on a new one. Note the
        request's verdict."""
        began = time.perf_counter()
        answer, was_kept = NO_ANSWER, True
        # The server closes idle connections. If one closes before it answers, the request is sent
        # again, as a browser does.
        while not answer.status and was_kept and time.perf_counter() - began < ANSWER_WITHIN:
            answer, was_kept = await self._try(message, began)
        self._note(kind, time.perf_counter() - began, _outcome_of(kind, answer), answer.length)
        return answer

    async def _try(self, message: bytes, began: float) -> tuple[Answer, bool]:
        """Send a request once. Return the answer, and whether the connection had been open
        before."""
        while self._idle:
            connection = self._idle.pop()
            if connection.transport is not None:
                was_kept = True
                break
        else:
            was_kept = False
            try:
                connection = await self._connect()
            except (OSError, TimeoutError):
                return NO_ANSWER, False
        left = ANSWER_WITHIN - (time.perf_counter() - began)
        hang_up = self._crowd.loop.call_later(left, connection.drop)
        answer = await connection.send(message)
        hang_up.cancel()
        if connection.transport is not None:
            self._idle.append(connection)
        return answer, was_kept

    async def _connect(self) -> Connection:
        self._crowd.connections += 1
        _, connection = await asyncio.wait_for(
            self._crowd.loop.create_connection(
                Connection, "127.0.0.1", self._crowd.port, local_addr=(self._address, 0)
            ),
            ANSWER_WITHIN,
        )
        return connection

    def _note(self, kind: str, took: float, verdict: str, length: int) -> None:
        self._crowd.requests.append((self._crowd.loop.time(), kind, took, verdict, length))


def verdict_in(answer: Answer) -> tuple[str, str]:
    """Return the id of the call that the answer is about, and "saved" or "refused". Both are "" if
    the answer settles nothing."""
    call, _, verdict = answer.header("x-phonebank-call").partition(" ")
    return call, verdict


def pause_before_retry(
    failures: int, retry_after: float, first: float = PAUSE_FIRST, most: float = PAUSE_MOST
) -> float:
    """Return the seconds until the next try, by the rules of our_answers.js."""
    grown = min(first * 2 ** min(failures - 1, 20), most) * random.uniform(0.5, 1.5)
    return max(grown, min(retry_after, 10 * most) * random.uniform(1, 1.5))


def _outcome_of(kind: str, answer: Answer) -> str:
    """Return the verdict on a request (see the module's docstring)."""
    if not answer.status:
        return "no answer"
    if answer.status == 503:
        return "refused"
    if answer.status == 303:
        return "redirected"
    if answer.status != 200:
        return f"status {answer.status}"
    if kind in ("answer", "renewal by request"):
        return "saved"
    return "person" if CallPage.has_person(answer) else "nobody"


async def run_commands() -> None:
    crowd = Crowd()
    while order := await crowd.loop.run_in_executor(None, sys.stdin.readline):
        told = json.loads(order)
        try:
            answer = await getattr(crowd, told["do"])(told)
        except Exception:
            # Ending thousands of phones in order would take minutes, and the bench waits.
            traceback.print_exc()
            os._exit(1)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(run_commands())
