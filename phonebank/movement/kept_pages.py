"""Public pages that a process keeps for a minute, because thousands of people open the same
pages. These pages read no session and set no cookie, so caches between the server and the browser
may keep them too."""

import gzip
import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar, cast

from flask import Flask, Response, current_app, request

from phonebank.listings import nearest
from phonebank.listings.near_map import Town, towns_on
from phonebank.listings.nearest import Dot, Events, Near
from phonebank.places.outlines import Outline

Part = TypeVar("Part")

# Seconds. A kept page is rendered again after this time. What all pages share is read again after
# PARTS_KEPT_FOR, and browsers may keep a page as long. So a new event is shown, and a cancelled one
# goes, after two minutes at most.
KEPT_FOR = 60
PARTS_KEPT_FOR = 30
# Seconds. Towns change only with a release, but a test's process lives longer than its places.
TOWNS_KEPT_FOR = 3600
# A compressed page has some 5 kB, so the kept pages of a process are about 10 MB. There is room for
# nearly all the postcode districts of Great Britain.
PAGES_AT_MOST = 2_500


@dataclass
class _Page:
    gzipped: bytes
    checksum: str
    drawn_at: float


class KeptPages:
    """The pages that this process has rendered recently, by path."""

    def __init__(self) -> None:
        self._pages: OrderedDict[str, _Page] = OrderedDict()
        self._parts: dict[str, tuple[float, object]] = {}

    def answer(self, draw: Callable[[], str]) -> Response:
        """Return the page of this request's path. `draw` renders the page if it is not kept."""
        page = self._page(request.path, draw)
        headers = {"Vary": "Accept-Encoding", "Cache-Control": f"public, max-age={PARTS_KEPT_FOR}"}
        if request.accept_encodings.quality("gzip"):
            headers |= {"Content-Encoding": "gzip", "ETag": f'"{page.checksum}-gzip"'}
            content = page.gzipped
        else:
            headers["ETag"] = f'"{page.checksum}"'
            content = gzip.decompress(page.gzipped)
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
        drawn = _Page(gzip.compress(content, 6, mtime=0), checksum, now)
        self._pages[path] = drawn
        self._pages.move_to_end(path)
        while len(self._pages) > PAGES_AT_MOST:
            self._pages.popitem(last=False)
        return drawn

    def part(self, name: str, read: Callable[[], Part], kept_for: float = PARTS_KEPT_FOR) -> Part:
        """Return the result of `read`. All pages that use the same `name` share the result. Call
        `read` again only if the kept result is older than `kept_for` seconds."""
        now = time.monotonic()
        read_at, part = self._parts.get(name, (-math.inf, None))
        if now - read_at >= kept_for:
            part = read()
            self._parts[name] = now, part
        return cast(Part, part)

    def forget(self) -> None:
        """Forget all kept pages. Tests call this function so that the next page shows what has
        changed."""
        self._pages.clear()
        self._parts.clear()


def init_app(app: Flask) -> None:
    """Give the app a store of kept pages."""
    app.extensions["kept_pages"] = KeptPages()


def keep(draw: Callable[[], str]) -> Response:
    """Return the page of this request: the kept page, or a new one from `draw`."""
    return _pages().answer(draw)


def kept_dots(outline: Outline) -> list[Dot]:
    """Return the places that have events, in the countries of an outline (a picture of countries).
    Each place is a dot on the outline's map. All pages that show this outline share the dots."""
    return _pages().part(
        f"dots {outline.name}", lambda: nearest.dots(outline.countries, datetime.now(UTC))
    )


def kept_towns(outline: Outline) -> list[Town]:
    """Return the towns to show on the map of an outline (a picture of countries)."""
    return _pages().part(f"towns {outline.name}", lambda: towns_on(outline), TOWNS_KEPT_FOR)


def kept_events() -> Events | None:
    """Return all events that people attend in person, or None if there are too many to keep."""
    return _pages().part("events", lambda: nearest.all_events(datetime.now(UTC)))


def kept_videos() -> list[Near]:
    """Return the next events that people attend by video."""
    return _pages().part("videos", lambda: nearest.by_video(datetime.now(UTC)))


def _pages() -> KeptPages:
    pages: KeptPages = current_app.extensions["kept_pages"]
    return pages
