"""How a web process bends and does not break: what it refuses at once when too much is asked.

In front of everything else a count is kept of the requests under way. Beyond a bound the answer is
a 503 within a millisecond, which says when to come back, so that those who are served are served in
time. What records a call or keeps a person goes before new hand-outs, and hand-outs before pages:
each has a bound of its own on the one count. Lines of sockets wait without working and are not
counted, nor are the files that pages load, nor the probes of a load balancer.

A request comes to be counted with its body read (`request_body`), so a slow sender holds up nobody.
"""

import logging
import math
import random
import socket
import struct
import threading
import time
from collections.abc import Iterable
from enum import Enum
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from flask import Flask, json
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, RequestRedirect

from phonebank.core import request_body, response_marks
from phonebank.core.assets import vendored_files
from phonebank.core.config import Config
from phonebank.core.errors import BackInAMoment
from phonebank.core.security import BODY_AT_MOST, SECURITY_HEADERS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


log = logging.getLogger(__name__)


class Urgency(Enum):
    """What is refused last comes first."""

    RECORD = "record"
    HAND_OUT = "hand-out"
    PAGE = "page"
    # Larger than any form. Counted by themselves, for they take as long as the line they come by.
    UPLOAD = "upload"


# Of the connections to PostgreSQL that a process may open; each request needs one. A quarter is
# left for boards and downloads. What may wait for a lock, or for a plan through millions of rows,
# leaves more.
SHARE = {Urgency.PAGE: 1 / 2, Urgency.HAND_OUT: 5 / 8, Urgency.RECORD: 3 / 4}
# And of hand-outs alone: while all of them wait for one lock, pages are still served.
HAND_OUTS_ALONE = 5 / 12
# Seconds. On a slow or shared machine fewer requests fit into one second: each record that takes
# longer than this narrows all the bounds a little, and each that is faster widens them again. A
# hand-out does so to the bound of hand-outs alone, for it may only be waiting for a lock.
SLOW = 0.6
NARROWER, WIDER = 0.95, 0.02
NARROWEST = 0.4
UPLOADS_AT_ONCE = 3

# Seconds over which refusals are counted, and how many of those refused should be back within one.
# With more of them each is sent away for longer.
REMEMBERED = 10.0
BACK_WITHIN_A_SECOND = 10
# Seconds to stay away, at least and at most, before chance has moved it by up to half.
STAY_AWAY = {
    Urgency.RECORD: (2.0, 10.0),
    Urgency.HAND_OUT: (4.0, 60.0),
    Urgency.PAGE: (4.0, 30.0),
    Urgency.UPLOAD: (20.0, 60.0),
}

# Seconds between two lines in the log.
TOLD_EVERY = 60.0

MESSAGE = "A lot of people are calling right now. Nothing you did is lost."
WHAT_TO_DO = "Try again in {seconds} seconds."
_BUSY = "phonebank.busy"
_SOCKETS, _FILES = "/socket.io/", "/static/"
# Refusing these would have a busy process taken for a dead one, and ended (`health`).
_PROBES = frozenset({"/healthz", "/readyz"})
# The hand-outs; whatever else names a call, and is sent, records something of it.
_HAND_OUTS = frozenset({"callers.next_person", "callers.wait", "callers.person"})
# Seconds. While a process is busy, who has waited longer before anybody looked is asked to come
# again: it is quicker to refuse them than to serve them late, and the line is short again.
WAITED_AT_MOST = 1.0
# Of TCP, as Linux counts them (tcp_states.h): the other end is gone, or sends nothing any more.
_GONE = frozenset({7, 8})
# Where `struct tcp_info` says how many milliseconds ago something was received last.
_RECEIVED_AGO = struct.Struct("=52xI")


def init_app(app: Flask) -> None:
    """Put the count in front of everything that the app has by now: call it last."""
    config: Config = app.extensions["phonebank"]
    guard = Overload(
        app.wsgi_app,
        app.url_map,
        config.database_connections,
        config.timings,
    )
    app.extensions["overload"] = guard
    app.wsgi_app = guard  # type: ignore[method-assign]


def is_busy(environ: "WSGIEnvironment") -> bool:
    """Whether the process had too much under way for a hand-out when this request came: what it
    records goes before, and its next person must be asked for later."""
    return bool(environ.get(_BUSY))


def bounds_for(connections: int) -> dict[Urgency, int]:
    """How many requests may be under way when one of each urgency comes in."""
    return {urgency: int(connections * share) for urgency, share in SHARE.items()}


def hand_outs_at_once(connections: int) -> int:
    """How many hand-outs may be under way, whatever else is."""
    return int(connections * HAND_OUTS_ALONE)


class Overload:
    """The count of one process, as WSGI middleware."""

    def __init__(
        self,
        wsgi_app: "WSGIApplication",
        url_map: Map,
        connections: int,
        timings: bool = False,
    ) -> None:
        self._app = wsgi_app
        self._urls = url_map
        self._bounds = bounds_for(connections)
        self._hand_outs_at_once = hand_outs_at_once(connections)
        self._timings = timings
        # The share of the bounds that is open: see SLOW.
        self._open = {Urgency.RECORD: 1.0, Urgency.HAND_OUT: 1.0}
        self._lock = threading.Lock()
        self.under_way = 0
        self.hand_outs = 0
        self.uploads = 0
        self._refused_lately = 0.0
        self._refused_at = time.monotonic()
        self._refused_untold = 0
        self._told_at = -math.inf

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith((_SOCKETS, _FILES)) or path in _PROBES:
            return self._app(environ, start_response)
        if not request_body.take_in(environ):
            return _cut_short(start_response)
        began = time.perf_counter()
        urgency = self._urgency_of(environ)
        # What was told of a call is worth keeping even if it is late and nobody hears the answer.
        late = urgency is not Urgency.RECORD and self._comes_late(environ)
        if late or not self._enter(urgency):
            return self._refuse(urgency, environ, start_response, began)
        # More is under way than new hand-outs may come on top of: see `is_busy`.
        environ[_BUSY] = self.under_way > self._fit(self._bounds[Urgency.HAND_OUT])
        try:
            if self._timings:
                start_response = _timed(start_response, began)
            return self._app(environ, start_response)
        finally:
            self._leave(urgency, time.perf_counter() - began)

    def _fit(self, bound: int, by: Urgency = Urgency.RECORD) -> int:
        """A bound, as narrow as it is now by how long those of one urgency took."""
        return math.ceil(bound * self._open[by])

    def _comes_late(self, environ: "WSGIEnvironment") -> bool:
        """Whether who asked has hung up, or has waited too long in a line that others wait in."""
        line = state_of_line(environ)
        if line is None:
            return False
        is_busy = self.under_way >= self._bounds[Urgency.PAGE] / 2
        return line.gone or (is_busy and line.waited > WAITED_AT_MOST)

    def _enter(self, urgency: Urgency) -> bool:
        with self._lock:
            if urgency is Urgency.UPLOAD:
                if self.uploads >= UPLOADS_AT_ONCE:
                    return False
                self.uploads += 1
                return True
            if self.under_way >= self._fit(self._bounds[urgency]):
                return False
            if urgency is Urgency.HAND_OUT:
                if self.hand_outs >= self._fit(self._hand_outs_at_once, by=urgency):
                    return False
                self.hand_outs += 1
            self.under_way += 1
            return True

    def _leave(self, urgency: Urgency, took: float) -> None:
        with self._lock:
            if urgency in self._open:
                share = self._open[urgency]
                narrower, wider = max(NARROWEST, share * NARROWER), min(1.0, share + WIDER)
                self._open[urgency] = narrower if took > SLOW else wider
            if urgency is Urgency.UPLOAD:
                self.uploads -= 1
            else:
                self.under_way -= 1
            if urgency is Urgency.HAND_OUT:
                self.hand_outs -= 1

    def _urgency_of(self, environ: "WSGIEnvironment") -> Urgency:
        length = environ.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > BODY_AT_MOST:
            return Urgency.UPLOAD
        try:
            endpoint, values = self._urls.bind_to_environ(environ).match()
        except (HTTPException, RequestRedirect):
            return Urgency.PAGE
        sends = environ["REQUEST_METHOD"] == "POST"
        if sends and "call_id" in values:
            return Urgency.RECORD
        if endpoint in _HAND_OUTS:
            return Urgency.HAND_OUT
        return Urgency.PAGE

    def _refuse(
        self,
        urgency: Urgency,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
        began: float,
    ) -> Iterable[bytes]:
        seconds = self._stay_away(urgency)
        self._tell()
        kind, body = _words(environ, seconds)
        headers = {
            **SECURITY_HEADERS,
            response_marks.OURS: "1",
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Retry-After": str(seconds),
        }
        if environ["REQUEST_METHOD"] == "GET":
            headers["Refresh"] = str(seconds)
        if self._timings:
            headers["Server-Timing"] = f"refused;dur={_since(began)}"
        start_response("503 Service Unavailable", list(headers.items()))
        return [body]

    def _stay_away(self, urgency: Urgency) -> int:
        """Seconds until the next try: the more were refused lately, the longer, so that those who
        come back cost little; and by chance, so that they do not come back together."""
        with self._lock:
            now = time.monotonic()
            self._refused_lately *= math.exp((self._refused_at - now) / REMEMBERED)
            self._refused_lately += 1
            self._refused_at = now
            crowd = self._refused_lately
        least, most = STAY_AWAY[urgency]
        seconds = min(most, max(least, crowd / BACK_WITHIN_A_SECOND))
        return max(1, round(seconds * random.uniform(0.5, 1.5)))  # noqa: S311

    def _tell(self) -> None:
        """Say in the log, now and then, that and how much was refused."""
        self._refused_untold += 1
        if time.monotonic() < self._told_at + TOLD_EVERY:
            return
        log.warning("too much is asked: %d requests refused", self._refused_untold)
        self._told_at = time.monotonic()
        self._refused_untold = 0


class Line(NamedTuple):
    """Of a request: whether who asked has hung up already, and how many seconds ago the last of it
    came in."""

    gone: bool
    waited: float


def state_of_line(environ: "WSGIEnvironment") -> Line | None:
    """How the connection of a request stands; None where nobody knows. Linux tells it of TCP. A
    proxy hangs up when they do."""
    line = environ.get("gunicorn.socket")
    if line is None or not hasattr(socket, "TCP_INFO"):
        return None
    try:
        told = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RECEIVED_AGO.size)
        return Line(told[0] in _GONE, _RECEIVED_AGO.unpack(told)[0] / 1000)
    except (OSError, struct.error):
        return None


def _cut_short(start_response: "StartResponse") -> Iterable[bytes]:
    body = b"The request ended before its end."
    start_response(
        f"400 {HTTPStatus.BAD_REQUEST.phrase}",
        [
            *SECURITY_HEADERS.items(),
            (response_marks.OURS, "1"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ],
    )
    return [body]


def _words(environ: "WSGIEnvironment", seconds: int) -> tuple[str, bytes]:
    """Type and text of a refusal: a page for people, JSON for who reads that."""
    what_to_do = WHAT_TO_DO.format(seconds=seconds)
    kinds = environ.get("HTTP_ACCEPT", "") + environ.get("CONTENT_TYPE", "")
    if "application/json" in kinds and "text/html" not in kinds:
        told = {"title": BackInAMoment.title, "message": MESSAGE, "what_to_do": what_to_do}
        return "application/json", json.dumps({"error": told}).encode()
    page = _page_for_get() if environ["REQUEST_METHOD"] == "GET" else _page_for_forms()
    return "text/html; charset=utf-8", page.replace("{seconds}", str(seconds)).encode()


@cache
def _page_for_get() -> str:
    return _page("This page tries again by itself in {seconds} seconds.")


@cache
def _page_for_forms() -> str:
    return _page(
        "Wait {seconds} seconds and reload this page. If your browser asks whether to send the form"
        " again, say yes: nothing counts twice."
    )


def _page(what_to_do: str) -> str:
    # Read as it is: what draws the other pages is what there is too much work for.
    page = (Path(__file__).parents[1] / "templates" / "busy.html").read_text()
    return (
        page.replace("{title}", BackInAMoment.title)
        .replace("{pico}", vendored_files()["pico"].path)
        .replace("{message}", MESSAGE)
        .replace("{what_to_do}", what_to_do)
    )


def _since(began: float) -> str:
    """Milliseconds, as Server-Timing has them."""
    return f"{1000 * (time.perf_counter() - began):.2f}"


def _timed(start_response: "StartResponse", began: float) -> "StartResponse":
    def start(status, headers, *more):  # type: ignore[no-untyped-def]
        headers.append(("Server-Timing", f"answered;dur={_since(began)}"))
        return start_response(status, headers, *more)

    return start
