"""The second factor's pages: Flask-Security's own views, at Phonebank's addresses."""

import time
from collections.abc import Callable
from functools import wraps

from flask import redirect, session, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from flask_security.recovery_codes import mf_recovery, mf_recovery_codes
from flask_security.tf_plugin import tf_clean_session
from flask_security.views import two_factor_setup, two_factor_token_validation

from phonebank.core.access import ANYONE, SIGNED_IN, open_to
from phonebank.core.rate_limits import limiter
from phonebank.site.blueprint import pages

View = Callable[..., ResponseReturnValue]

# After using a sign-in link, a person has this many seconds for the second factor. That is enough
# time to install an app.
SECOND_FACTOR_WITHIN = 15 * 60

# The key, in the session, of the moment (in seconds since 1970) until which these pages work.
DEADLINE = "second_factor_until"


def start_deadline() -> None:
    """Give this browser SECOND_FACTOR_WITHIN seconds for the second factor."""
    session[DEADLINE] = time.time() + SECOND_FACTOR_WITHIN


def _account_in_session() -> str:
    return str(session.get("tf_user_id") or session.get("_user_id") or "")


def _within_deadline(view: View) -> View:
    """Wrap a view of the second factor. The wrapped view works only until the browser's deadline
    for the second factor. It also limits how many codes can be guessed for an account.

    A signed-in person has no deadline. If a signed-in person opens a page of the second factor
    other than the setup page, and is not setting up an authenticator app, redirect to the account's
    page.
    """

    @wraps(view)
    def checked() -> ResponseReturnValue:
        if current_user.is_authenticated:
            # A browser that is signed in already does not need this page, and Flask-Security would
            # sign it out.
            needless = view is not two_factor_setup and "tf_totp_secret" not in session
            return redirect(url_for(".account")) if needless else view()
        if time.time() > session.get(DEADLINE, 0):
            tf_clean_session()
        return view()

    # For each account ten guesses an hour are allowed, from all addresses together. There are a
    # million possible codes.
    limit = limiter.limit("10 per hour", key_func=_account_in_session, methods=["POST"])
    return limit(checked)


def _route(path: str, endpoint: str, view: View, rule: str) -> None:
    pages.add_url_rule(path, endpoint, open_to(rule)(view), methods=["GET", "POST"])


# These pages are open to anyone, because a browser on the way to its sign-in is not signed in yet.
# Its session proves that it has just used a link.
_route(
    "/sign-in/second-factor",
    "two_factor_token_validation",
    _within_deadline(two_factor_token_validation),
    ANYONE,
)
_route("/sign-in/lost-phone", "mf_recovery", _within_deadline(mf_recovery), ANYONE)
_route("/account/second-factor", "two_factor_setup", _within_deadline(two_factor_setup), ANYONE)
_route("/account/recovery-codes", "mf_recovery_codes", mf_recovery_codes, SIGNED_IN)
# Flask-Security builds this address for a form that Phonebank's template leaves out.
pages.add_url_rule("/sign-in/lost-phone", "two_factor_rescue", build_only=True)
