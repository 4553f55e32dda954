"""Whether a request wants JSON or a page."""

from flask import request


def wants_json() -> bool:
    """Whether the request comes from an API client or our own JavaScript, which read JSON, not
    pages."""
    accepts = request.accept_mimetypes
    return request.is_json or accepts.best_match(["text/html", "application/json"]) == (
        "application/json"
    )
