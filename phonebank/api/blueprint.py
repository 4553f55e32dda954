"""The API's blueprint, and the function that makes its responses."""

from typing import Any

from flask import Blueprint, Response, current_app

from phonebank.core.security import takes_json

api = takes_json(Blueprint("api", __name__, url_prefix="/api/v1"))


def json_answer(body: dict[str, Any]) -> Response:
    """Return a response with this body, as JSON."""
    return Response(current_app.json.dumps(body), mimetype="application/json")
