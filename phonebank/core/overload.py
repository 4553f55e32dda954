"""Refuses some requests when a web process is too busy, so that the process serves the other
requests in time.

`Overload` is WSGI middleware around the whole app, except for public pages that the process keeps
in memory or can draw from what it keeps. `Overload` counts the requests that are under way. If
there are as many as a limit allows, `Overload` refuses a new request within a millisecond. The
answer is a 503 that says when to try again. Only a record of a call (a request that says how a call
went) may first wait for its turn (`RecordQueue`). A stranger's request for a page also waits, for
up to STRANGERS_WAIT seconds, so that other requests go first. It is refused if there is no room
then.

Uploads are counted separately. All other requests are counted together, but each urgency has its
own limit. So requests for pages are usually refused first, then claims (requests for a person to
call), and records of calls last. Claims also have a limit of their own, so that many claims cannot
use up the room for pages.

Websocket connections are not counted, because they mostly wait. A record of a call that arrives
over a websocket is counted (`record_under_way`). Static files and a load balancer's probes are not
counted.

A form is counted only after its body has been read (`request_body`), so a slow sender does not
delay other requests.
"""

import logging
import math
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from flask import Flask, current_app

from phonebank.core import overload_responses, request_body
from phonebank.core.config import config_of
from phonebank.core.errors import ServiceUnavailableError
from phonebank.core.idle import wait_until_idle
from phonebank.core.record_queue import RecordQueue, Turn
from phonebank.core.security import MAX_FORM_BYTES
from phonebank.core.tcp_state import connection_state_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

View = TypeVar("View", bound=Callable[..., object])


class Urgency(Enum):
    """How urgent a request is. Of the urgencies with a shared count (RECORD, CLAIM and PAGE), a
    busy process refuses RECORD last."""

    RECORD = "record"
    CLAIM = "claim"
    PAGE = "page"
    # A request whose body is larger than any form is an upload. Uploads are counted separately,
    # because they take as long as the sender's network needs.
    UPLOAD = "upload"
    # A load balancer's requests that ask whether the process is alive. They are never counted and
    # never refused. If a busy process refused them, the load balancer would think that the process
    # is dead, and end it. Twilio's reports about lines have this urgency too, because their answers
    # need no PostgreSQL.
    PROBE = "probe"


# The share of a process's connections to PostgreSQL that may be in use when a request of each
# urgency begins. A quarter stays free for boards and downloads. Claims and pages leave more free,
# because they may wait for a lock, or for a query through millions of rows.
SHARE = {Urgency.PAGE: 1 / 2, Urgency.CLAIM: 5 / 8, Urgency.RECORD: 3 / 4}
# The share that claims alone may use. Pages are still served while all claims wait for one lock.
CLAIMS_SHARE = 5 / 12
# Seconds. Each record that takes longer than this lowers all the limits a little, and each faster
# one raises them again, because a slow or shared machine can do less at once. A slow claim lowers
# only the limit of claims, because it may just be waiting for a lock.
SLOW = 0.6
NARROWER, WIDER = 0.95, 0.02
NARROWEST = 0.4
UPLOADS_AT_ONCE = 3

# Refusals are counted over this many seconds. At most RETRIES_A_SECOND refused clients should come
# back within one second. If more were refused, each is asked to stay away for longer.
REFUSALS_COUNTED_OVER = 10.0
RETRIES_A_SECOND = 10
# The shortest and the longest time to stay away, in seconds. A random factor then changes the time
# by up to half.
RETRY_AFTER = {
    Urgency.RECORD: (2.0, 10.0),
    Urgency.CLAIM: (4.0, 60.0),
    Urgency.PAGE: (4.0, 30.0),
    Urgency.UPLOAD: (20.0, 60.0),
}
# Seconds between two warnings in the log.
LOG_EVERY = 60.0
# Seconds. A stranger's request for a page (`_is_of_stranger`) waits until no other request is ready
# to go on, but at most this long, so strangers do not slow the callers down.
STRANGERS_WAIT = 0.5
# Seconds. A busy process refuses requests that have waited longer than this before the process read
# them. Refusing them is quicker than serving them late, and the queue is soon short again.
WAITED_AT_MOST = 1.0

_SOCKETS, _FILES = "/socket.io/", "/static/"


def with_urgency(urgency: Urgency) -> Callable[[View], View]:
    """Give a view its urgency.

    The view's address must be fixed, without a variable part. A view without this decorator counts
    as PAGE. But a POST to an address with a `call_id` counts as RECORD. A request that declares a
    body larger than any form counts as UPLOAD, unless the view's urgency is PROBE.
    """

    def decorate(view: View) -> View:
        view.urgency = urgency  # type: ignore[attr-defined]
        return view

    return decorate


def init_app(app: Flask) -> None:
    """Wrap the app, with all the middleware that it has so far, in `Overload`. Call this after all
    views have been set up."""
    config = config_of(app)
    guard = Overload(app, app.wsgi_app, config.database_connections, config.timings)
    app.extensions["overload"] = guard
    app.wsgi_app = guard  # type: ignore[method-assign]


def is_overloaded() -> bool:
    """Whether this process gets more records of calls than it can save (see `RecordQueue`). The
    function needs an app context.

    A busy process still saves the record of a call, but the page has to ask for the next person
    later.
    """
    guard: Overload = current_app.extensions["overload"]
    return guard.is_overloaded()


def seconds_until_claim() -> int:
    """Return how many seconds a client should wait before it asks for a person again. Call this if
    this process is too busy for the client's claim. The function needs an app context.

    Each use of this function counts as a refusal. The more refusals there were recently, the longer
    each client waits.
    """
    guard: Overload = current_app.extensions["overload"]
    return guard.retry_after(Urgency.CLAIM)


class BusyError(ServiceUnavailableError):
    """The error that is raised if a busy process refuses a record of a call that arrived over a
    websocket. `retry_after` is in seconds."""

    title = "One moment"

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            overload_responses.MESSAGE, overload_responses.WHAT_TO_DO.format(seconds=retry_after)
        )
        self.retry_after = retry_after


@contextmanager
def record_under_way() -> Iterator[None]:
    """While a `with` block saves a record of a call that arrived over a websocket, count this
    record as a request.

    Raises BusyError if there is no room for the record (see `begin_record`). The function needs an
    app context.
    """
    guard: Overload = current_app.extensions["overload"]
    began = guard.begin_record()
    try:
        yield
    finally:
        guard.end_record(began)


def limits_for(connections: int) -> dict[Urgency, int]:
    """Return a limit for each of the urgencies PAGE, CLAIM and RECORD, for a process that may open
    this many connections to PostgreSQL. A new request may begin only if the number of requests
    under way is below the limit for the new request's urgency."""
    return {urgency: int(connections * share) for urgency, share in SHARE.items()}


def claims_limit_for(connections: int) -> int:
    """Return how many claims (requests for a person to call) may be under way at the same time,
    regardless of other requests, in a process that may open this many connections to PostgreSQL."""
    return int(connections * CLAIMS_SHARE)


class Overload:
    """WSGI middleware that counts the requests that one process has under way, and refuses some.

    `connections` is how many connections to PostgreSQL the process may open. With `timings`, each
    answer has a Server-Timing header that says how long the request took until the answer began.
    There is no such header for static files, websocket connections and truncated requests.
    """

    def __init__(
        self, app: Flask, wsgi_app: "WSGIApplication", connections: int, timings: bool = False
    ) -> None:
        self._app = wsgi_app
        self._marked = _marked_addresses(app)
        self._calls = _call_addresses(app)
        self._limits = limits_for(connections)
        self._claims_limit = claims_limit_for(connections)
        self._timings = timings
        # The share of each limit that may be used at present (see SLOW).
        self._open = {Urgency.RECORD: 1.0, Urgency.CLAIM: 1.0}
        self._lock = threading.Lock()
        self.under_way = 0
        self.records = RecordQueue(most_in_overload=self._limits[Urgency.RECORD])
        self.claims = 0
        self.uploads = 0
        self._recent_refusals = 0.0
        self._refused_at = time.monotonic()
        self._unlogged_refusals = 0
        self._logged_at = -math.inf

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith((_SOCKETS, _FILES)):
            return self._app(environ, start_response)
        marked = self._marked.get(path, Urgency.PAGE)
        if marked is Urgency.PROBE:
            if self._timings:
                start_response = _timed(start_response, time.perf_counter())
            return self._app(environ, start_response)
        if not request_body.read_form_body(environ):
            return _answer(
                HTTPStatus.BAD_REQUEST, *overload_responses.truncated_request(), start_response
            )
        began = time.perf_counter()
        names_call = self._calls.fullmatch(path) is not None
        urgency = _urgency_of(environ, marked, names_call)
        # A record is worth keeping even if it is late and nobody reads the answer.
        late = urgency is not Urgency.RECORD and self._is_late(environ)
        # A request that would be refused now is refused without a wait.
        if not late and _is_of_stranger(urgency, environ) and self._has_room(urgency):
            wait_until_idle(STRANGERS_WAIT)
        if late or not self._enter(urgency):
            return self._refuse(urgency, environ, start_response, began)
        entered = time.perf_counter()
        try:
            if self._timings:
                start_response = _timed(start_response, began)
            return self._app(environ, start_response)
        finally:
            self._leave(urgency, time.perf_counter() - entered)

    def is_overloaded(self) -> bool:
        """Whether records have been waiting for too long (see `RecordQueue`)."""
        with self._lock:
            return self.records.is_overloaded()

    def begin_record(self) -> float:
        """Count a record of a call as started, and return its start time, which `end_record` needs.
        If there is no room, first wait. Raises BusyError if too many records are waiting already,
        or if there is still no room after the longest wait."""
        if not self._enter(Urgency.RECORD):
            seconds = self.retry_after(Urgency.RECORD)
            self._log_refusal()
            raise BusyError(seconds)
        return time.perf_counter()

    def end_record(self, began: float) -> None:
        """Count a record of a call as finished."""
        self._leave(Urgency.RECORD, time.perf_counter() - began)

    def retry_after(self, urgency: Urgency) -> int:
        """Count a refusal, and return how many seconds the refused client should wait before it
        tries again.

        The wait grows with the number of clients refused recently, up to the maximum in
        RETRY_AFTER. So only a few of these clients return at a time. The wait also has a random
        factor, so clients that were refused together do not all return at the same moment.
        """
        with self._lock:
            now = time.monotonic()
            self._recent_refusals *= math.exp((self._refused_at - now) / REFUSALS_COUNTED_OVER)
            self._recent_refusals += 1
            self._refused_at = now
            crowd = self._recent_refusals
        least, most = RETRY_AFTER[urgency]
        seconds = min(most, max(least, crowd / RETRIES_A_SECOND))
        return max(1, round(seconds * random.uniform(0.5, 1.5)))  # noqa: S311

    def _narrowed(self, limit: int, by: Urgency = Urgency.RECORD) -> int:
        """Return `limit`, or a lower number if recent requests of the urgency `by` were slow."""
        return math.ceil(limit * self._open[by])

    def _is_late(self, environ: "WSGIEnvironment") -> bool:
        """Whether the client has closed the connection, or has waited too long. A wait of more than
        WAITED_AT_MOST seconds is too long if the requests under way fill half of PAGE's limit or
        more. False if the operating system does not report the state of the connection."""
        connection = connection_state_of(environ)
        if connection is None:
            return False
        is_busy = self.under_way >= self._limits[Urgency.PAGE] / 2
        return connection.is_closed or (is_busy and connection.waited > WAITED_AT_MOST)

    def _enter(self, urgency: Urgency) -> bool:
        """Count the request as started, and return True. If the limit is reached, return False and
        do not count the request. A record of a call may first wait for its turn."""
        with self._lock:
            if urgency is Urgency.UPLOAD:
                if self.uploads >= UPLOADS_AT_ONCE:
                    return False
                self.uploads += 1
                return True
            if self._has_room(urgency):
                if urgency is Urgency.CLAIM:
                    if self.claims >= self._narrowed(self._claims_limit, by=urgency):
                        return False
                    self.claims += 1
                self.under_way += 1
                return True
            turn = self.records.join() if urgency is Urgency.RECORD else None
        if turn is None:
            return False
        try:
            turn.wait()
        except BaseException:
            # The request ends here, so a place that was kept for it is free again.
            if self._is_let_in(turn):
                self._leave(urgency, 0.0)
            raise
        return self._is_let_in(turn)

    def _is_let_in(self, turn: Turn) -> bool:
        """After the wait of a record, remove the record from the queue. Return whether it had been
        let in, and so counts as started."""
        with self._lock:
            return self.records.leave(turn)

    def _has_room(self, urgency: Urgency) -> bool:
        return self.under_way < self._narrowed(self._limits[urgency])

    def _leave(self, urgency: Urgency, took: float) -> None:
        """Count the request as finished. Adjust the limits according to `took`, the duration of the
        request in seconds (see SLOW)."""
        with self._lock:
            if urgency in self._open:
                share = self._open[urgency]
                narrower, wider = max(NARROWEST, share * NARROWER), min(1.0, share + WIDER)
                self._open[urgency] = narrower if took > SLOW else wider
            if urgency is Urgency.UPLOAD:
                self.uploads -= 1
            else:
                self.under_way -= 1
            if urgency is Urgency.CLAIM:
                self.claims -= 1
            # A record that is let in counts as started from now on.
            while self.records and self._has_room(Urgency.RECORD):
                self.records.let_in_first()
                self.under_way += 1

    def _refuse(
        self,
        urgency: Urgency,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
        began: float,
    ) -> Iterable[bytes]:
        seconds = self.retry_after(urgency)
        self._log_refusal()
        headers, body = overload_responses.refusal(environ, seconds)
        if self._timings:
            headers["Server-Timing"] = f"refused;dur={_milliseconds_since(began)}"
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE, headers, body, start_response)

    def _log_refusal(self) -> None:
        """Count a refused request and, at most once every LOG_EVERY seconds, log how many requests
        were refused since the last such log line."""
        self._unlogged_refusals += 1
        if time.monotonic() < self._logged_at + LOG_EVERY:
            return
        log.warning("too much is asked: %d requests refused", self._unlogged_refusals)
        self._logged_at = time.monotonic()
        self._unlogged_refusals = 0


def _marked_addresses(app: Flask) -> dict[str, Urgency]:
    """Return the urgency of each view that has got one from `with_urgency`. The keys are the views'
    addresses.

    Raises ValueError if such an address has a variable part.
    """
    marked = {}
    for rule in app.url_map.iter_rules():
        urgency = getattr(app.view_functions.get(rule.endpoint), "urgency", None)
        if urgency is None:
            continue
        if rule.arguments:
            raise ValueError(f"an address with an urgency must be fixed, unlike {rule.rule}")
        marked[rule.rule] = urgency
    return marked


def _call_addresses(app: Flask) -> re.Pattern[str]:
    """Return a pattern that matches every address with a variable part `call_id`. The pattern may
    also match other addresses, because an exact check would take as long as Flask's own search for
    the view, which comes later."""
    addresses = {rule.rule for rule in app.url_map.iter_rules() if "call_id" in rule.arguments}
    fixed_parts = (re.split("<.*?>", address) for address in sorted(addresses))
    return re.compile("|".join("[^/]+".join(map(re.escape, parts)) for parts in fixed_parts))


def _urgency_of(environ: "WSGIEnvironment", marked: Urgency, names_call: bool) -> Urgency:
    length = environ.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > MAX_FORM_BYTES:
        return Urgency.UPLOAD
    if names_call and environ["REQUEST_METHOD"] == "POST":
        return Urgency.RECORD
    return marked


def _is_of_stranger(urgency: Urgency, environ: "WSGIEnvironment") -> bool:
    """Whether a request for a page comes from somebody who is not signed in. A caller, host or
    organiser has a cookie, and other software has a token."""
    has_name = "HTTP_COOKIE" in environ or "HTTP_AUTHORIZATION" in environ
    return urgency is Urgency.PAGE and not has_name


def _answer(
    status: HTTPStatus,
    headers: overload_responses.Headers,
    body: bytes,
    start_response: "StartResponse",
) -> Iterable[bytes]:
    start_response(f"{status} {status.phrase}", list(headers.items()))
    return [body]


def _milliseconds_since(began: float) -> str:
    return f"{1000 * (time.perf_counter() - began):.2f}"


def _timed(start_response: "StartResponse", began: float) -> "StartResponse":
    """Return a `start_response` that adds a Server-Timing header with the time since `began`."""

    def start(status, headers, *more):  # type: ignore[no-untyped-def]
        headers.append(("Server-Timing", f"answered;dur={_milliseconds_since(began)}"))
        return start_response(status, headers, *more)

    return start
