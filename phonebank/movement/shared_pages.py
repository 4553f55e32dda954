"""Public pages in Redis, so that every process finds the pages that another process has
rendered."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

_PREFIX = "public page:"
# Seconds. If Redis does not answer, a process sends it no requests for this long. Otherwise each
# page would wait for Redis.
_AWAY_FOR = 10.0


@dataclass(frozen=True)
class Page:
    """A rendered page: its HTML compressed with gzip, a checksum of the HTML, and the Unix time at
    which it was rendered."""

    gzipped: bytes
    checksum: str
    drawn_at: float

    @classmethod
    def of(cls, html: str, drawn_at: float) -> Page:
        """Compress a page that was rendered at this Unix time."""
        content = html.encode()
        checksum = hashlib.sha256(content).hexdigest()[:16]
        return cls(gzip.compress(content, 6, mtime=0), checksum, drawn_at)


class SharedPages:
    """Pages by path, which Redis keeps for `seconds` seconds. While Redis is unavailable, there are
    no shared pages."""

    def __init__(self, redis: Redis, seconds: int) -> None:
        self._redis = redis
        self._seconds = seconds
        self._away_until = 0.0

    def read(self, path: str) -> Page | None:
        """Return the page of this path, or None if Redis has none."""
        if time.monotonic() < self._away_until:
            return None
        try:
            stored = self._redis.get(_PREFIX + path)
        except RedisError:
            self._go_on_without_redis()
            return None
        if stored is None:
            return None
        page = json.loads(stored)
        return Page(b64decode(page["gzipped"]), page["checksum"], page["drawn_at"])

    def store(self, path: str, page: Page) -> None:
        """Put this page into Redis for the other processes."""
        if time.monotonic() < self._away_until:
            return
        stored = {
            "gzipped": b64encode(page.gzipped).decode(),
            "checksum": page.checksum,
            "drawn_at": page.drawn_at,
        }
        try:
            self._redis.set(_PREFIX + path, json.dumps(stored), ex=self._seconds)
        except RedisError:
            self._go_on_without_redis()

    def forget(self) -> None:
        """Remove all pages from Redis. Only tests need this."""
        for key in self._redis.scan_iter(f"{_PREFIX}*"):
            self._redis.delete(key)

    def _go_on_without_redis(self) -> None:
        self._away_until = time.monotonic() + _AWAY_FOR
        log.warning("public pages are not shared for a while: Redis is away")
