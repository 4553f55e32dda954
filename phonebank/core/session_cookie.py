"""The session cookie, which most requests only read.

A permanent session must not expire while the browser is in use. So Flask by default signs the
cookie again and sends it with every response. Here a response carries the cookie only if the
session has changed, or if the cookie of a permanent session is more than a day old. One cookie a
day is enough, because a permanent session lasts for a month.
"""

import time
from copy import deepcopy
from datetime import datetime
from functools import lru_cache
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature, URLSafeTimedSerializer

# Seconds. A permanent session lives for a month after its cookie was last sent.
SENT_EVERY = 24 * 60 * 60
# The number of cookies whose content is remembered. Each takes half a kilobyte.
COOKIES_KEPT = 10_000


class Session(SecureCookieSession):
    """A session. `signed_at` (aware UTC) is the time when the session's cookie was made. It is None
    for a new session."""

    signed_at: datetime | None = None


class SessionCookies(SecureCookieSessionInterface):
    """Flask's signed session cookies, with one serializer for the whole app."""

    session_class = Session

    def __init__(self) -> None:
        self._serializer: URLSafeTimedSerializer | None = None
        # A phone sends the same cookie all evening.
        self._read = lru_cache(maxsize=COOKIES_KEPT)(self._read_cookie)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return the serializer of the app's session cookies, or None if the app has no secret
        key."""
        if self._serializer is None:
            self._serializer = super().get_signing_serializer(app)
        return self._serializer

    def open_session(self, app: Flask, request: Request) -> Session | None:
        """Return the session of a request. If the request has no valid cookie, return an empty
        session. Return None if the app has no serializer to sign cookies with."""
        serializer = self.get_signing_serializer(app)
        cookie = request.cookies.get(self.get_cookie_name(app))
        if serializer is None or not cookie:
            return None if serializer is None else Session()
        lifetime = int(app.permanent_session_lifetime.total_seconds())
        try:
            content, signed_at = self._read(cookie)
            if not 0 <= time.time() - signed_at.timestamp() <= lifetime:
                content, signed_at = serializer.loads(
                    cookie, max_age=lifetime, return_timestamp=True
                )
        except BadSignature:
            return Session()
        session = Session(deepcopy(content))
        session.signed_at = signed_at
        return session

    def _read_cookie(self, cookie: str) -> tuple[dict[str, Any], datetime]:
        """Return the content of a cookie of any age, and when it was signed. Raises BadSignature if
        the signature is wrong."""
        assert self._serializer is not None  # noqa: S101 (open_session has made it)
        content, signed_at = self._serializer.loads(cookie, return_timestamp=True)
        return content, signed_at

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Send the session cookie with this response if `should_set_cookie` says so. A response
        whose `Cache-Control` is “public” never carries a session cookie, because shared caches may
        keep the response.

        Flask would add a `Vary` header for cookies to every response that depends on the session.
        Here a response without the session cookie does not get this header. A “no-store” response
        does not need it, because no cache keeps such a response.
        """
        if response.cache_control.public:
            return
        if session.modified or self.should_set_cookie(app, session):
            super().save_session(app, session, response)

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Whether the session cookie must be sent with the response. True if the session has
        changed. For a permanent session, also True if the cookie was signed more than a day ago, or
        if there is no cookie yet."""
        if session.modified or not session.permanent:
            return session.modified
        signed_at = getattr(session, "signed_at", None)
        return signed_at is None or time.time() - signed_at.timestamp() > SENT_EVERY
