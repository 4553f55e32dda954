"""What the call page's JavaScript sends, and what it reads from the answers.

Nothing else in the benchmarks knows the page's requests. They follow `call_outbox.js`,
`call_hold.js` and `call.js`, with the headers that a phone's browser adds.
"""

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
# call.js asks with these for the next screen, and with JSON's for anything else.
_FOR_SCREEN = "Accept: text/html\r\nX-Phonebank-Screen: 1\r\n"
_FOR_JSON = "Accept: application/json\r\n"

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
_SECONDS_LEFT = re.compile(rb'"seconds_left": ?(\d+)')
_NUMBER = re.compile(rb'href="tel:(\+\d+)"')


class Turn(NamedTuple):
    """A call and its turn, as the page's addresses name them."""

    call_id: str
    turn: str

    def path(self, action: str) -> str:
        """The address of an action on this turn of the call, such as "outcome"."""
        return f"/calling/person/{self.call_id}/{action}?turn={self.turn}"


@dataclass(frozen=True, slots=True)
class Screen:
    """What a phone keeps of a person's screen: their call, the seconds that the hold lasts, their
    number, and the call before, if the screen offers to undo it."""

    call: Turn
    seconds_left: int
    number: str
    before: Turn | None


class CallPage:
    """The call page of one device: its requests as bytes, and its form token, which each screen
    renews."""

    def __init__(self, port: int, device: Device) -> None:
        self._browser = _BROWSER.format(port=port, cookie=device.cookie)
        self._token = device.token

    def next(self) -> bytes:
        """The first "Start calling" of an evening."""
        return self._post("/calling/next", _FOR_SCREEN, ())

    def outcome(self, call: Turn, outcome: str) -> bytes:
        """A tap on one of the outcomes, which also asks for the next person. An outcome that
        begins with "ring_back=" is one of the page's times to call back."""
        name, _, value = outcome.rpartition("=")
        fields = (*_UNTOUCHED, (name or "outcome", value))
        return self._post(call.path("outcome"), _FOR_SCREEN, fields)

    def undo(self, call: Turn) -> bytes:
        """A tap on "Undo"."""
        return self._post(call.path("undo"), _FOR_SCREEN, ())

    def answer(self, call: Turn, step: str, value: str, seq: int) -> bytes:
        """An answer to one step of the script."""
        fields = (("step_id", step), ("seq", str(seq)), ("answer", value))
        return self._post(call.path("answers"), _FOR_JSON, fields)

    def renew(self, call: Turn) -> bytes:
        """A renewal of the hold."""
        return self._post(f"/calling/person/{call.call_id}/renew", _FOR_JSON, None)

    def read(self, answer: Answer) -> Screen | None:
        """The next person's screen; None if the answer has none."""
        found = _CALL.search(answer.body)
        if answer.status != 200 or found is None:
            return None
        if token := _TOKEN.search(answer.body):
            self._token = token[1].decode()
        left, number = _SECONDS_LEFT.search(answer.body), _NUMBER.search(answer.body)
        before = _UNDO.search(answer.body)
        return Screen(
            Turn(found[1].decode(), found[2].decode()),
            int(left[1]) if left else 0,
            number[1].decode() if number else "",
            Turn(before[1].decode(), before[2].decode()) if before else None,
        )

    def _post(self, path: str, kind: str, fields: Iterable[tuple[str, str]] | None) -> bytes:
        form = "" if fields is None else _FORM
        content = urlencode(list(fields or ()))
        return (
            f"POST {path} HTTP/1.1\r\n{self._browser}{kind}{form}X-CSRFToken: {self._token}\r\n"
            f"Content-Length: {len(content)}\r\n\r\n{content}"
        ).encode()
