"""Sets the headers and cookies of responses, checks the CSRF tokens of forms, refuses JSON that a
view cannot use, and limits the size and the rate of requests."""

import json
from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, Flask, Response, current_app, g, request
from flask_security import current_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from phonebank.core import clock_skew, phonebank_headers, rate_limits
from phonebank.core.config import Config
from phonebank.core.errors import InvalidInputError
from phonebank.core.session_cookie import SessionCookies

View = TypeVar("View", bound=Callable[..., object])

csrf = CSRFProtect()

# JavaScript and style sheets come from our own files only. Inline code, eval and other hosts are
# not allowed. Pico.css draws its icons from data: addresses.
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
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # A site that a person goes to from here need not learn which page they came from.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(self), geolocation=()",
}
# Bytes. Every form, and a script as a file, is smaller than this. People who are signed in may send
# more to views that take files.
MAX_FORM_BYTES = 1024 * 1024
# A file of this size has room for a full export of a million rows, which is about 200 MB.
MAX_UPLOAD_BYTES = 512 * 1024 * 1024


def allow_connections(*addresses: str) -> None:
    """Allow the page in this response to connect to these addresses and to this server. An address
    is, for example, `wss://phones.example.org/ws`."""
    g.connections = addresses


def takes_files(view: View) -> View:
    """Mark a view that takes large files. If the sender of a request to such a view is signed in,
    the request may be up to MAX_UPLOAD_BYTES long."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


def takes_json(blueprint: Blueprint) -> Blueprint:
    """Mark a blueprint all of whose views accept JSON. The views of other blueprints refuse JSON.
    These views expect each field to be text, and JSON could set a field to another kind of
    value."""
    blueprint.takes_json = True  # type: ignore[attr-defined]
    return blueprint


def init_app(app: Flask, config: Config) -> None:
    """Set up the app's protection: cookies, headers, CSRF tokens for forms, limits on the size of
    requests, and rate limits that all processes share."""
    clock_skew.tolerate_clock_skew()
    app.session_interface = SessionCookies()
    app.config.update(
        SECRET_KEY=config.secret_key,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.is_https,
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        # A party lasts an evening, and a form that was opened at its start must still work at its
        # end.
        WTF_CSRF_TIME_LIMIT=12 * 60 * 60,
    )
    if config.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app,
            x_for=config.proxies,
            x_proto=config.proxies,
            x_host=config.proxies,
        )
    # CSRF protection reads the body, so the limit on the size of the body must be set before that.
    app.before_request(_raise_limit_for_files)
    csrf.init_app(app)
    rate_limits.init_app(app, config.redis_url)
    app.before_request(_refuse_odd_json)

    @app.after_request
    def add_headers(response: Response) -> Response:
        phonebank_headers.mark_as_ours(response)
        headers = response.headers
        if connections := g.get("connections"):
            source = f"; connect-src 'self' {' '.join(connections)}"
            headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY + source
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        if config.is_https:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.endpoint != "static":
            # Browsers must not keep pages about people, or the back button would show them to the
            # next user of a shared laptop.
            headers.setdefault("Cache-Control", "no-store")
        return response


def _raise_limit_for_files() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "takes_files", False) and current_user.is_authenticated:
        request.max_content_length = MAX_UPLOAD_BYTES


def _refuse_odd_json() -> None:
    """Raise InvalidInputError for JSON that the view cannot use. A view that accepts only forms can
    use no JSON. Any other view can use only an empty body, or a JSON object whose text can be
    encoded in UTF-8. Requests with the method GET, HEAD or OPTIONS are not checked."""
    if not request.is_json or request.method in ("GET", "HEAD", "OPTIONS"):
        return
    blueprint = current_app.blueprints.get(request.blueprint or "")
    if blueprint is not None and not getattr(blueprint, "takes_json", False):
        raise InvalidInputError("This address takes forms, not JSON.")
    # This reads the body itself, because a body sent in chunks does not declare its length.
    if not request.get_data():
        return
    try:
        body = request.get_json(silent=True)
        # JSON can hold half of a surrogate pair, which no store accepts.
        json.dumps(body, ensure_ascii=False).encode()
    except (RecursionError, UnicodeEncodeError):
        body = None
    if not isinstance(body, dict):
        raise InvalidInputError("The request's body must be a JSON object.")
