"""Turns each kind of error into a page, into JSON for our own JavaScript, or into problem JSON for
API clients (see `problems`).

If PostgreSQL, Redis or the machine fails (see `store_errors`), the answer is a 503 that explains
what happened. Each 503 says when to try again.
"""

import logging
import math
import random
import time
import traceback

from flask import Flask, Response, current_app, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from phonebank.core import problems, store_errors
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError, PhonebankError, ServiceUnavailableError
from phonebank.core.phonebank_headers import STALE_FORM
from phonebank.core.rate_limits import limiter

log = logging.getLogger(__name__)

# The shortest and the longest wait, in whole seconds. The wait is random, so that clients that were
# refused at the same moment do not all return at the same moment.
RETRY_AFTER = (2, 9)

# HTTP errors that Flask and its extensions raise: title, message, what to do.
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
    415: ("That can't be used", "This address takes another kind of content.", "Send JSON."),
    429: (
        "Too many tries",
        "There were too many tries.",
        "Wait a minute. If that doesn't help, wait an hour.",
    ),
}


def init_app(app: Flask) -> None:
    """Make the app answer every kind of error with a page or, for API clients and our own
    JavaScript, with JSON."""
    app.register_error_handler(PhonebankError, _handle_our_error)
    app.register_error_handler(CSRFError, _handle_stale_form)
    app.register_error_handler(RateLimitExceeded, _handle_rate_limit)
    app.register_error_handler(HTTPException, _handle_http_error)
    app.register_error_handler(DataError, _handle_unstorable_value)
    app.register_error_handler(Exception, _handle_unforeseen)
    for kind in store_errors.KINDS:
        app.register_error_handler(kind, _handle_store_error)
    app.after_request(_add_retry_after)


def answer_to(error: PhonebankError) -> ResponseReturnValue:
    """Return the answer to an error. An API request gets problem JSON (RFC 9457), any other request
    that wants JSON gets plain JSON, and all others get a page."""
    if problems.is_for_api():
        faults = error.faults if isinstance(error, InvalidInputError) else ()
        return problems.problem(error.status, error.title, error.message, error.what_to_do, faults)
    return _answer(error.status, error.title, error.message, error.what_to_do)


def _answer(status: int, title: str, message: str, what_to_do: str) -> ResponseReturnValue:
    if problems.is_for_api():
        return problems.problem(status, title, message, what_to_do)
    if wants_json():
        body = {"error": {"title": title, "message": message, "what_to_do": what_to_do}}
        return jsonify(body), status
    page = render_template(
        "error.html", status=status, title=title, message=message, what_to_do=what_to_do
    )
    return page, status


def _handle_our_error(error: PhonebankError) -> ResponseReturnValue:
    roll_back()
    return answer_to(error)


def _handle_stale_form(error: CSRFError) -> ResponseReturnValue:
    has_cookie = current_app.config["SESSION_COOKIE_NAME"] in request.cookies
    response = current_app.make_response(
        _answer(400, *(_FORM_TOO_OLD if has_cookie else _NO_COOKIE))
    )
    response.headers[STALE_FORM] = "1"
    return response


def _handle_rate_limit(error: RateLimitExceeded) -> ResponseReturnValue:
    title, message, what_to_do = _words_for(429)
    own_message = error.limit.error_message
    message = (own_message() if callable(own_message) else own_message) or message
    seconds = None
    if limiter.current_limit:
        seconds = max(1, math.ceil(limiter.current_limit.reset_at - time.time()))
        what_to_do = _describe_wait(seconds)
    answer = current_app.make_response(_answer(429, title, message, what_to_do))
    if problems.is_for_api() and seconds is not None:
        answer.headers["Retry-After"] = str(seconds)
    return answer


def _describe_wait(seconds: int) -> str:
    minutes = max(1, math.ceil((seconds - 1) / 60))  # Flask-Limiter adds a second
    return "Wait a minute." if minutes == 1 else f"Wait {minutes} minutes."


def _handle_http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or error.code is None or error.code < 400:
        return error
    return _answer(error.code, *(_too_large() if error.code == 413 else _words_for(error.code)))


def _handle_unstorable_value(error: DataError) -> ResponseReturnValue:
    # A number is too large for any id, or the text has a character that PostgreSQL cannot store.
    log.warning("the database refused a value at %s", request.endpoint)
    roll_back()
    if any("\0" in value for value in request.values.values()):
        return answer_to(InvalidInputError(*_NULL_CHARACTER))
    status = 404 if request.method == "GET" else 400
    return _answer(status, *_words_for(status))


def _handle_unforeseen(error: Exception) -> ResponseReturnValue:
    if current_app.testing or current_app.debug:
        raise error
    # The log gets the place in the code. It does not get the error's own text, which may quote a
    # name or a number.
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("unforeseen %s at %s\n%s", type(error).__name__, request.endpoint, where)
    roll_back()
    return _answer(
        500,
        PhonebankError.title,
        "That's our fault, not yours.",
        "Try again. If it happens again, tell your organiser what you were doing.",
    )


def _handle_store_error(error: Exception) -> ResponseReturnValue:
    words = store_errors.words_for(error)
    if words is None:
        return _handle_unforeseen(error)
    # The driver's own text may quote a statement's values, so it stays out of the log.
    log.error("%s: %s", words.in_log, store_errors.kind_of(error))
    roll_back()
    _treat_as_signed_out()
    return _answer(503, ServiceUnavailableError.title, words.message, words.what_to_do)


def _add_retry_after(response: Response) -> Response:
    if response.status_code == 503:
        seconds = random.randint(*RETRY_AFTER)  # noqa: S311
        response.headers.setdefault("Retry-After", str(seconds))
    return response


def roll_back() -> None:
    """Roll back everything that the request has not committed. Never raises an error of the
    database, so every error handler may call it.

    The error page's layout asks the database who is signed in. Without the rollback, that query
    could fail in the broken transaction. If the rollback fails because PostgreSQL is unavailable,
    the user is treated as signed out.
    """
    try:
        db.session.rollback()
    except SQLAlchemyError:
        _treat_as_signed_out()


def _treat_as_signed_out() -> None:
    """Treat the user of this request as anonymous.

    Otherwise the page's layout would load the signed-in account from the database, which may be
    unavailable.
    """
    g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]


# People paste this invisible character without noticing it, for example from a PDF file.
_NULL_CHARACTER = (
    "A text you sent has a null character in it. It is invisible, and we can't store it.",
    "Go back, delete the text and type it again instead of pasting it.",
)
_FORM_TOO_OLD = (
    "This page was open too long",
    "To keep you safe, we accept a form only from a page that was loaded recently.",
    "Go back, reload the page, and send it again.",
)
# The browser got a cookie with the page that held the form, but sent the form without the cookie.
_NO_COOKIE = (
    "Your browser didn't keep our cookie",
    "Phonebank needs one small cookie to know that it's you, and your browser didn't send it.",
    "Open the link in Safari, Chrome or Firefox itself, not inside another app, and allow "
    "cookies for this site. If you only left the page open for days, go back and reload it.",
)


def _too_large() -> tuple[str, str, str]:
    """Return the title, the message and the advice to show if a request is larger than its
    limit."""
    most, sent = request.max_content_length, request.content_length or 0
    part = "The file or text you sent"
    if request.mimetype == "multipart/form-data" and most and sent <= most:
        # The whole request is within its limit, so a text beside a file must have exceeded the
        # limit on memory.
        part, most = "One of the texts you sent", request.max_form_memory_size
    message = f"{part} is larger than the {_size(most)} this page takes."
    return "Too large", message, "Split a file and send each part, or make a text shorter."


def _size(most: int | None) -> str:
    """Return a size limit in words, or “size” if there is no limit."""
    if most is None:
        return "size"
    return f"{most // 1024**2} MB" if most >= 1024**2 else f"{most // 1000} kB"


def _words_for(status: int) -> tuple[str, str, str]:
    return HTTP_WORDS.get(status, HTTP_WORDS[400])
