"""Keeps whole answers (HTTP responses that contain public pages). If the same request comes again
within a minute, the web process sends the kept answer, and Flask does not see the request. Sending
a kept answer costs little, even on a day when very many strangers look at the map of events.

Flask does not see a request for a new page either, if the process can draw the page from what it
keeps. The answer then has the headers of an earlier answer with such a page.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from cachetools import LRUCache
from flask import Flask, request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# A list in `environ`, to which `may_be_sent_again` appends. Other middleware copies `environ`, and
# the copies have the same list.
_KEPT = "phonebank.kept_answer"
# The headers that each page has for itself. Server-Timing says how long Flask took.
_OF_ONE_PAGE = ("ETag", "Content-Length", "Server-Timing")
# A process keeps headers for this many combinations of what an answer depends on.
HEADERS_AT_MOST = 100
# The answers of a process share their pages with `kept_pages`, so each takes about 2 kB more.
ANSWERS_AT_MOST = 5_000
# The parts of `environ` that say by which address the browser or a proxy calls this server.
OUR_ADDRESS = ("wsgi.url_scheme", "HTTP_HOST", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO")
# What an answer depends on, besides its path.
_VARIES_BY = (*OUR_ADDRESS, "HTTP_ACCEPT_ENCODING")


Headers = list[tuple[str, str]]


class Drawn(NamedTuple):
    """A page that was drawn: its content compressed with gzip, its ETag, and the Unix time until
    which it may be sent."""

    gzipped: bytes
    etag: str
    until: float


class _Answer(NamedTuple):
    until: float
    headers: Headers
    content: bytes


class KeptAnswers:
    """The answers that this process may send again."""

    def __init__(self) -> None:
        self._answers: LRUCache[tuple[object, ...], _Answer] = LRUCache(ANSWERS_AT_MOST)
        self._headers: LRUCache[tuple[object, ...], Headers] = LRUCache(HEADERS_AT_MOST)

    def find(self, environ: WSGIEnvironment) -> _Answer | None:
        """Return the kept answer to this request. Return None if there is none, or if the answer is
        too old to be sent."""
        answer = self._answers.get(_key_of(environ))
        return answer if answer is not None and time.time() < answer.until else None

    def add(self, environ: WSGIEnvironment, answer: _Answer) -> None:
        """Keep this answer, so that everybody who makes the same request can get it."""
        self._answers[_key_of(environ)] = answer
        self._headers[_depends_on(environ)] = [
            header for header in answer.headers if header[0] not in _OF_ONE_PAGE
        ]

    def headers_for(self, environ: WSGIEnvironment) -> Headers | None:
        """Return the headers of an answer with a compressed page to a request like this one, but
        perhaps for another path. The headers of the page itself are missing. Return None if the
        process has sent no such answer."""
        headers = self._headers.get(_depends_on(environ))
        return headers if headers and ("Content-Encoding", "gzip") in headers else None

    def add_page(self, environ: WSGIEnvironment, headers: Headers, page: Drawn) -> _Answer:
        """Return the answer to this request that has a page as its content, and keep it. `headers`
        is what `headers_for` returned."""
        of_this = [("ETag", page.etag), ("Content-Length", str(len(page.gzipped)))]
        answer = _Answer(page.until, [*headers, *of_this], page.gzipped)
        self._answers[_key_of(environ)] = answer
        return answer

    def forget(self) -> None:
        """Forget all answers. Only tests need this function."""
        self._answers.clear()
        self._headers.clear()


class _Middleware:
    def __init__(
        self, wsgi_app: WSGIApplication, kept: KeptAnswers, draw: Callable[[str], Drawn | None]
    ) -> None:
        self._app = wsgi_app
        self._kept = kept
        self._draw = draw

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not _may_be_kept(environ):
            return self._app(environ, start_response)
        answer = self._kept.find(environ)
        headers = self._kept.headers_for(environ) if answer is None else None
        page = self._draw(environ["PATH_INFO"]) if headers is not None else None
        if headers is not None and page is not None:
            answer = self._kept.add_page(environ, headers, page)
        if answer is not None:
            start_response("200 OK", [*answer.headers])
            return [answer.content]
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status, headers, *more):  # type: ignore[no-untyped-def]
            begun.append((status, headers))
            return start_response(status, headers, *more)

        kept: list[tuple[bytes, float]] = []
        environ[_KEPT] = kept
        body = self._app(environ, start)
        if kept and begun:
            content, until = kept[-1]
            status, headers = begun[-1]
            if status == "200 OK" and not any(name == "Set-Cookie" for name, _ in headers):
                headers = [header for header in headers if header[0] != "Server-Timing"]
                self._kept.add(environ, _Answer(until, headers, content))
        return body


def _depends_on(environ: WSGIEnvironment) -> tuple[object, ...]:
    return tuple(environ.get(name) for name in _VARIES_BY)


def _key_of(environ: WSGIEnvironment) -> tuple[object, ...]:
    return environ["PATH_INFO"], *_depends_on(environ)


def _may_be_kept(environ: WSGIEnvironment) -> bool:
    return (
        environ.get("PATH_INFO", "").startswith("/near")
        and environ["REQUEST_METHOD"] == "GET"
        and not environ.get("QUERY_STRING")
        and "HTTP_IF_NONE_MATCH" not in environ
    )


def send_before_flask(app: Flask, kept: KeptAnswers, draw: Callable[[str], Drawn | None]) -> None:
    """Add middleware that keeps answers and sends them. It runs before the middleware that the app
    has so far, which must include `Overload`.

    `draw` returns the page with a path, or None if Flask has to draw it.
    """
    app.wsgi_app = _Middleware(app.wsgi_app, kept, draw)  # type: ignore[method-assign]


def may_be_sent_again(content: bytes, until: float) -> None:
    """Say that the answer to the current request is the same for everybody. Until the Unix time
    `until`, the middleware may send it to everybody who makes the same request. `content` is the
    whole body of the answer."""
    request.environ.get(_KEPT, []).append((content, until))
