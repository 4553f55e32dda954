"""Makes the requests that the call page's JavaScript sends, and reads the answers as that
JavaScript does.

Other modules of the benchmarks get all requests of the call page from this module. The requests are
like those of `call_outbox.js`, `call_hold.js` and `call.js`, with the headers that a phone's
browser adds. Some of the requests renew a caller's hold on a person. While a caller holds a person,
no other caller gets that person.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

from bench.http_client import Answer
from bench.people import Device

_BROWSER = (
    "Host: 127.0.0.1:{port}\r\nConnection: keep-alive\r\n"
    "User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Mobile Safari/537.36\r\n"
    "Origin: http://127.0.0.1:{port}\r\nReferer: http://127.0.0.1:{port}/calling/person\r\n"
    "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"
    "Accept-Encoding: gzip\r\nAccept-Language: en-GB,en;q=0.9\r\nCookie: {cookie}\r\n"
)
_FORM = "Content-Type: application/x-www-form-urlencoded;charset=UTF-8\r\n"
# call.js asks with these headers for the next screen, and with _FOR_JSON for everything else. The
# last header names the form of answer that the page understands, and then the scripts that the page
# has. Without that header the server sends a whole page.
_FOR_SCREEN = "Accept: text/html\r\nX-Phonebank-Screen: {scripts}\r\n"
_WHOLE_PAGE, _UNDERSTANDS = "1", "2"
_FOR_JSON = "Accept: application/json\r\n"
_FOR_PAGE = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"

# The fields of the outcome's form, as the page has them before anybody types.
_UNTOUCHED = (
    ("note", ""),
    ("date", ""),
    ("time", ""),
    ("only_me", "yes"),
    ("language", "und"),
)

_CALL = re.compile(rb'/calling/person/([0-9a-f-]{36})/answers\?turn=(\d+)"')
_UNDO = re.compile(rb'/calling/person/([0-9a-f-]{36})/undo\?turn=(\d+)"')
_TOKEN = re.compile(rb'<meta name="csrf" content="([^"]+)"')
_SCRIPT = re.compile(rb'"key": ?"([0-9a-f]{12})"')
_SECONDS_LEFT = re.compile(rb'"seconds_left": ?(\d+)')
_NUMBER = re.compile(rb'href="tel:(\+\d+)"')


class Turn(NamedTuple):
    """The two values that name a call in the page's addresses: the call's id and its turn. The turn
    is the number of times that the call's outcome was undone."""

    call_id: str
    turn: str

    def path(self, action: str) -> str:
        """Return the address of an action, such as "outcome", for this call and turn."""
        return f"/calling/person/{self.call_id}/{action}?turn={self.turn}"


@dataclass(frozen=True, slots=True)
class Screen:
    """What a phone keeps of the screen that shows a person. `seconds_left` is how long the hold
    still lasts. `number` is the person's telephone number, or "" if the screen shows no number.
    `before` is the previous call, or None if the screen has no button that undoes the previous
    call."""

    call: Turn
    seconds_left: int
    number: str
    before: Turn | None


class CallPage:
    """The call page of one device. This class makes the page's requests as bytes, and keeps the
    form token and the keys of the call scripts that the page has. Each whole page brings a new form
    token."""

    def __init__(self, port: int, device: Device) -> None:
        self._browser = _BROWSER.format(port=port, cookie=device.cookie)
        self._token = device.token
        self._scripts: list[str] = []

    def next(self) -> bytes:
        """Return the request that a tap on "Start calling" sends."""
        return self._post("/calling/next", self._for_screen(), ())

    def wait(self, as_json: bool) -> bytes:
        """Return the request for the waiting page. If `as_json` is true, return instead the request
        with which the waiting page asks whether there is a person now."""
        return self._get("/calling/wait", _FOR_JSON if as_json else _FOR_PAGE)

    def open(self) -> bytes:
        """Return the request that opens the call page by its address."""
        return self._get("/calling/person", _FOR_PAGE)

    def outcome(self, call: Turn, outcome: str) -> bytes:
        """Return the request that a tap on an outcome sends. The request also asks for the next
        person. An outcome that begins with "ring_back=" is one of the times to call back that the
        page offers."""
        name, _, value = outcome.rpartition("=")
        fields = (*_UNTOUCHED, (name or "outcome", value))
        return self._post(call.path("outcome"), self._for_screen(), fields)

    def undo(self, call: Turn) -> bytes:
        """Return the request that a tap on "Undo" sends."""
        return self._post(call.path("undo"), self._for_screen(), ())

    def answer(self, call: Turn, step: str, value: str, seq: int) -> bytes:
        """Return the request that saves an answer to one step of the script."""
        fields = (("step_id", step), ("seq", str(seq)), ("answer", value))
        return self._post(call.path("answers"), _FOR_JSON, fields)

    def renew(self, call: Turn) -> bytes:
        """Return the request that renews the hold."""
        return self._post(f"/calling/person/{call.call_id}/renew", _FOR_JSON, None)

    @staticmethod
    def renewal(call: Turn) -> tuple[str, dict[str, str]]:
        """Return the name and the data of an event for the caller's websocket. The event renews the
        hold."""
        return "renew", {"call": call.call_id}

    @staticmethod
    def seconds_left(answer: Answer) -> int | None:
        """Read the answer to the request `renew`. Return how many seconds the hold still lasts, or
        None if the renewal failed."""
        return json.loads(answer.body)["seconds_left"] if answer.status == 200 else None

    @staticmethod
    def has_person(answer: Answer) -> bool:
        """Whether the answer shows a person, as a page or as JSON."""
        if answer.body[:1] == b"{":
            return bool(json.loads(answer.body).get("person"))
        return _CALL.search(answer.body) is not None

    def read(self, answer: Answer) -> Screen | None:
        """Return the next person's screen, or None if the answer shows no person. Also keep the
        form token and the key of the script, if the answer has them."""
        if answer.status != 200 or not self.has_person(answer):
            return None
        is_page = answer.body[:1] != b"{"
        return self._read_page(answer.body) if is_page else self._read_json(answer.body)

    def _read_page(self, body: bytes) -> Screen:
        if token := _TOKEN.search(body):
            self._token = token[1].decode()
        script = _SCRIPT.search(body)
        self._scripts = [script[1].decode()] if script else []
        call, left, number = _CALL.search(body), _SECONDS_LEFT.search(body), _NUMBER.search(body)
        assert call
        assert left
        return Screen(
            _turn(call), int(left[1]), number[1].decode() if number else "", _turn_before(body)
        )

    def _read_json(self, body: bytes) -> Screen:
        told = json.loads(body)
        if told["words"] is not None:
            self._scripts.append(told["script"]["key"])
        call = Turn(told["call"], str(told["turn"]))
        before = _turn_before((told["toast"] or {}).get("undo", "").encode() + b'"')
        return Screen(call, told["seconds_left"], told["person"]["phone"], before)

    def _for_screen(self) -> str:
        held = " ".join((_UNDERSTANDS, *self._scripts)) if self._scripts else _WHOLE_PAGE
        return _FOR_SCREEN.format(scripts=held)

    def _get(self, path: str, kind: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\n{self._browser}{kind}\r\n".encode()

    def _post(self, path: str, kind: str, fields: Iterable[tuple[str, str]] | None) -> bytes:
        form = "" if fields is None else _FORM
        content = urlencode(list(fields or ()))
        return (
            f"POST {path} HTTP/1.1\r\n{self._browser}{kind}{form}X-CSRFToken: {self._token}\r\n"
            f"Content-Length: {len(content)}\r\n\r\n{content}"
        ).encode()


def _turn(found: re.Match[bytes]) -> Turn:
    return Turn(found[1].decode(), found[2].decode())


def _turn_before(body: bytes) -> Turn | None:
    found = _UNDO.search(body)
    return _turn(found) if found else None
