"""Finds out whether a request wants JSON or a page."""

from flask import request


def wants_json() -> bool:
    """Whether the answer should be JSON and not a page. True if the request says that its body is
    JSON, or if the request's Accept header prefers JSON to HTML. API clients and our own JavaScript
    send such requests."""
    accepts = request.accept_mimetypes
    return request.is_json or accepts.best_match(["text/html", "application/json"]) == (
        "application/json"
    )
