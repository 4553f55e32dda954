"""Errors in the form that API clients get: problem JSON (RFC 9457).

Each error says what is wrong (`detail`), which values are wrong (`errors`) and what to do
(`what_to_do`).
"""

import json
from collections.abc import Sequence

from flask import Response, request

API_ADDRESSES = "/api/"
MIME_TYPE = "application/problem+json"


def is_for_api() -> bool:
    """Whether the request is for the API, so that an error must be problem JSON."""
    return request.path.startswith(API_ADDRESSES)


def problem_body(
    status: int,
    title: str,
    message: str,
    what_to_do: str,
    faults: Sequence[tuple[str, str]] = (),
) -> str:
    """Return an error as the text of problem JSON (RFC 9457). `faults` has one pair for each wrong
    value: the value's place in the request, and a message."""
    return json.dumps(
        {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": message,
            "what_to_do": what_to_do,
            "errors": [{"where": where, "message": fault} for where, fault in faults],
        },
        ensure_ascii=False,
    )


def problem(
    status: int,
    title: str,
    message: str,
    what_to_do: str,
    faults: Sequence[tuple[str, str]] = (),
) -> Response:
    """Return a response whose body is the result of `problem_body`. A response with the status 401
    also says that the API expects a Bearer token."""
    body = problem_body(status, title, message, what_to_do, faults)
    response = Response(body, status, mimetype=MIME_TYPE)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
