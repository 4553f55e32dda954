"""Describes the API in the format OpenAPI. The library spectree makes this description from the
views and their models.

spectree also checks requests against the models. spectree does not check responses, because
checking a response would take longer than making it. Tests check the responses.
"""

from collections.abc import Callable, Iterator
from typing import Any

from flask import Response as Answer
from flask import current_app, jsonify, request
from pydantic import BaseModel, ValidationError
from spectree import Response, SecurityScheme, SecuritySchemeData, SpecTree
from spectree.models import SecureType
from spectree.plugins.flask_plugin import FlaskPlugin
from werkzeug.routing import Rule

from phonebank.api.schemas import Problem
from phonebank.core.errors import InvalidInputError
from phonebank.core.problems import MIME_TYPE
from phonebank.models import Scope

VERSION = "1.0"
INTRODUCTION = (
    "One token is for one campaign. Send it in the header “Authorization: Bearer …”. Pages go by"
    " cursors: ask again with `next_cursor` until it says that there is no more. Each error is"
    " problem JSON (RFC 9457) and says what is wrong, where, and what to do."
)

# The error responses that every address may return. The body of each is a `Problem`.
_ERRORS = {
    "HTTP_401": (Problem, "No token, or one that does not work."),
    "HTTP_403": (Problem, "The token does not have the scope."),
    "HTTP_422": (Problem, "Something in the request cannot be used."),
    "HTTP_429": (Problem, "Too many requests. The header Retry-After has the seconds to wait."),
    "HTTP_503": (Problem, "Too busy. The header Retry-After has the seconds to wait."),
}


class _Plugin(FlaskPlugin):
    """spectree's plug-in for Flask, changed so that it describes only the API's addresses and does
    not check responses."""

    def find_routes(self) -> Iterator[Rule]:
        return (
            rule for rule in current_app.url_map.iter_rules() if rule.endpoint.startswith("api.")
        )

    def validate_response(  # type: ignore[no-untyped-def]
        self, resp, resp_model, skip_validation, force_resp_serialize
    ):
        return super().validate_response(resp, resp_model, True, force_resp_serialize)


def _refuse(_: object, __: object, fault: Exception | None, ___: object, ____: object) -> None:
    """Raise an InvalidInputError with the faults that spectree found in a request, 50 at most. Do
    nothing if spectree found no faults."""
    if not isinstance(fault, ValidationError):
        return
    where = "body" if request.method in ("POST", "PUT", "PATCH") else "query"
    faults = [
        (".".join([where, *map(str, error["loc"])]), error["msg"])
        for error in fault.errors(include_url=False, include_context=False, include_input=False)
    ]
    places = ", ".join(dict.fromkeys(place for place, _ in faults))
    raise InvalidInputError(
        f"This cannot be used: {places}.",
        "`errors` says what is wrong with each. Correct these and send the request again.",
        faults[:50],
    )


_spec = SpecTree(
    backend=_Plugin,
    before=_refuse,
    mode="strict",
    annotations=True,
    title="Phonebank",
    version=VERSION,
    description=INTRODUCTION,
    validation_error_model=Problem,
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _, child: child,
    security_schemes=[
        SecurityScheme(
            name="token",
            data=SecuritySchemeData(
                type=SecureType.HTTP,
                scheme="bearer",
                description="A token of a campaign. An organiser makes it under “Other software”.",
            ),
        )
    ],
)


def described(
    answer: type[BaseModel], scope: Scope, **errors: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that adds a view to the API's description. The description gets the view's
    docstring, annotations, response (`answer`) and scope. The decorator also makes spectree check
    requests.

    The view's parameters `query` and `json` are annotated with the models that a request must fit.
    `errors` adds error responses, such as `HTTP_404=(Problem, "…")`.
    """
    resp = Response(HTTP_200=(answer, "Done."), **_ERRORS, **errors)
    describe: Callable[[Callable[..., Any]], Callable[..., Any]] = _spec.validate(
        resp=resp, security={"token": []}, tags=(f"needs {scope}",)
    )
    return describe


def openapi() -> dict[str, Any]:
    """Return the description of the current app's API."""
    if "openapi" not in current_app.extensions:
        described_now: dict[str, Any] = _spec.spec
        for path in described_now["paths"].values():
            for operation in path.values():
                for status, answer in operation["responses"].items():
                    if status >= "400":
                        answer["content"] = {MIME_TYPE: answer["content"]["application/json"]}
        current_app.extensions["openapi"] = described_now
    described_before: dict[str, Any] = current_app.extensions["openapi"]
    return described_before


def show() -> Answer:
    """Return a response with the description as JSON."""
    return jsonify(openapi())
