"""A Twilio for tests, over real HTTP, that behaves as badly as the real one can.

It answers the requests of Twilio's library, acts on TwiML, and sends signed webhooks: late, twice,
in another order, or never. Each request and each answer is checked against Twilio's description,
and `faults` has what it does not allow. Nobody is called.
"""

import base64
import heapq
import http.client
import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree as Xml

from phonebank.telephony.twilio_signature import HEADER, signature_of
from tests.twilio_api.description import AgainstDescriptionError, check_answer, check_request

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
AUTH_TOKEN = "12345678901234567890123456789012"
ENDED = ("completed", "busy", "no-answer", "failed", "canceled")
# Twilio's errors for test numbers that end so; the others are called.
REFUSED = {"+447700900666": 21217, "+447700900667": 21215}


@dataclass(frozen=True)
class Fate:
    """What the called person does: `answers`, `busy`, `unknown` (no such number) or `away`, after
    `rings` seconds. One who answers hangs up `talks` seconds after they were joined; None for
    never."""

    does: str = "answers"
    rings: float = 0.05
    talks: float | None = None


@dataclass
class Trouble:
    """The shares of requests and webhooks that go wrong, from 0 to 1."""

    late: float = 0.0
    doubled: float = 0.0
    lost: float = 0.0
    too_many: float = 0.0  # 429, nothing was done
    failing: float = 0.0  # 503, nothing was done
    forgetful: float = 0.0  # 503, though what was asked for was done
    late_seconds: float = 0.4


@dataclass
class Call:
    """A call as Twilio knows it."""

    sid: str
    to: str
    shown: str
    callback: str
    asked: tuple[str, ...]
    timeout: float
    fate: Fate
    status: str = "queued"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: datetime | None = None
    ended: datetime | None = None
    price: str | None = None
    room: "Room | None" = None
    label: str = ""
    sequence: int = 0
    # TwiML that is replaced is not continued.
    program: int = 0
    heard: list[str] = field(default_factory=list)


@dataclass
class Room:
    """A conference."""

    sid: str
    name: str
    callback: str
    inside: dict[str, datetime] = field(default_factory=dict)  # by the id of a call
    closes_with: set[str] = field(default_factory=set)
    sequence: int = 0
    is_open: bool = True


class RefusalError(Exception):
    """An answer that is an error of Twilio's."""

    def __init__(self, status: int, code: int) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


class TwilioSimulator:
    """The simulator. `deliver_to` is the local address (host, port) of the server whose public
    address is `public`. `fates` says by number what people do."""

    def __init__(
        self, public: str, deliver_to: tuple[str, int], seed: int = 1, connections: int = 16
    ) -> None:
        self.public, self.deliver_to = public, deliver_to
        self.trouble = Trouble()
        self.fates: dict[str, Fate] = {}
        self.usual = Fate()
        self.calls: dict[str, Call] = {}
        self.rooms: dict[str, Room] = {}
        self.faults: list[str] = []
        self.delivered: list[tuple[str, int, float]] = []  # path, status, seconds
        # What the server says that it took, if it says so.
        self.server_seconds: list[float] = []
        self.sent_form: list[tuple[str, str, dict[str, str]]] = []  # method, path, fields
        # One in this many requests is checked; a check takes 20 ms.
        self.checks_one_in = 1
        # Milliseconds that a new call waits at Twilio.
        self.queue_time = 0
        # Seconds that a TwiML second takes.
        self.tempo = 1.0
        self._random = random.Random(seed)
        self._ids = itertools.count(1)
        self._requests = itertools.count()
        self._lock = threading.RLock()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._wake = threading.Condition()
        self._posts = ThreadPoolExecutor(connections)
        self._connections = threading.local()
        self._is_over = False
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    # Life --------------------------------------------------------------------------------------

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        threading.Thread(target=self._run_what_is_due, daemon=True).start()

    def stop(self) -> None:
        self._is_over = True
        with self._wake:
            self._wake.notify()
        self._server.shutdown()
        self._server.server_close()
        self._posts.shutdown(wait=True, cancel_futures=True)

    def fate_of(self, number: str) -> Fate:
        """Return what the person with this number does."""
        return self.fates.get(number, self.usual)

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        with self._wake:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._ids), act))
            self._wake.notify()

    def _run_what_is_due(self) -> None:
        while not self._is_over:
            with self._wake:
                wait = self._due[0][0] - time.monotonic() if self._due else 1.0
                if wait > 0:
                    self._wake.wait(wait)
                    continue
                act = heapq.heappop(self._due)[2]
            try:
                with self._lock:
                    act()
            except Exception as error:  # a fault of the simulator must fail the test
                self.faults.append(f"simulator: {error!r}")

    # Requests ----------------------------------------------------------------------------------

    def answer(
        self, method: str, address: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """Return the status and the body of the answer to a request."""
        parts = urlsplit(address)
        query, path = dict(parse_qsl(parts.query)), parts.path
        fields = parse_qsl(body.decode())
        self.sent_form.append((method, path, dict(fields)))
        is_checked = next(self._requests) % self.checks_one_in == 0
        try:
            if is_checked:
                check_request(method, path, query, body, headers)
            secret = base64.b64encode(f"{ACCOUNT}:{AUTH_TOKEN}".encode()).decode()
            if headers.get("Authorization") != f"Basic {secret}":
                raise RefusalError(401, 20003)
            chance = self._random.random()
            trouble = self.trouble
            if chance < trouble.too_many:
                raise RefusalError(429, 20429)
            if chance < trouble.too_many + trouble.failing:
                raise RefusalError(503, 20500)
            with self._lock:
                status, answer = self._act(method, path, query, fields)
            if is_checked:
                check_answer(method, path, status, answer)
            if method == "POST" and self._random.random() < trouble.forgetful:
                raise RefusalError(503, 20500)
        except AgainstDescriptionError as fault:
            self.faults.append(str(fault))
            status, answer = 400, {"code": 20001, "message": "A parameter is wrong", "status": 400}
        except RefusalError as refused:
            status = refused.status
            answer = {"code": refused.code, "message": "Refused", "status": status}
        return status, answer

    def _act(
        self, method: str, path: str, query: dict[str, str], fields: list[tuple[str, str]]
    ) -> tuple[int, dict[str, Any]]:
        rest = path.removeprefix(f"/2010-04-01/Accounts/{ACCOUNT}").removesuffix(".json")
        match rest.strip("/").split("/"):
            case ["Calls"] if method == "POST":
                return 201, self._create(fields)
            case ["Calls"]:
                wanted, shown = query.get("Status"), query.get("From")
                found = [
                    call
                    for call in self.calls.values()
                    if shown in (None, call.shown) and wanted in (None, call.status)
                ]
                newest = sorted(found, key=lambda call: call.created, reverse=True)
                return 200, _page(path, "calls", [_shown_call(call) for call in newest])
            case ["Calls", sid]:
                if sid not in self.calls:
                    raise RefusalError(404, 20404)
                call = self.calls[sid]
                if method == "POST":
                    self._change(call, dict(fields))
                return 200, _shown_call(call)
            case ["Conferences"]:
                rooms = [room for room in self.rooms.values() if room.is_open]
                return 200, _page(path, "conferences", [_shown_room(room) for room in rooms])
            case ["Conferences", sid, "Participants"]:
                [room] = [room for room in self.rooms.values() if room.sid == sid]
                inside = [self._participant(room, call) for call in room.inside]
                return 200, _page(path, "participants", inside)
        raise RefusalError(404, 20404)

    def _create(self, fields: list[tuple[str, str]]) -> dict[str, Any]:
        values = dict(fields)
        number = values["To"]
        if number in REFUSED:
            raise RefusalError(400, REFUSED[number])
        sid = f"CA{next(self._ids):032x}"
        call = self.calls[sid] = Call(
            sid=sid,
            to=number,
            shown=values["From"],
            callback=values.get("StatusCallback", ""),
            asked=tuple(value for name, value in fields if name == "StatusCallbackEvent"),
            timeout=float(values.get("Timeout", "60")),
            fate=self.fate_of(number),
        )
        program = call.program
        words, url = values.get("Twiml", ""), values.get("Url", "")
        self.later(self.queue_time / 1000, lambda: self._ring(call, program, words, url))
        return _shown_call(call) | {"queue_time": str(self.queue_time)}

    def _change(self, call: Call, values: dict[str, str]) -> None:
        if call.status in ENDED:
            raise RefusalError(400, 21220)
        if values.get("Status") in ("completed", "canceled"):
            self.end(call, "completed" if call.status == "in-progress" else "canceled")
            return
        if call.status != "in-progress":
            raise RefusalError(400, 21220)
        call.program += 1
        self._leave_room(call)
        program = call.program
        if "Twiml" in values:
            self.later(0.0, lambda: self._play(call, program, values["Twiml"]))
        else:
            self._fetch_twiml(call, program, values["Url"])

    # What happens on a line ----------------------------------------------------------------------

    def _ring(self, call: Call, program: int, words: str, url: str) -> None:
        if call.status in ENDED:
            return
        fate = call.fate
        if fate.does == "unknown":
            self.end(call, "failed", {"SipResponseCode": "404"})
            return
        self._tell(call, "ringing")
        call.status = "ringing"
        if fate.does == "busy":
            self.later(fate.rings, lambda: self.end(call, "busy"))
        elif fate.does == "away" or fate.rings > call.timeout:
            self.later(call.timeout * self.tempo, lambda: self.end(call, "no-answer"))
        else:
            self.later(fate.rings, lambda: self._pick_up(call, program, words, url))

    def _pick_up(self, call: Call, program: int, words: str, url: str) -> None:
        if call.status in ENDED:
            return
        call.status, call.started = "in-progress", datetime.now(UTC)
        self._tell(call, "answered", status="in-progress")
        if url:
            self._fetch_twiml(call, program, url)
        else:
            self._play(call, program, words)

    def open_from_browser(self, caller_id: int, line_id: int, app_url: str) -> Call:
        """Let a caller's browser open its line, as the SDK does."""
        sid = f"CA{next(self._ids):032x}"
        call = Call(sid, "", f"client:caller-{caller_id}", "", (), 60, Fate(), "in-progress")
        self.calls[sid] = call
        more = {"line": str(line_id), "From": call.shown}
        self._fetch_twiml(call, call.program, app_url, more)
        return call

    def _play(self, call: Call, program: int, words: str) -> None:
        """Act on TwiML from its first verb. Each verb that takes time continues later."""
        self._go_on(call, program, list(Xml.fromstring(words)))  # noqa: S314  (our own TwiML)

    def _go_on(self, call: Call, program: int, verbs: list[Xml.Element]) -> None:
        if call.program != program or call.status in ENDED:
            return
        if not verbs:
            self.end(call, "completed")
            return
        verb, rest = verbs[0], verbs[1:]
        if verb.tag == "Pause":
            seconds = float(verb.get("length", "1")) * self.tempo
            self.later(seconds, lambda: self._go_on(call, program, rest))
        elif verb.tag == "Say":
            self.later(1.0 * self.tempo, lambda: self._said(call, program, verb, rest))
        elif verb.tag == "Redirect":
            self._fetch_twiml(call, program, verb.text or "")
        elif verb.tag == "Dial":
            self._enter_room(call, verb[0])
        elif verb.tag == "Hangup":
            self.end(call, "completed")
        else:
            self.faults.append(f"TwiML has {verb.tag}")

    def _said(self, call: Call, program: int, verb: Xml.Element, rest: list[Xml.Element]) -> None:
        if call.program == program:
            call.heard.append(verb.text or "")
        self._go_on(call, program, rest)

    def _fetch_twiml(
        self, call: Call, program: int, url: str, more: dict[str, str] | None = None
    ) -> None:
        fields = self._fields(call) | (more or {})

        def fetch() -> None:
            status, body = self._post(url, fields)
            if status != 200:
                with self._lock:
                    self.end(call, "completed")
                    return
            with self._lock:
                self._play(call, program, body)

        self._posts.submit(self._guarded(fetch))

    def _enter_room(self, call: Call, noun: Xml.Element) -> None:
        name = noun.text or ""
        room = self.rooms.get(name)
        if room is None or not room.is_open:
            room = self.rooms[name] = Room(
                f"CF{next(self._ids):032x}", name, noun.get("statusCallback", "")
            )
        if len(room.inside) >= int(noun.get("maxParticipants", "250")):
            self.end(call, "completed")
            return
        room.inside[call.sid] = datetime.now(UTC)
        call.room, call.label = room, noun.get("participantLabel", "")
        if noun.get("endConferenceOnExit") == "true":
            room.closes_with.add(call.sid)
        self._tell_room(room, call, "participant-join")
        if call.fate.talks is not None and len(room.inside) > 1:
            self.later(call.fate.talks, lambda: self.end(call, "completed"))

    def _leave_room(self, call: Call) -> None:
        room, call.room = call.room, None
        if room is None or call.sid not in room.inside:
            return
        del room.inside[call.sid]
        self._tell_room(room, call, "participant-leave")
        if call.sid in room.closes_with:
            room.is_open = False
            for sid in list(room.inside):
                self.end(self.calls[sid], "completed")

    def end(self, call: Call, status: str, more: dict[str, str] | None = None) -> None:
        """End a call: the person hangs up, or the network says no."""
        if call.status in ENDED:
            return
        call.status, call.ended = status, datetime.now(UTC)
        call.program += 1
        if status == "completed":
            call.price = "-0.01400"
        self._leave_room(call)
        self._tell(call, "completed", more=more)

    # Webhooks ------------------------------------------------------------------------------------

    def _fields(self, call: Call) -> dict[str, str]:
        return {
            "CallSid": call.sid,
            "AccountSid": ACCOUNT,
            "From": call.shown,
            "To": call.to,
            "CallStatus": call.status,
            "ApiVersion": "2010-04-01",
            "Direction": "outbound-api",
        }

    def _tell(
        self, call: Call, event: str, status: str | None = None, more: dict[str, str] | None = None
    ) -> None:
        number, call.sequence = call.sequence, call.sequence + 1
        if not call.callback or event not in call.asked:
            return
        fields = self._fields(call) | {
            "CallStatus": status or ("ringing" if event == "ringing" else call.status),
            "CallbackSource": "call-progress-events",
            "Timestamp": format_datetime(datetime.now(UTC)),
            "SequenceNumber": str(number),
        }
        self._send(call.callback, fields | (more or {}))

    def _tell_room(self, room: Room, call: Call, event: str) -> None:
        room.sequence += 1
        fields = {
            "ConferenceSid": room.sid,
            "FriendlyName": room.name,
            "AccountSid": ACCOUNT,
            "CallSid": call.sid,
            "ParticipantLabel": call.label,
            "StatusCallbackEvent": event,
            "SequenceNumber": str(room.sequence),
            "Timestamp": format_datetime(datetime.now(UTC)),
        }
        self._send(room.callback, fields)

    def _send(self, url: str, fields: dict[str, str]) -> None:
        """Send a webhook as well as the trouble allows. A late one comes after its followers."""
        trouble, chance = self.trouble, self._random.random
        if chance() < trouble.lost:
            return
        for _ in range(2 if chance() < trouble.doubled else 1):
            wait = trouble.late_seconds * chance() if chance() < trouble.late else 0.0
            deliver = self._guarded(lambda: self._post(url, fields))
            self.later(wait, partial(self._submit, deliver))

    def _submit(self, act: Callable[[], None]) -> None:
        if not self._is_over:
            self._posts.submit(act)

    def _guarded(self, act: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                act()
            except (OSError, http.client.HTTPException) as error:
                self.delivered.append((f"{error!r}", 0, 0.0))
            except Exception as error:
                self.faults.append(f"simulator: {error!r}")

        return run

    def _post(self, url: str, fields: dict[str, str]) -> tuple[int, str]:
        if not url.startswith(self.public + "/"):
            self.faults.append(f"a webhook for another server: {url}")
        path = url.removeprefix(self.public)
        headers = {
            HEADER: signature_of(AUTH_TOKEN, url, fields.items()),
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": "TwilioProxy/1.1",
        }
        began = time.perf_counter()
        connection = getattr(self._connections, "one", None)
        if connection is None:
            connection = http.client.HTTPConnection(*self.deliver_to, timeout=15)
            self._connections.one = connection
        try:
            connection.request("POST", path, urlencode(fields), headers)
            answer = connection.getresponse()
            body = answer.read().decode()
        except (OSError, http.client.HTTPException):
            self._connections.one = None
            connection.close()
            raise
        self.delivered.append((path, answer.status, time.perf_counter() - began))
        if timing := answer.headers.get("Server-Timing"):
            self.server_seconds.append(float(timing.rpartition("dur=")[2]) / 1000)
        return answer.status, body

    def _participant(self, room: Room, sid: str) -> dict[str, Any]:
        return {
            "account_sid": ACCOUNT,
            "call_sid": sid,
            "conference_sid": room.sid,
            "label": self.calls[sid].label,
            "date_created": format_datetime(room.inside[sid]),
            "status": "connected",
            "muted": False,
        }


def _page(path: str, name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        name: items,
        "page": 0,
        "page_size": 100,
        "start": 0,
        "end": max(0, len(items) - 1),
        "uri": path,
        "first_page_uri": f"{path}?Page=0",
        "next_page_uri": None,
        "previous_page_uri": None,
    }


def _shown_call(call: Call) -> dict[str, Any]:
    return {
        "sid": call.sid,
        "account_sid": ACCOUNT,
        "to": call.to,
        "from": call.shown,
        "status": call.status,
        "date_created": format_datetime(call.created),
        "start_time": format_datetime(call.started) if call.started else None,
        "end_time": format_datetime(call.ended) if call.ended else None,
        "price": call.price,
        "price_unit": "USD",
        "queue_time": "0",
        "api_version": "2010-04-01",
    }


def _shown_room(room: Room) -> dict[str, Any]:
    return {
        "sid": room.sid,
        "account_sid": ACCOUNT,
        "friendly_name": room.name,
        "status": "in-progress",
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # With five, which is the default, connections that come at once wait for seconds.
    request_queue_size = 256


def _handler(simulator: TwilioSimulator) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Otherwise an answer in two packets waits for the client's acknowledgement of the first.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            headers = dict(self.headers.items())
            status, answer = simulator.answer(self.command, self.path, body, headers)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def simulator(public: str, deliver_to: tuple[str, int], seed: int = 1) -> Iterator[TwilioSimulator]:
    """Run a simulator. After the test, no request and no answer may have been against Twilio's
    description."""
    running = TwilioSimulator(public, deliver_to, seed)
    running.start()
    try:
        yield running
    finally:
        running.stop()
    assert running.faults == []
