"""Rate limits on requests, and the keys that distinguish senders.

Limits that count only some answers are in `attempt_limits`.
"""

import re
import unicodedata
from contextlib import suppress
from ipaddress import IPv6Address, ip_address

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_security import current_user

from phonebank.core.email_address import normalise_email
from phonebank.core.errors import InvalidInputError
from phonebank.core.redis import REDIS_TIMEOUT


def client_key() -> str:
    """Return a key for the sender: the IP address or, with IPv6, the /64 network. If the sender's
    address is not an IP address, return its text in the form that `typed_key` returns.

    With IPv6, a home has at least one /64 network of its own (RFC 6177). A sender could use a
    different address in that network for each request.
    """
    address = get_remote_address()
    try:
        parsed = ip_address(_without_port(address))
    except ValueError:
        return typed_key(address)
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"


def account_key() -> str:
    """Return a key for the signed-in account. The key is the same in every browser and from every
    network address. For a visitor who is not signed in, return the result of `client_key`."""
    if current_user.is_authenticated:
        return f"account {current_user.id}"
    return client_key()


def typed_key(text: str) -> str:
    """Return typed text in lower case, with full-width letters replaced by ordinary ones, and with
    single spaces between words.

    So a sender cannot get around a limit by typing the same text with other capitals, widths or
    spaces.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def typed_email_key() -> str:
    """Return a key for the e-mail address in the form's field `email`. The key does not depend on
    the sender, so all senders who type this address share its limit."""
    email = request.form.get("email", "")
    with suppress(InvalidInputError):  # the form shows the error; no such mailbox exists
        email = normalise_email(email)
    return typed_key(email)


def _without_port(address: str) -> str:
    """Return the address without its port.

    Some proxies pass an address on as `192.0.2.1:4711` or `[2001:db8::1]:4711`, with a different
    port for each connection.
    """
    bracketed = re.fullmatch(r"\s*\[([^\]]*)\](?::\d+)?\s*", address)
    if bracketed:
        return bracketed[1]
    host, colon, port = address.strip().partition(":")
    return host if colon and port.isdigit() else address.strip()


limiter = Limiter(client_key, headers_enabled=False)


def init_app(app: Flask, redis_url: str) -> None:
    """Make the app count requests in Redis, so that all processes share the limits. While Redis is
    unavailable, each process counts only its own requests."""
    app.config.update(
        RATELIMIT_STORAGE_URI=redis_url.replace("unix://", "redis+unix://", 1),
        RATELIMIT_STORAGE_OPTIONS={
            "socket_connect_timeout": REDIS_TIMEOUT,
            "socket_timeout": REDIS_TIMEOUT,
        },
        # While Redis is away, each process counts on its own. Otherwise it would have to accept all
        # requests or refuse them all.
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        RATELIMIT_KEY_PREFIX="limit",
    )
    # The views that have limits check them by themselves. If the app already knows the limiter,
    # Flask-Limiter adds no functions that would check again before and after every request.
    app.extensions["limiter"] = {limiter}
    limiter.init_app(app)
