"""Answers a search for a postcode district that the web process knows, before Flask sees the
request. On a day when very many strangers look at the map of events, a third of their requests are
such searches, and an answer from here costs a thirtieth of Flask's.

The answer has the headers that Flask gave to an earlier search, and leads to the page of the
district. A search that is answered here does not count towards the limit of searches, because it
asks PostgreSQL and Redis for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from cachetools import LRUCache
from flask import Flask
from werkzeug.utils import redirect

from phonebank.core.request_body import read_form_body
from phonebank.models import Place
from phonebank.movement.kept_answers import OUR_ADDRESS, Headers
from phonebank.places.find import TYPED_AT_MOST
from phonebank.places.typed import read_typed

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/near"
SEE_OTHER = 303
# A longer form is left to Flask.
FORM_BYTES_AT_MOST = 500
# A process keeps the headers for this many addresses of the server (`OUR_ADDRESS`).
ADDRESSES_AT_MOST = 100
# Each answer has its own. Server-Timing says how long Flask took.
_OF_ONE_ANSWER = ("Location", "Content-Length", "Server-Timing")

Codes = Sequence[tuple[str, str]]


class _Middleware:
    def __init__(self, wsgi_app: WSGIApplication, find: Callable[[Codes], Place | None]) -> None:
        self._app = wsgi_app
        self._find = find
        self._headers: LRUCache[tuple[object, ...], Headers] = LRUCache(ADDRESSES_AT_MOST)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not _is_short_search(environ) or not read_form_body(environ):
            return self._app(environ, start_response)
        key = tuple(environ.get(name) for name in OUR_ADDRESS)
        headers = self._headers.get(key)
        place = self._find(_codes_typed(environ)) if headers is not None else None
        if headers is not None and place is not None:
            answer = redirect(address_of(place), SEE_OTHER)
            body = answer.get_data()
            of_this = [("Location", answer.location), ("Content-Length", str(len(body)))]
            start_response(answer.status, [*headers, *of_this])
            return [body]

        def start(status, headers, *more):  # type: ignore[no-untyped-def]
            if status.startswith(str(SEE_OTHER)) and "Set-Cookie" not in dict(headers):
                self._headers[key] = [each for each in headers if each[0] not in _OF_ONE_ANSWER]
            return start_response(status, headers, *more)

        return self._app(environ, start)


def _is_short_search(environ: WSGIEnvironment) -> bool:
    length = environ.get("CONTENT_LENGTH") or ""
    return (
        environ.get("PATH_INFO") == PATH
        and environ["REQUEST_METHOD"] == "POST"
        and environ.get("CONTENT_TYPE") == "application/x-www-form-urlencoded"
        and length.isdigit()
        and 0 < int(length) <= FORM_BYTES_AT_MOST
    )


def _codes_typed(environ: WSGIEnvironment) -> Codes:
    """Return the postcode districts that a search may mean, each as (country, code). The result is
    empty for a search that does not look like a postcode. The form stays in `environ` for Flask."""
    form = environ["wsgi.input"].read()
    environ["wsgi.input"].seek(0)
    try:
        fields = parse_qs(form.decode(), keep_blank_values=True, errors="strict")
    except ValueError:  # no UTF-8
        return ()
    typed = fields.get("place", [""])[0]
    return read_typed(typed[:TYPED_AT_MOST]).codes


def address_of(place: Place) -> str:
    """Return the path of a place's page."""
    return f"{PATH}/{place.country.lower()}/{quote(place.code, safe='')}"


def answer_before_flask(app: Flask, find: Callable[[Codes], Place | None]) -> None:
    """Add middleware that answers searches for places that this process knows. Call this function
    after all other middleware has been added.

    `find` returns the only place that some codes can mean, or None if the process does not know
    such a place. It is called without an app context.
    """
    app.wsgi_app = _Middleware(app.wsgi_app, find)  # type: ignore[method-assign]
