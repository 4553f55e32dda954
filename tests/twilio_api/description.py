"""Checks requests to Twilio, and answers from it, against Twilio's own description.

Two things are stricter than in the published file. A form may have no field that the description
does not name, so a misspelt field is found. And a field that is an address must be one.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

FILE = Path(__file__).with_name("twilio_api_v2010.json")
HOST = "https://api.twilio.com"
FORM = "application/x-www-form-urlencoded"


class AgainstDescriptionError(AssertionError):
    """The error for a request or an answer that the description does not allow."""


def check_request(
    method: str, path: str, query: Mapping[str, Any], body: bytes, headers: Mapping[str, str]
) -> None:
    """Raise AgainstDescriptionError for a request that Twilio would refuse."""
    request = _request(method, path, query, body, headers)
    _check(lambda: _description().validate_request(request), f"{method} {path}")
    # openapi-core drops unknown fields before it validates the others.
    schema = _operation(path, method).get("requestBody", {})
    allowed = schema.get("content", {}).get(FORM, {}).get("schema", {}).get("properties", {})
    named = {parameter["name"] for parameter in _operation(path, method).get("parameters", ())}
    unknown = {name for name, _ in parse_qsl(body.decode())} - set(allowed) | set(query) - named
    if unknown:
        raise AgainstDescriptionError(f"{method} {path}: unknown {sorted(unknown)}")


def check_answer(method: str, path: str, status: int, answer: Mapping[str, Any]) -> None:
    """Raise AgainstDescriptionError for an answer that Twilio would not give. `status` is that of
    a success: the description has no others."""
    request = _request(method, path, {}, b"", {"Authorization": "Basic x"})
    response = MockResponse(
        json.dumps(answer).encode(), status_code=status, content_type="application/json"
    )
    _check(
        lambda: _description(for_answers=True).validate_response(request, response),
        f"{status} {path}",
    )


@cache
def _published() -> dict[str, Any]:
    description: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    for schema in description["components"]["schemas"].values():
        if schema.get("type") == "object":
            schema["additionalProperties"] = False
    return description


@cache
def _description(for_answers: bool = False) -> OpenAPI:
    # Twilio's own addresses in its answers begin with a slash.
    validators: dict[str, Any] = {} if for_answers else {"uri": _is_uri}
    return OpenAPI.from_dict(_published(), config=Config(extra_format_validators=validators))


def _operation(path: str, method: str) -> dict[str, Any]:
    for template, operations in _published()["paths"].items():
        pattern = "".join(
            "[^/]+" if part.startswith("{") else re.escape(part)
            for part in re.split(r"({\w+})", template)
        )
        if re.fullmatch(pattern, path):
            found: dict[str, Any] = operations[method.lower()]
            return found
    raise AgainstDescriptionError(f"no such path: {path}")


def _is_uri(value: Any) -> bool:
    address = urlsplit(str(value))
    return address.scheme in ("http", "https") and bool(address.hostname) and " " not in str(value)


def _request(
    method: str, path: str, query: Mapping[str, Any], body: bytes, headers: Mapping[str, str]
) -> MockRequest:
    kept = {name: value for name, value in headers.items() if name.lower() == "authorization"}
    return MockRequest(
        HOST, method.lower(), path, args=dict(query), data=body, headers=kept, content_type=FORM
    )


def _check(validate: Any, what: str) -> None:
    try:
        validate()
    except Exception as error:
        cause = error.__cause__
        details = getattr(cause, "schema_errors", cause)
        raise AgainstDescriptionError(f"{what}: {error} {details or ''}") from error
