"""Sets up Flask-Security for signing in and out, for roles and for the second factor.

`second_factor_views.py` routes four of its pages, on Phonebank's addresses. The other pages have no
route, so nothing needs to guard them.
"""

import base64
import hashlib
import time
from datetime import timedelta
from typing import Any

from flask import Flask, current_app, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue, ResponseValue
from flask_login import user_logged_out
from flask_security import (
    FSQLALiteUserDatastore,
    Security,
    current_user,
    logout_user,
    tf_disabled,
    tf_profile_changed,
    user_authenticated,
)
from flask_security.utils import set_request_attr

from phonebank.accounts import links, sessions
from phonebank.accounts.second_factor import SingleUseRecoveryCodes, SingleUseTotp
from phonebank.accounts.sessions import SIGNED_IN_FOR
from phonebank.core import error_pages, mail
from phonebank.core.access import SIGNED_IN, rule_of
from phonebank.core.config import Config
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db
from phonebank.core.errors import SignInRequiredError
from phonebank.models import Account, Role, RoleName
from phonebank.site import (
    account_views,  # noqa: F401  (adds its pages to the blueprint)
    second_factor_views,  # noqa: F401  (adds its pages to the blueprint)
    sign_in_views,  # noqa: F401  (adds its pages to the blueprint)
)
from phonebank.site.blueprint import pages
from phonebank.site.forms import CodeForm, RecoveryCodeForm

# A page that changes the second factor asks for a sign-in no older than this.
FRESH_FOR = timedelta(hours=1)
RECOVERY_CODES = 8
# Seconds by which a phone's clock may be wrong: one 30-second step either way, so that three of a
# million codes are valid at any moment.
CLOCK_SKEW = 30


def init_app(app: Flask, config: Config) -> None:
    """Give the app sign-in and mail. Call it after CSRF is set up and before access.init_app."""
    mail.init_app(app, config)
    app.config.update(_settings(config))
    security = Security(
        app,
        FSQLALiteUserDatastore(db, Account, Role),
        register_blueprint=False,
        totp_cls=SingleUseTotp,
        mf_recovery_codes_util_cls=SingleUseRecoveryCodes,
        two_factor_verify_code_form=CodeForm,
        mf_recovery_form=RecoveryCodeForm,
    )
    security.want_json(lambda request: False)
    security.unauthn_handler(_require_sign_in)
    security.reauthn_handler(_require_recent_sign_in)
    _load_accounts_by_session(app, security)
    app.register_blueprint(pages)
    app.register_error_handler(SignInRequiredError, _redirect_to_sign_in)
    app.context_processor(_navigation_links)


def _settings(config: Config) -> dict[str, Any]:
    key = base64.urlsafe_b64encode(hashlib.sha256(config.totp_secret.encode()).digest())
    return {
        # Flask-Security looks for its pages in the blueprint that routes them.
        "SECURITY_BLUEPRINT_NAME": "accounts",
        "SECURITY_CLI_USERS_NAME": None,
        "SECURITY_CLI_ROLES_NAME": None,
        "SECURITY_PASSWORD_SALT": config.password_salt,
        "SECURITY_API_ENABLED_METHODS": ["session"],
        "SECURITY_POST_LOGIN_VIEW": "accounts.signed_in",
        "SECURITY_FRESHNESS": FRESH_FOR,
        "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(minutes=10),
        "SECURITY_TWO_FACTOR": True,
        "SECURITY_TWO_FACTOR_REQUIRED": config.require_second_factor,
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_IMPLEMENTATIONS": {"code": "flask_security.twofactor.CodeTfPlugin"},
        "SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY": CLOCK_SKEW,
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TWO_FACTOR_ERROR_VIEW": "accounts.sign_in",
        "SECURITY_TWO_FACTOR_POST_SETUP_VIEW": "accounts.account",
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": True,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_N": RECOVERY_CODES,
        # These keys encrypt the recovery codes and the authenticator's secrets in the database.
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": [key],
        "SECURITY_TOTP_SECRETS": {"1": config.totp_secret},
        "SECURITY_TOTP_ISSUER": "Phonebank",
        "SECURITY_MSG_TWO_FACTOR_INVALID_TOKEN": (
            "That code isn't right. Wait for the next one, and check that your phone's clock "
            "is right.",
            "error",
        ),
        "SECURITY_MSG_INVALID_RECOVERY_CODE": (
            "That isn't one of your recovery codes, or you've already used it.",
            "error",
        ),
        "SECURITY_MSG_TWO_FACTOR_LOGIN_SUCCESSFUL": ("You're signed in.", "success"),
        "SECURITY_MSG_TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": (
            "You've set up your authenticator app.",
            "success",
        ),
        "SECURITY_MSG_TWO_FACTOR_DISABLED": ("Your second factor is off.", "success"),
        "SECURITY_MSG_TWO_FACTOR_PERMISSION_DENIED": (
            "That took too long. Ask for a new sign-in link.",
            "error",
        ),
    }


def _load_accounts_by_session(app: Flask, security: Security) -> None:
    """Load a request's account by its row in `accounts.sessions`, and in no other way.

    Every sign-in begins such a session and every sign-out ends it, also those that Flask-Security's
    own pages do.
    """
    manager = security.login_manager

    def load_account(uniquifier: str) -> Account | None:
        signed_in_at = session.get("fs_paa", 0)
        if time.time() - signed_in_at > SIGNED_IN_FOR.total_seconds():
            return None
        account = sessions.find(uniquifier)
        if account is not None:
            # Flask-Security reads these where a page needs a recent sign-in.
            set_request_attr("fs_authn_via", "session")
            set_request_attr("fs_paa", signed_in_at)
        return account

    manager.user_loader(load_account)
    # Flask-Security also accepts a token in a header or an address, and Phonebank issues none.
    manager.request_loader(lambda request: None)

    def begin(_: Flask, user: Account, **__: Any) -> None:
        sessions.begin(user)

    def end(_: Flask, **__: Any) -> None:
        sessions.end_current()

    def end_others(_: Flask, user: Account, **__: Any) -> None:
        sessions.end_others(user)

    # Nothing else refers to these functions, so a weak reference would lose them.
    user_authenticated.connect(begin, app, weak=False)
    user_logged_out.connect(end, app, weak=False)
    for changed in (tf_profile_changed, tf_disabled):
        changed.connect(end_others, app, weak=False)

    @app.before_request
    def note_use() -> None:
        if request.endpoint != "static" and current_user.is_authenticated:
            sessions.note_use()


def _require_sign_in(mechanisms: list[str], headers: dict[str, str] | None) -> ResponseValue:
    raise SignInRequiredError("This page is for organisers and hosts.", "Sign in, then come back.")


def _require_recent_sign_in(within: timedelta, grace: timedelta) -> ResponseValue:
    logout_user()
    flash("This page changes how you sign in. Please sign in again, so we know it's you.", "info")
    return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))


def _redirect_to_sign_in(error: SignInRequiredError) -> ResponseReturnValue:
    """Send a browser that opens an organiser's or host's page to sign in, and back afterwards.

    API clients, forms and callers, who have no account, get the error itself.
    """
    needs_account = rule_of(current_app, request.endpoint or "") in (
        SIGNED_IN,
        RoleName.HOST,
        RoleName.ORGANISER,
    )
    is_page = request.method == "GET" and "HX-Request" not in request.headers
    if not needs_account or not is_page or wants_json():
        return error_pages.answer_to(error)
    flash(error.message, "info")
    next_path = links.path_on_this_site(request.full_path.rstrip("?"))
    return redirect(url_for("accounts.sign_in", next=next_path))


def _navigation_links() -> dict[str, Any]:
    """The links at the top of base.html."""
    navigation: dict[str, Any] = {"sign_out_url": url_for("accounts.sign_out")}
    if not current_user.is_authenticated:
        return navigation
    nav_links = [("Parties", url_for("parties.mine"))]
    if current_user.is_organiser:
        campaigns = ("Campaigns", url_for("campaigns.index"))
        nav_links = [campaigns, *nav_links, ("People", url_for("people.everybody"))]
    return navigation | {"nav_links": nav_links, "account_url": url_for("accounts.account")}
