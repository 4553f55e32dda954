"""Public pages that are kept for a minute, because thousands of people open the same pages. These
pages read no session and set no cookie, so caches between the server and the browser may keep them
too.

Each web process keeps the pages that it has sent lately. A process renders a page in about a
millisecond and usually without a query, because `kept_parts` keeps the parts that several pages
have in common. Rendering is so quick that the processes do not need to share their pages.
"""

import gzip
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from cachetools import LRUCache
from flask import Flask, Response, current_app, request

from phonebank.movement import kept_answers, kept_searches
from phonebank.movement.kept_parts import PARTS_KEPT_FOR, KeptParts, NotKeptError, only_kept

log = logging.getLogger(__name__)

# Seconds. A browser may keep a page for PARTS_KEPT_FOR. So after at most two minutes, the pages
# show a new event, and no longer show a cancelled event.
KEPT_FOR = 60
# A compressed page has about 5 kB, so the kept pages of a process take at most about 12 MB. Most of
# the 2,865 British postcode districts have room.
PAGES_AT_MOST = 2_500


@dataclass(frozen=True)
class Page:
    """A rendered page: its HTML compressed with gzip, a checksum of the HTML, and the Unix time at
    which it was rendered."""

    gzipped: bytes
    checksum: str
    drawn_at: float

    @property
    def etag_gzipped(self) -> str:
        """The ETag of the compressed page."""
        return f'"{self.checksum}-gzip"'

    @classmethod
    def of(cls, html: str, drawn_at: float, before: "Page | None") -> "Page":
        """Return the page with this HTML, which was rendered at the Unix time `drawn_at`. If the
        page `before` has the same HTML, it is not compressed again."""
        content = html.encode()
        checksum = hashlib.sha256(content).hexdigest()[:16]
        if before is not None and before.checksum == checksum:
            return replace(before, drawn_at=drawn_at)
        return cls(gzip.compress(content, 6, mtime=0), checksum, drawn_at)


class KeptPages:
    """What this process keeps: the pages that it has sent recently (by path), the parts that these
    pages have in common, and the whole answers."""

    def __init__(self) -> None:
        self._pages: LRUCache[str, Page] = LRUCache(PAGES_AT_MOST)
        self.parts = KeptParts()
        self.answers = kept_answers.KeptAnswers()

    def drawn(self, path: str, draw: Callable[[str], str | None]) -> kept_answers.Drawn | None:
        """Return the page with this path, or None if `draw` returns None. If no fresh page is kept
        for the path, `draw` renders the page."""
        page = self._fresh(path)
        if page is None:
            html = draw(path)
            if html is None:
                return None
            page = self._keep(path, html)
        return kept_answers.Drawn(page.gzipped, page.etag_gzipped, page.drawn_at + KEPT_FOR)

    def answer(self, draw: Callable[[], str]) -> Response:
        """Return a response with the page for this request's path. If no page is kept for the path,
        or if the kept page is older than KEPT_FOR, `draw` renders the page."""
        page = self._fresh(request.path) or self._keep(request.path, draw())
        headers = {"Vary": "Accept-Encoding", "Cache-Control": f"public, max-age={PARTS_KEPT_FOR}"}
        if request.accept_encodings.quality("gzip"):
            headers |= {"Content-Encoding": "gzip", "ETag": page.etag_gzipped}
            content = page.gzipped
        else:
            headers["ETag"] = f'"{page.checksum}"'
            content = gzip.decompress(page.gzipped)
        response = Response(content, headers=headers, content_type="text/html; charset=utf-8")
        if "If-None-Match" in request.headers:
            response.make_conditional(request)
        else:
            kept_answers.may_be_sent_again(content, page.drawn_at + KEPT_FOR)
        return response

    def _fresh(self, path: str) -> Page | None:
        page = self._pages.get(path)
        return page if page is not None and time.time() < page.drawn_at + KEPT_FOR else None

    def _keep(self, path: str, html: str) -> Page:
        page = self._pages[path] = Page.of(html, time.time(), self._pages.get(path))
        return page

    def forget(self) -> None:
        """Forget all kept pages, parts and answers. Tests call this function so that the next page
        shows what has changed."""
        self._pages.clear()
        self.parts.forget()
        self.answers.forget()


def init_app(app: Flask) -> None:
    """Give the app an empty store for the pages that it keeps."""
    app.extensions["kept_pages"] = KeptPages()


def send_before_flask(app: Flask, draw: Callable[[str], str | None]) -> None:
    """Let the app send kept pages, draw pages, and answer searches for places that it knows,
    without passing the request to Flask. Call this function after all other middleware has been
    added.

    `draw` returns the HTML of the page with a path, or None if Flask has to draw it. It is called
    in an app context, but outside of a request, and inside `only_kept`: what has to be read is read
    by Flask's requests, which are limited.
    """
    pages: KeptPages = app.extensions["kept_pages"]

    def drawn(path: str) -> kept_answers.Drawn | None:
        try:
            with app.app_context(), only_kept():
                return pages.drawn(path, draw)
        except NotKeptError:
            return None
        except Exception:
            # Flask tries it again, and has a page for each error.
            log.exception("a page could not be drawn before Flask")
            return None

    kept_answers.send_before_flask(app, pages.answers, drawn)
    kept_searches.answer_before_flask(app, pages.parts.place_meant)


def keep(draw: Callable[[], str]) -> Response:
    """Return a response with the page for this request: the kept page, or a new page from
    `draw`."""
    pages: KeptPages = current_app.extensions["kept_pages"]
    return pages.answer(draw)
