"""What every response carries, and what every form must: headers, CSRF, rate limits, cookies."""

from flask import Flask, Response, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from phonebank.config import Config
from phonebank.stores import REDIS_TIMEOUT

csrf = CSRFProtect()
limiter = Limiter(get_remote_address, headers_enabled=False)

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
# Bytes. A million rows of a full export are about 200 MB.
UPLOAD_AT_MOST = 512 * 1024 * 1024


def init_app(app: Flask, config: Config) -> None:
    """Harden the app: cookies, CSRF on every form, rate limits shared through Redis, headers."""
    app.config.update(
        SECRET_KEY=config.secret_key,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.is_https,
        MAX_CONTENT_LENGTH=UPLOAD_AT_MOST,
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
    csrf.init_app(app)
    limiter.init_app(app)

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        # The call page's address holds nothing of the person, but a tel: page needs no referrer.
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), microphone=(self), geolocation=()")
        if config.is_https:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.endpoint != "static":
            # Back button and shared laptops: a page about a person is never kept.
            headers.setdefault("Cache-Control", "no-store")
        return response
