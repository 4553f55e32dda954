"""What every response carries, and what every form must: headers, CSRF, rate limits, cookies."""

import json
import re
import unicodedata
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import TypeVar

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_security import current_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from phonebank.core import response_marks, signed_times
from phonebank.core.config import Config
from phonebank.core.errors import InvalidInputError
from phonebank.core.redis import REDIS_TIMEOUT

View = TypeVar("View", bound=Callable[..., object])


def whose_connection() -> str:
    """Whom the limits take the sender for: their address or, in IPv6, their network.

    Every home has a /64 of its own (RFC 6177), and could send each request from another address.
    """
    address = get_remote_address()
    try:
        parsed = ip_address(_without_port(address))
    except ValueError:
        return normal_key(address)
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"


def whose_account() -> str:
    """Whom the limits on what is done signed in take the sender for: the account, whatever browsers
    and addresses it comes from."""
    if current_user.is_authenticated:
        return f"account {current_user.id}"
    return whose_connection()


def normal_key(text: str) -> str:
    """Typed text as a limit counts it: in one form, however it is written (full width, capitals,
    spaces around it), so that nobody has a fresh limit for each way to write the same."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _without_port(address: str) -> str:
    """The address alone: some proxies pass it on as `192.0.2.1:4711` or `[2001:db8::1]:4711`, and
    every connection has another port."""
    bracketed = re.fullmatch(r"\s*\[([^\]]*)\](?::\d+)?\s*", address)
    if bracketed:
        return bracketed[1]
    host, colon, port = address.strip().partition(":")
    return host if colon and port.isdigit() else address.strip()


csrf = CSRFProtect()
limiter = Limiter(whose_connection, headers_enabled=False)

# Scripts and styles come from our own files only: no inline code, no eval, no other host.
# Pico.css draws its icons from data: addresses.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
# What every answer carries.
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # The call page's address holds nothing of the person, but a tel: page needs no referrer.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(self), geolocation=()",
}
# Bytes. A form, and a script as a file; whoever is signed in may upload more where files are taken.
BODY_AT_MOST = 1024 * 1024
# A million rows of a full export are about 200 MB.
UPLOAD_AT_MOST = 512 * 1024 * 1024
# The blueprint whose pages take JSON too. Any other would find fields that are not text.
TAKES_JSON = "callers"


def takes_files(view: View) -> View:
    """Mark a view that large files are sent to."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


def init_app(app: Flask, config: Config) -> None:
    """Harden the app: cookies, CSRF on every form, rate limits shared through Redis, headers."""
    signed_times.install()
    app.config.update(
        SECRET_KEY=config.secret_key,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.is_https,
        MAX_CONTENT_LENGTH=BODY_AT_MOST,
        # A party lasts an evening: a form opened at its start still works at its end.
        WTF_CSRF_TIME_LIMIT=12 * 60 * 60,
        RATELIMIT_STORAGE_URI=config.redis_url.replace("unix://", "redis+unix://", 1),
        RATELIMIT_STORAGE_OPTIONS={
            "socket_connect_timeout": REDIS_TIMEOUT,
            "socket_timeout": REDIS_TIMEOUT,
        },
        # Redis away: each process counts for itself, rather than nobody or everybody being let in.
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        RATELIMIT_KEY_PREFIX="limit",
    )
    if config.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app,
            x_for=config.proxies,
            x_proto=config.proxies,
            x_host=config.proxies,
        )
    # Before whatever reads the body.
    app.before_request(_take_files)
    csrf.init_app(app)
    limiter.init_app(app)
    app.before_request(_refuse_odd_json)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response_marks.mark_as_ours(response)
        headers = response.headers
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        if config.is_https:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.endpoint != "static":
            # Back button and shared laptops: a page about a person is never kept.
            headers.setdefault("Cache-Control", "no-store")
        return response


def _take_files() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "takes_files", False) and current_user.is_authenticated:
        request.max_content_length = UPLOAD_AT_MOST


def _refuse_odd_json() -> None:
    """Raise InvalidInputError for JSON that no page expects: no object, or with text that is
    none."""
    if not request.is_json or request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if request.blueprint not in (TAKES_JSON, None):
        raise InvalidInputError("This address takes forms, not JSON.")
    # Asked of the body itself: one sent in chunks does not say its length.
    if not request.get_data():
        return
    try:
        body = request.get_json(silent=True)
        # Half of a surrogate pair can be written in JSON, and stored nowhere.
        json.dumps(body, ensure_ascii=False).encode()
    except (RecursionError, UnicodeEncodeError):
        body = None
    if not isinstance(body, dict):
        raise InvalidInputError("The request's body must be a JSON object.")
