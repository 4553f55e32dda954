"""The blueprint of the volunteer's pages, and functions that read requests and show errors."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from phonebank.core import error_pages, phonebank_headers
from phonebank.core.compression import gzip_if_asked
from phonebank.core.content_negotiation import wants_json
from phonebank.core.errors import InvalidInputError, PhonebankError, SignInRequiredError
from phonebank.core.security import takes_json

pages = takes_json(Blueprint("callers", "callers", template_folder="templates"))

# Our JavaScript sends this header to get the next page in the response instead of a redirect.
SCREEN_HEADER = "X-Phonebank-Screen"
_SAVED = "phonebank.saved"


def wants_screen() -> bool:
    """Whether our own JavaScript sent this request and asks for the next page in the response
    instead of a redirect.

    The JavaScript then shows the page from the response in place of the open page.
    """
    return SCREEN_HEADER in request.headers


def read_fields() -> MultiDict[str, Any] | Mapping[str, Any]:
    """Return the fields of a form, or of a JSON object.

    Raises InvalidInputError if the request has JSON that is malformed or is not an object. NUL
    characters are dropped, because PostgreSQL cannot store them. Otherwise a NUL character in a
    pasted note would make the server refuse the outcome.
    """
    if not request.is_json:
        fields = request.form.items(multi=True)
        return MultiDict((name, _without_nul(value)) for name, value in fields)
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise InvalidInputError("The request's body must be a JSON object.")
    return {name: _without_nul(value) for name, value in body.items()}


def _without_nul(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nul(each) for each in value]
    return value.replace("\0", "") if isinstance(value, str) else value


def mark_saved() -> None:
    """Record that the requested change to a call has been committed.

    If the rest of the request is then refused, for example because the campaign has ended, the
    response still tells the phone that the change was saved.
    """
    request.environ[_SAVED] = True


@pages.errorhandler(PhonebankError)
def render_error(error: PhonebankError) -> ResponseReturnValue:
    """Roll back the transaction, and show the error in the layout of the volunteer's pages, with
    one link to continue. A request that wants JSON gets the error as JSON."""
    # The page's own queries must not commit the changes of the failed request.
    error_pages.roll_back()
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


pages.after_request(gzip_if_asked)


@pages.after_request
def add_call_headers(response: Response) -> Response:
    """Add headers that our own JavaScript reads.

    If the request's address has a call's id, and the same request need not be sent again, one
    header has this id and "saved" or "refused". The phone can then delete its copy of the request.

    For our own JavaScript, the address of a redirect is sent in a separate header. The browser
    would follow a real redirect automatically, and JavaScript would see only the headers of the
    next page.
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
