"""What can go wrong for a person, and its one mapping to pages and JSON.

PhonebankError
├── BadInput             422  something typed, chosen or uploaded cannot be used
├── NotAllowed           403  they are known, and may not
├── SignInNeeded         401  they are not known
├── NotFound             404
├── Conflict             409  the state of things forbids it now
│   ├── NotRunning            the campaign or party is paused or not begun
│   └── HoldLost              the hold is over and the person is somebody else's now
├── Gone                 410  it was here; the link or the party has ended
├── TooMany              429
└── BackInAMoment        503  a store is away; nothing was lost, try again

What a store or the machine refuses (`store_faults`) is a 503 in words too, and each 503 says when
to come back.
"""

import logging
import random
import traceback
from collections.abc import Callable

from flask import Flask, Response, current_app, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from phonebank.core import store_errors
from phonebank.core.db import db
from phonebank.core.response_marks import STALE_FORM

log = logging.getLogger(__name__)

# Seconds, the shortest and the longest. Whole seconds are all that the header can say; those who
# were refused at one moment must not all be back at one.
COME_BACK_AFTER = (2, 9)


class PhonebankError(Exception):
    """`message` says what is wrong, `what_to_do` what would help; both are shown to people."""

    status = 500
    title = "Something went wrong"

    def __init__(self, message: str, what_to_do: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.what_to_do = what_to_do


class BadInput(PhonebankError):
    status = 422
    title = "That can't be used"


class NotAllowed(PhonebankError):
    status = 403
    title = "Not for this account"


class SignInNeeded(PhonebankError):
    status = 401
    title = "Please sign in first"


class NotFound(PhonebankError):
    status = 404
    title = "Not found"


class Conflict(PhonebankError):
    status = 409
    title = "Not now"


class NotRunning(Conflict):
    title = "Calling is paused"


class HoldLost(Conflict):
    title = "This call has moved on"


class Gone(PhonebankError):
    status = 410
    title = "This has ended"


class TooMany(PhonebankError):
    status = 429
    title = "Too many tries"


class BackInAMoment(PhonebankError):
    status = 503
    title = "Back in a moment"


# HTTP errors that Flask and its extensions raise themselves, in our words.
HTTP_WORDS: dict[int, tuple[str, str, str]] = {
    400: (
        "That can't be used",
        "The page sent something we couldn't read.",
        "Go back and try again.",
    ),
    403: (
        "Not for this account",
        "This account can't open this page.",
        "Sign in with another account, or go back.",
    ),
    404: ("Not found", "There's no page at this address.", "Check the link you were given."),
    405: ("Not that way", "This page can't do that.", "Go back and try again."),
    429: ("Too many tries", "There were too many tries from your network.", "Wait a minute."),
}


def register(app: Flask) -> None:
    """Give the app one answer for each kind of error: a page for people, JSON for scripts."""

    @app.errorhandler(PhonebankError)
    def for_people(error: PhonebankError) -> ResponseReturnValue:
        _undo()
        return answer(error.status, error.title, error.message, error.what_to_do)

    @app.errorhandler(CSRFError)
    def form_too_old(error: CSRFError) -> ResponseReturnValue:
        words = (
            _form_too_old()
            if app.config["SESSION_COOKIE_NAME"] in request.cookies
            else _no_cookie()
        )
        refused = app.make_response(answer(400, *words))
        refused.headers[STALE_FORM] = "1"
        return refused

    @app.errorhandler(RateLimitExceeded)
    def too_many(error: RateLimitExceeded) -> ResponseReturnValue:
        status, title, message, what_to_do = _words(429)
        told = error.limit.error_message
        return answer(status, title, told if isinstance(told, str) else message, what_to_do)

    @app.errorhandler(HTTPException)
    def from_flask(error: HTTPException) -> ResponseReturnValue:
        if error.response is not None or error.code is None or error.code < 400:
            return error
        return answer(*(_too_large() if error.code == 413 else _words(error.code)))

    @app.errorhandler(DataError)
    def not_storable(error: DataError) -> ResponseReturnValue:
        # A number too large for any id, or a character that no text may have.
        log.warning("the database refused a value at %s", request.endpoint)
        _undo()
        return answer(*_words(404 if request.method == "GET" else 400))

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> ResponseReturnValue:
        if app.testing or app.debug:
            raise error
        # Where, and not what it says: an error's own words may quote somebody's name or number.
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("unforeseen %s at %s\n%s", type(error).__name__, request.endpoint, where)
        _undo()
        return answer(
            500,
            PhonebankError.title,
            "That's our fault, not yours.",
            "Try again. If it happens twice, tell your organiser what you were doing.",
        )

    _register_store_faults(app, unforeseen)


def _register_store_faults(
    app: Flask, otherwise: Callable[[Exception], ResponseReturnValue]
) -> None:
    def store_is_away(error: Exception) -> ResponseReturnValue:
        words = store_errors.words_for(error)
        if words is None:
            return otherwise(error)
        # The driver's own text may quote a statement's values: it stays out of the log.
        log.error("%s: %s", words.in_log, store_errors.kind_of(error))
        _undo()
        _let_the_page_be_nobodys()
        return answer(503, BackInAMoment.title, words.message, words.what_to_do)

    for kind in store_errors.KINDS:
        app.register_error_handler(kind, store_is_away)

    @app.after_request
    def say_when_to_come_back(response: Response) -> Response:
        if response.status_code == 503:
            seconds = random.randint(*COME_BACK_AFTER)  # noqa: S311
            response.headers.setdefault("Retry-After", str(seconds))
        return response


def _undo() -> None:
    """Take back what the request had begun: the page's frame asks the database who is signed in,
    and must neither write the rest of it nor trip over what broke."""
    try:
        db.session.rollback()
    except SQLAlchemyError:
        _let_the_page_be_nobodys()


def _let_the_page_be_nobodys() -> None:
    """Who is signed in cannot be asked now, and the page's frame would ask."""
    g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]


def answer(status: int, title: str, message: str, what_to_do: str) -> ResponseReturnValue:
    """An error as JSON where a script asked, else as a page."""
    if wants_json():
        body = {"error": {"title": title, "message": message, "what_to_do": what_to_do}}
        return jsonify(body), status
    page = render_template(
        "error.html", status=status, title=title, message=message, what_to_do=what_to_do
    )
    return page, status


def wants_json() -> bool:
    """Whether the request comes from a script that reads JSON rather than from a page."""
    accepts = request.accept_mimetypes
    return request.is_json or accepts.best_match(["text/html", "application/json"]) == (
        "application/json"
    )


def _form_too_old() -> tuple[str, str, str]:
    return (
        "This page was open too long",
        "To keep you safe, we only take a form from a fresh page.",
        "Go back, reload the page, and send it again.",
    )


def _no_cookie() -> tuple[str, str, str]:
    """The page that held the form gave the browser a cookie, and it came back without."""
    return (
        "Your browser didn't keep our cookie",
        "Phonebank needs one small cookie to know that it's you, and your browser sent none.",
        "Open the link in Safari, Chrome or Firefox itself, not inside another app, and allow "
        "cookies for this site. If you only left the page open for days, go back and reload it.",
    )


def _too_large() -> tuple[int, str, str, str]:
    """What of the request is larger than which limit, and what to do about it."""
    most, sent = request.max_content_length, request.content_length or 0
    part = "The file or text you sent"
    if request.mimetype == "multipart/form-data" and most and sent <= most:
        # Within the limit for the whole: then it was one text beside a file, which memory holds.
        part, most = "One of the texts you sent", request.max_form_memory_size
    message = f"{part} is larger than the {_size(most)} this page takes."
    return 413, "Too large", message, "Split a file and send each part, or make a text shorter."


def _size(most: int | None) -> str:
    """A number of bytes in words."""
    if most is None:
        return "size"
    return f"{most // 1024**2} MB" if most >= 1024**2 else f"{most // 1000} kB"


def _words(code: int) -> tuple[int, str, str, str]:
    return code, *HTTP_WORDS.get(code, HTTP_WORDS[400])
