"""The answers of a process that refuses a request. They are made without the Flask app, in less
than a millisecond."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flask import json

from phonebank.core import phonebank_headers, problems
from phonebank.core.assets import vendored_files
from phonebank.core.errors import ServiceUnavailableError
from phonebank.core.security import SECURITY_HEADERS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MESSAGE = "A lot of people are calling right now. Nothing you did is lost."
WHAT_TO_DO = "Try again in {seconds} seconds."
_TRUNCATED = b"The request ended before its end."

Headers = dict[str, str]


def refusal(environ: "WSGIEnvironment", seconds: int) -> tuple[Headers, bytes]:
    """Return the headers and body of a 503 response that asks the client to try again after
    `seconds` seconds.

    The body is JSON for an API client or our own JavaScript, otherwise a page. If the request was a
    GET, the page reloads itself.
    """
    content_type, body = _body(environ, seconds)
    headers = _headers(content_type, body)
    headers |= {"Cache-Control": "no-store", "Retry-After": str(seconds)}
    if environ["REQUEST_METHOD"] == "GET":
        headers["Refresh"] = str(seconds)
    return headers, body


def truncated_request() -> tuple[Headers, bytes]:
    """Return the headers and body of a 400 response, for a request whose body ended early or had a
    malformed chunk."""
    headers = _headers("text/plain; charset=utf-8", _TRUNCATED)
    return headers | {"Connection": "close"}, _TRUNCATED


def _headers(content_type: str, body: bytes) -> Headers:
    return {
        **SECURITY_HEADERS,
        phonebank_headers.OURS: "1",
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
    }


def _body(environ: "WSGIEnvironment", seconds: int) -> tuple[str, bytes]:
    if environ.get("PATH_INFO", "").startswith(problems.API_ADDRESSES):
        what_to_do = WHAT_TO_DO.format(seconds=seconds)
        problem = problems.problem_body(503, ServiceUnavailableError.title, MESSAGE, what_to_do)
        return problems.MIME_TYPE, problem.encode()
    accepts = environ.get("HTTP_ACCEPT", "") + environ.get("CONTENT_TYPE", "")
    if "application/json" in accepts and "text/html" not in accepts:
        what_to_do = WHAT_TO_DO.format(seconds=seconds)
        error = {
            "title": ServiceUnavailableError.title,
            "message": MESSAGE,
            "what_to_do": what_to_do,
        }
        return "application/json", json.dumps({"error": error}).encode()
    page = _page_for_get() if environ["REQUEST_METHOD"] == "GET" else _page_for_forms()
    return "text/html; charset=utf-8", page.replace("{seconds}", str(seconds)).encode()


@cache
def _page_for_get() -> str:
    return _page("This page tries again automatically in {seconds} seconds.")


@cache
def _page_for_forms() -> str:
    return _page(
        "Wait {seconds} seconds and reload this page. If your browser asks whether to send the form"
        " again, say yes: nothing counts twice."
    )


def _page(what_to_do: str) -> str:
    # The code below fills in the file without a template engine, because the process is too busy to
    # render templates.
    page = (Path(__file__).parents[1] / "templates" / "busy.html").read_text()
    return (
        page.replace("{title}", ServiceUnavailableError.title)
        .replace("{pico}", vendored_files()["pico"].path)
        .replace("{message}", MESSAGE)
        .replace("{what_to_do}", what_to_do)
    )
