"""Public pages that are kept for a minute, because thousands of people open the same pages. These
pages read no session and set no cookie, so caches between the server and the browser may keep them
too.

A process keeps the pages that it has sent lately. All processes also share the pages in Redis
(`shared_pages`), so usually only one process renders a page.
"""

import gzip
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar, cast

from flask import Flask, Response, current_app, request
from redis import Redis

from phonebank.core.redis import redis_store
from phonebank.listings import nearest
from phonebank.listings.near_map import Town, towns_on
from phonebank.listings.nearest import Dot, Events, Near
from phonebank.movement import kept_answers
from phonebank.movement.shared_pages import Page, SharedPages
from phonebank.places.find import TYPED_AT_MOST
from phonebank.places.outlines import Outline
from phonebank.places.typed import read_typed

Part = TypeVar("Part")

# Seconds. A kept page is rendered again after KEPT_FOR. The parts that the pages of a process share
# are read again after PARTS_KEPT_FOR, and a browser may keep a page for PARTS_KEPT_FOR. So after at
# most two minutes, the pages show a new event, and no longer show a cancelled event.
KEPT_FOR = 60
PARTS_KEPT_FOR = 30
# Seconds. The towns change only with a release. They are read again nevertheless, because one
# process runs many tests, and each test may have other towns.
TOWNS_KEPT_FOR = 3600
# A compressed page has about 5 kB, so the kept pages of a process take at most about 12 MB. Most of
# the 2,865 British postcode districts have room.
PAGES_AT_MOST = 2_500
CHOICES_AT_MOST = 10_000
# Postcodes, each as (country, code).
Codes = tuple[tuple[str, str], ...]
# Places to choose from, each as (address of its page, name, country).
Choices = list[tuple[str, str, str]]


class KeptPages:
    """The pages that this process has sent recently, by path."""

    def __init__(self, redis: Redis) -> None:
        # With each page, the Unix time after which a newer one is looked for.
        self._pages: OrderedDict[str, tuple[Page, float]] = OrderedDict()
        self._shared = SharedPages(redis, KEPT_FOR)
        self._parts: dict[str, tuple[float, object]] = {}
        self._choices: OrderedDict[Codes, tuple[float, Choices]] = OrderedDict()
        self.answers = kept_answers.KeptAnswers()

    def answer(self, draw: Callable[[], str]) -> Response:
        """Return a response with the page of this request's path. `draw` renders the page if it is
        not kept, or is too old."""
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
        else:
            kept_answers.may_be_sent_again(content, page.drawn_at + KEPT_FOR)
        return response

    def _page(self, path: str, draw: Callable[[], str]) -> Page:
        now = time.time()
        page, until = self._pages.get(path, (None, 0.0))
        if page is not None and now < until:
            return page
        if page is not None:
            # While this request looks for a newer page, other requests get the old page.
            self._pages[path] = page, now + KEPT_FOR
        newer = self._shared.read(path)
        if newer is None or now - newer.drawn_at >= KEPT_FOR:
            newer = Page.of(draw(), now)
            self._shared.store(path, newer)
        self._pages[path] = newer, newer.drawn_at + KEPT_FOR
        self._pages.move_to_end(path)
        while len(self._pages) > PAGES_AT_MOST:
            self._pages.popitem(last=False)
        return newer

    def part(self, name: str, read: Callable[[], Part], kept_for: float = PARTS_KEPT_FOR) -> Part:
        """Return the result of `read`. All pages that use the same `name` share the result. Call
        `read` again only if the kept result is older than `kept_for` seconds."""
        now = time.monotonic()
        read_at, part = self._parts.get(name, (-math.inf, None))
        if now - read_at >= kept_for:
            part = read()
            self._parts[name] = now, part
        return cast(Part, part)

    def choices(self, codes: Codes, read: Callable[[], Choices]) -> Choices:
        """Return the places with one of these postcodes. `read` finds the places if they are not
        kept, or were kept too long ago."""
        now = time.monotonic()
        read_at, found = self._choices.get(codes, (-math.inf, []))
        if now - read_at >= TOWNS_KEPT_FOR:
            found = read()
            self._choices[codes] = now, found
            while len(self._choices) > CHOICES_AT_MOST:
                self._choices.popitem(last=False)
        return found

    def forget(self) -> None:
        """Forget all kept pages and parts, also in Redis. Tests call this function so that the next
        page shows what has changed."""
        self._pages.clear()
        self.answers.forget()
        self._shared.forget()
        self._parts.clear()
        self._choices.clear()


def init_app(app: Flask) -> None:
    """Give the app a store of kept pages."""
    with app.app_context():
        app.extensions["kept_pages"] = KeptPages(redis_store())


def send_before_flask(app: Flask) -> None:
    """Let the app send kept pages before Flask sees the request. Call this after everything else is
    set up."""
    kept_answers.send_before_flask(app, app.extensions["kept_pages"].answers)


def keep(draw: Callable[[], str]) -> Response:
    """Return a response with the page of this request: the kept page, or a new page from `draw`."""
    return _pages().answer(draw)


def kept_dots(outline: Outline) -> list[Dot]:
    """Return the places with events in the countries that an outline shows (an outline is a picture
    of one or more countries). Each place is a dot on the picture. All pages that show this outline
    share the dots."""
    return _pages().part(
        f"dots {outline.name}", lambda: nearest.dots(outline.countries, datetime.now(UTC))
    )


def kept_towns(outline: Outline) -> list[Town]:
    """Return the towns to show on the map of an outline (a picture of one or more
    countries)."""
    return _pages().part(f"towns {outline.name}", lambda: towns_on(outline), TOWNS_KEPT_FOR)


def kept_events() -> Events | None:
    """Return all events that people attend in person, or None if there are too many to keep."""
    return _pages().part("events", lambda: nearest.all_events(datetime.now(UTC)))


def kept_choices(typed: str, read: Callable[[], Choices]) -> Choices:
    """Return the places that a typed text may mean, as `read` finds them. If the text is a
    postcode, the result is kept for TOWNS_KEPT_FOR seconds. Of a British or Canadian postcode, only
    the first half is kept with the result."""
    codes = read_typed(typed[:TYPED_AT_MOST]).codes
    return _pages().choices(codes, read) if codes else read()


def kept_videos() -> list[Near]:
    """Return the next events that people attend by video."""
    return _pages().part("videos", lambda: nearest.by_video(datetime.now(UTC)))


def _pages() -> KeptPages:
    pages: KeptPages = current_app.extensions["kept_pages"]
    return pages
