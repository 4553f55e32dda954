"""The Socket.IO server of a web process. The server accepts connections only from our own pages,
and tells clients about errors.

The server accepts only websockets, so that any process can serve any client without sticky
sessions. Clients send very little over the websocket, because pages make changes with forms, which
also work without JavaScript. One change may also be sent over the websocket: a caller's request to
keep the contact on the screen for longer (`renew`).
"""

import functools
import logging
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, current_app, request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import SocketIO
from gevent.monkey import is_module_patched

from phonebank.core import access, store_errors
from phonebank.core.config import config_of
from phonebank.core.errors import NotFoundError, PhonebankError, ServiceUnavailableError
from phonebank.core.overload import BusyError
from phonebank.live import change_marks
from phonebank.live.broadcaster import Broadcaster
from phonebank.live.caller_screens import CallerScreens
from phonebank.live.redis_manager import DisconnectingRedisManager
from phonebank.live.request_coalescer import BoardCoalescer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

socketio = SocketIO()

Handler = Callable[..., dict[str, Any] | None]

# Seconds. A ping and its answer cost a process 0.4 ms, and there may be ten thousand screens. Pages
# notice a dead connection without pings, because a board gets an event every four seconds and a
# call page renews its hold. So pings are as rare as proxies allow: HAProxy's usual configuration
# closes an idle connection after 50 seconds, Heroku after 55, and nginx and Amazon's load balancers
# after 60.
PING_EVERY = 45
# Seconds. The server notices a silently cut socket within PING_EVERY and this time together.
PING_ANSWER_WITHIN = 20
# Bytes. Clients send only short messages.
MESSAGE_AT_MOST = 10_000

# The access rule of each event, by namespace and event.
heard_events: dict[tuple[str, str], str | None] = {}


@dataclass(frozen=True)
class Live:
    """The objects in an app that serve boards and callers' screens."""

    broadcaster: Broadcaster
    boards: BoardCoalescer
    screens: CallerScreens


def init_app(app: Flask) -> None:
    """Make the app serve websockets as well as pages."""
    config = config_of(app)
    change_marks.init_app(app, config.redis_url)
    pages = app.wsgi_app
    socketio.init_app(
        app,
        async_mode="gevent" if is_module_patched("socket") else "threading",
        client_manager=DisconnectingRedisManager(
            config.redis_url, channel="phonebank", redis_options={"socket_connect_timeout": 2}
        ),
        transports=["websocket"],
        cors_allowed_origins=functools.partial(_is_own_page, config.base_url),
        ping_interval=PING_EVERY,
        ping_timeout=PING_ANSWER_WITHIN,
        max_http_buffer_size=MESSAGE_AT_MOST,
    )
    app.wsgi_app = _by_path(pages, app.wsgi_app)  # type: ignore[assignment,method-assign]
    broadcaster = Broadcaster(app, socketio)
    app.extensions["live"] = Live(
        broadcaster,
        BoardCoalescer(broadcaster.campaigns, broadcaster.hours),
        CallerScreens(app, socketio),
    )


def _by_path(pages: "WSGIApplication", sockets: "WSGIApplication") -> "WSGIApplication":
    """Return an application that answers websockets with `sockets`, and all other requests with
    `pages`.

    The library's middleware in `sockets` could answer both, but makes a new class for each request,
    which takes 13 µs and leaves objects to Python's garbage collector.

    The application refuses the compression that browsers offer for websockets. Compression would
    need more memory for each socket than everything else that the socket needs. It would save
    little. A board's data is about a kilobyte, and a caller's screen gets only a few short events
    in an evening.
    """

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if not environ.get("PATH_INFO", "").startswith("/socket.io/"):
            return pages(environ, start_response)
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        return sockets(environ, start_response)

    return answer


def live() -> Live:
    """Return the `Live` of the current app."""
    live_part: Live = current_app.extensions["live"]
    return live_part


def _is_own_page(base_url: str, origin: str | None, environ: dict[str, str]) -> bool:
    """Whether the page that opens the socket is one of ours. Without this check, another site's
    page could use the visitor's cookie."""
    if not origin:
        return False
    return origin == base_url or urlsplit(origin).netloc == environ.get("HTTP_HOST")


def on_event(event: str, namespace: str) -> Callable[[Handler], Handler]:
    """Register a function as the handler of a socket event. Put `@open_to` below this decorator.

    If the handler succeeds, the sender gets {"ok": true, …} with the values that the handler
    returns. If the access rule refuses the sender, or the handler raises an error, the sender gets
    {"ok": false, "error": …} with the same texts as an error page. A busy process adds
    "retry_after" (in seconds) to the error. After an error at the connect event, the connection is
    refused, and the client gets the error.
    """

    def decorate(handler: Handler) -> Handler:
        rule = getattr(handler, "access_rule", None)
        heard_events[namespace, event] = rule

        @functools.wraps(handler)
        def guarded(*args: Any) -> dict[str, Any]:
            try:
                access.check(rule)
                return {"ok": True} | (handler(*args) or {})
            except Exception as error:
                return _refuse(event, _as_phonebank_error(error, event))

        socketio.on(event, namespace=namespace)(guarded)
        return handler

    return decorate


def refuse_unknown_events(namespace: str) -> None:
    """From now on, if an event in this namespace has no handler, answer the event with an error."""

    @on_event("*", namespace)
    @access.open_to(access.ANYONE)
    def unknown(*_: Any) -> None:
        raise NotFoundError("There is no such event.", "Reload the page.")


def _as_phonebank_error(error: Exception, event: str) -> PhonebankError:
    if isinstance(error, PhonebankError):
        return error
    words = store_errors.words_for(error)
    if words is not None:
        log.error("a store fails at socket event %s: %s", event, store_errors.kind_of(error))
        return ServiceUnavailableError(words.message, words.what_to_do)
    # The log says where in the code the error happened. It does not get the error's text, which may
    # quote what the client sent.
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("unforeseen %s at socket event %s\n%s", type(error).__name__, event, where)
    return PhonebankError("That is our fault, not yours.", "Reload the page.")


def _refuse(event: str, error: PhonebankError) -> dict[str, Any]:
    details: dict[str, Any] = {
        "status": error.status,
        "title": error.title,
        "message": error.message,
        "what_to_do": error.what_to_do,
    }
    if isinstance(error, BusyError):
        details["retry_after"] = error.retry_after
    if event == "connect":
        raise Refused(error.message, details)
    if not isinstance(error, BusyError):  # `Overload` logs how many of these there were
        log.info("refused socket event %s from %s: %s", event, request.remote_addr, error.message)
    return {"ok": False, "error": details}
