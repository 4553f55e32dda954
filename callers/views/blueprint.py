"""The blueprint of the volunteer's pages: what they are sent, and how they say what went wrong."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from phonebank.core import error_pages, phonebank_headers
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError, PhonebankError, SignInRequiredError
from phonebank.core.security import takes_json

screens = takes_json(Blueprint("callers", "callers", template_folder="templates"))

# Sent by call.js with every form: it wants the next screen in the answer, not an address to go to.
SCREEN_HEADER = "X-Phonebank-Screen"
_SAVED = "phonebank.saved"


def wants_screen() -> bool:
    """Whether our own script asks, which draws the page it gets without leaving the one it has."""
    return SCREEN_HEADER in request.headers


def sent() -> MultiDict[str, Any] | Mapping[str, Any]:
    """The fields of a form, or of a JSON object. Raises InvalidInputError for any other JSON.

    Without the one character that PostgreSQL stores nowhere: an outcome is not refused for what was
    pasted into its note.
    """
    if not request.is_json:
        fields = request.form.items(multi=True)
        return MultiDict((name, _storable(value)) for name, value in fields)
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise InvalidInputError("The request's body must be a JSON object.")
    return {name: _storable(value) for name, value in body.items()}


def _storable(value: Any) -> Any:
    if isinstance(value, list):
        return [_storable(each) for each in value]
    return value.replace("\0", "") if isinstance(value, str) else value


def it_is_saved() -> None:
    """What was sent about a call is committed: whatever the rest of the request meets, such as a
    campaign that has ended, the phone is told that it was saved."""
    request.environ[_SAVED] = True


@screens.errorhandler(PhonebankError)
def say_sorry(error: PhonebankError) -> ResponseReturnValue:
    """An error in the volunteer's own layout, with the one way on that makes sense."""
    # What the request had begun is over, and nothing of it may be written by what the page asks.
    db.session.rollback()
    if wants_json():
        return error_pages.answer_to(error)
    stranger = isinstance(error, SignInRequiredError)
    joining = (request.endpoint or "").startswith("callers.join")
    link = {"url": url_for(".calling"), "label": "Back to calling"}
    if joining:
        link = {"url": url_for(".join"), "label": "Type a code"}
    elif stranger:
        link = {"url": url_for(".join"), "label": "Join"}
    page = render_template(
        "callers/error.html",
        status=error.status,
        title="Join first" if stranger else error.title,
        message=error.message,
        what_to_do=error.what_to_do,
        link=link,
    )
    return page, error.status


@screens.after_request
def tell_the_call_page(response: Response) -> Response:
    """Name the call that was sent about, with the verdict, so that the phone may let go of it.

    Our own JavaScript gets a redirect as a header: a browser would follow it out of sight, and the
    answer about the call would be lost behind the next page's.
    """
    call_id = (request.view_args or {}).get("call_id")
    verdict = phonebank_headers.verdict_of(response)
    if verdict == "refused" and request.environ.get(_SAVED):
        verdict = "saved"
    if call_id is not None and verdict is not None:
        response.headers[phonebank_headers.CALL] = f"{call_id} {verdict}"
    if wants_screen() and response.location:
        response.headers[phonebank_headers.GO_TO] = response.headers.pop("Location")
        response.status_code = 200
        response.set_data(b"")
    return response
