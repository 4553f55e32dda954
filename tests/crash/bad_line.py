"""A volunteer's line to the server. It is bad: it repeats, doubles, delays and loses requests.

A request is one thing that the volunteer wants, and may travel in several copies; the server must
do it once. Everything that was sent and acknowledged goes into the volunteer's journal, a file with
a JSON object on each line, so that `journals` can compare what the server promised with what it
kept.

This module uses only the standard library, because sixty-four processes run it beside the server
that they test.
"""

import http.client
import itertools
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ANSWER_WITHIN = 20.0  # seconds; a phone would have given up by then too
AWAY = (502, 503, 504)

# What happens to a request, and how often. Only a share of the requests has trouble, so that the
# volunteers make progress.
PLAIN, TWICE, LATE_COPY, LATE, UNHEARD = "plain", "twice", "late copy", "late", "unheard"
TROUBLES = {PLAIN: 70, TWICE: 9, LATE_COPY: 9, LATE: 6, UNHEARD: 6}


class GaveUpError(Exception):
    """The server gave no usable answer for as long as the volunteer was ready to wait."""


@dataclass(frozen=True)
class Answer:
    """An answer. `sent_at`: when the copy that it answers was sent, by this machine's clock."""

    status: int
    body: Any
    sent_at: float = 0.0


@dataclass(frozen=True)
class Wish:
    """A request that may travel in several copies. `about` describes it in the journal."""

    number: int
    method: str
    path: str
    body: Any
    headers: dict[str, str]
    about: dict[str, Any]


class Journal:
    """What one volunteer knows. Times are seconds since 1970 by this machine's clock."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def note(self, what: str, **values: Any) -> None:
        line = json.dumps({"at": time.time(), "what": what, **values})
        with self._lock:
            self._file.write(line + "\n")


@dataclass
class BadLine:
    """One device: a cookie, a form token, and requests that each go to one of the web machines.

    `patience` returns the seconds for which to repeat a request that finds the server away. Each
    request calls it again, so that it may shrink.
    """

    ports: list[int]
    journal: Journal
    dice: random.Random
    patience: Callable[[], float]
    from_address: str = "127.0.0.1"
    cookie: str = ""
    token: str = ""
    copies: list[threading.Thread] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def ask(self, method: str, path: str, body: Any = None, **about: Any) -> Answer:
        """Send a request, with its troubles, until it is answered.

        Raises GaveUpError.
        """
        headers = {"Accept": "application/json", "X-Forwarded-For": self.from_address}
        if self.cookie:
            headers["Cookie"] = self.cookie
        if self.token:
            headers["X-CSRFToken"] = self.token
        wish = Wish(next(self._numbers), method, path, body, headers, about)
        trouble = PLAIN
        if method == "POST":
            trouble = self.dice.choices(list(TROUBLES), list(TROUBLES.values()))[0]
        if trouble == LATE:
            time.sleep(self.dice.uniform(0.1, 2))
        if trouble == TWICE:
            self._copy(wish, after=0)
        if trouble == UNHEARD:
            self._once(wish, listen=False)
        if trouble != PLAIN:
            self.journal.note("trouble", kind=trouble)
        answer = self._until_answered(wish)
        if trouble == LATE_COPY:
            self._copy(wish, after=self.dice.uniform(0.05, 5))
        return answer

    def forget(self) -> None:
        """Become a device that the server does not know."""
        self.cookie = self.token = ""

    def wait_for_copies(self) -> None:
        """Wait until no copy of any request is under way."""
        for copy in self.copies:
            copy.join()

    def _copy(self, wish: Wish, after: float) -> None:
        def send() -> None:
            time.sleep(after)
            self._once(wish)

        copy = threading.Thread(target=send)
        self.copies = [known for known in self.copies if known.is_alive()] + [copy]
        copy.start()

    def _until_answered(self, wish: Wish) -> Answer:
        began, pause = time.monotonic(), 0.1
        while True:
            answer = self._once(wish, keep_cookie=True)
            if answer is not None and answer.status not in AWAY:
                return answer
            if time.monotonic() - began > self.patience():
                raise GaveUpError(f"{wish.method} {wish.path} was not answered")
            time.sleep(pause)
            pause = min(pause * 1.5, 1.0)

    def _once(self, wish: Wish, listen: bool = True, keep_cookie: bool = False) -> Answer | None:
        """Send one copy. Returns None if no whole answer came back."""
        self.journal.note("sent", wish=wish.number, **wish.about)
        sent_at = time.time()
        port = self.dice.choice(self.ports)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_WITHIN)
        headers = dict(wish.headers)
        content = None
        if wish.body is not None:
            content = json.dumps(wish.body)
            headers["Content-Type"] = "application/json"
        try:
            connection.request(wish.method, wish.path, content, headers)
            if not listen:
                # The device hangs up before the answer, and perhaps before the server reads the
                # request.
                time.sleep(self.dice.choice((0, 0.01, 0.1)))
                return None
            heard = connection.getresponse()
            answer = Answer(heard.status, _read(heard), sent_at)
            if keep_cookie and heard.headers.get("Set-Cookie"):
                self.cookie = heard.headers["Set-Cookie"].split(";", 1)[0]
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        self.journal.note(
            "told", wish=wish.number, status=answer.status, **self._acknowledgement(wish, answer)
        )
        return answer

    @staticmethod
    def _acknowledgement(wish: Wish, answer: Answer) -> dict[str, Any]:
        """What the answer acknowledges, for the journal."""
        told = dict(wish.about)
        if answer.status == 200 and isinstance(answer.body, dict):
            for name in ("outcome", "value"):
                if name in answer.body and "kind" in told:
                    told["value"] = answer.body[name]
        return told


def _read(heard: http.client.HTTPResponse) -> Any:
    text = heard.read().decode()
    if heard.headers.get_content_type() == "application/json":
        return json.loads(text)
    return text
