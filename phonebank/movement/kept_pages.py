"""Public pages that a process keeps for some seconds, because thousands of people open the same
pages. These pages read no session and set no cookie, so caches between us and the browser may keep
them too."""

import gzip
import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask, Response, current_app, request

from phonebank.listings import nearest
from phonebank.listings.nearest import Dot
from phonebank.places.outlines import Outline

# Seconds. A kept page is rendered again after this time, and then shows new events and no cancelled
# ones.
KEPT_FOR = 30
# A page has some 10 kB, so the kept pages of a process are a few megabytes.
PAGES_AT_MOST = 500


@dataclass
class _Page:
    content: bytes
    gzipped: bytes
    checksum: str
    drawn_at: float


class KeptPages:
    """The pages that this process has rendered lately, by path."""

    def __init__(self) -> None:
        self._pages: OrderedDict[str, _Page] = OrderedDict()
        self._dots: dict[str, tuple[float, list[Dot]]] = {}

    def answer(self, draw: Callable[[], str]) -> Response:
        """Return the page of this request's path. `draw` renders the page if it is not kept."""
        page = self._page(request.path, draw)
        headers = {"Vary": "Accept-Encoding", "Cache-Control": f"public, max-age={KEPT_FOR}"}
        if request.accept_encodings.quality("gzip"):
            headers |= {"Content-Encoding": "gzip", "ETag": f'"{page.checksum}-gzip"'}
            content = page.gzipped
        else:
            headers["ETag"] = f'"{page.checksum}"'
            content = page.content
        response = Response(content, headers=headers, content_type="text/html; charset=utf-8")
        if "If-None-Match" in request.headers:
            response.make_conditional(request)
        return response

    def _page(self, path: str, draw: Callable[[], str]) -> _Page:
        now = time.monotonic()
        page = self._pages.get(path)
        if page is not None and now - page.drawn_at < KEPT_FOR:
            return page
        if page is not None:
            # While this request renders the page again, other requests get the old page.
            page.drawn_at = now
        content = draw().encode()
        checksum = hashlib.sha256(content).hexdigest()[:16]
        drawn = _Page(content, gzip.compress(content, 6, mtime=0), checksum, now)
        self._pages[path] = drawn
        self._pages.move_to_end(path)
        while len(self._pages) > PAGES_AT_MOST:
            self._pages.popitem(last=False)
        return drawn

    def dots(self, outline: Outline) -> list[Dot]:
        """Return the dots of a map, read at most once in KEPT_FOR seconds."""
        now = time.monotonic()
        read_at, dots = self._dots.get(outline.name, (-math.inf, []))
        if now - read_at >= KEPT_FOR:
            dots = nearest.dots(outline.countries, datetime.now(UTC))
            self._dots[outline.name] = now, dots
        return dots

    def forget(self) -> None:
        """Forget all pages. Tests use this between two events."""
        self._pages.clear()
        self._dots.clear()


def init_app(app: Flask) -> None:
    """Give the app its kept pages."""
    app.extensions["kept_pages"] = KeptPages()


def keep(draw: Callable[[], str]) -> Response:
    """Return the page of this request: the kept page, or a new one from `draw`."""
    return _pages().answer(draw)


def kept_dots(outline: Outline) -> list[Dot]:
    """Return the dots of an outline. All pages with that outline share them."""
    return _pages().dots(outline)


def _pages() -> KeptPages:
    pages: KeptPages = current_app.extensions["kept_pages"]
    return pages
