"""Flask-Security, set up for what we use of it: signing in and out, roles and the second factor.

Of its pages only four are served, on addresses of ours (see `sign_in_pages.py`): the rest of it
does not exist here, because a page that is not routed needs no guarding.
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
from phonebank.site import sign_in_views
from phonebank.site.forms import CodeForm, RecoveryCodeForm

# What changes the second factor itself asks for a sign-in no older than this.
FRESH_FOR = timedelta(hours=1)
RECOVERY_CODES = 8
# Seconds by which a phone's clock may be wrong. One 30-second step either way: three codes in a
# million are right at any moment.
CLOCK_SKEW = 30


def init_app(app: Flask, config: Config) -> None:
    """Give the app sign-in and mail. Before access.init_app, after csrf."""
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
    security.unauthn_handler(_say_who_you_are)
    security.reauthn_handler(_say_again_who_you_are)
    _trust_only_our_sessions(app, security)
    app.register_blueprint(sign_in_views.pages)
    app.register_error_handler(SignInRequiredError, _to_the_sign_in_page)
    app.context_processor(_navigation)


def _settings(config: Config) -> dict[str, Any]:
    key = base64.urlsafe_b64encode(hashlib.sha256(config.totp_secret.encode()).digest())
    return {
        # Its pages are routed in our blueprint, and it looks for them there.
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
        # Recovery codes and authenticator secrets are encrypted at rest.
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


def _trust_only_our_sessions(app: Flask, security: Security) -> None:
    """Load accounts by the sessions that `sessions` keeps, and by nothing else; begin one at each
    sign-in and end it with each sign-out, whoever asks for them."""
    manager = security.login_manager

    def load_account(uniquifier: str) -> Account | None:
        signed_in_at = session.get("fs_paa", 0)
        if time.time() - signed_in_at > SIGNED_IN_FOR.total_seconds():
            return None
        account = sessions.find(uniquifier)
        if account is not None:
            # What Flask-Security asks where a recent sign-in is needed.
            set_request_attr("fs_authn_via", "session")
            set_request_attr("fs_paa", signed_in_at)
        return account

    manager.user_loader(load_account)
    # Flask-Security would also take a token from a header or the address; none is ever issued.
    manager.request_loader(lambda request: None)

    def begin(_: Flask, user: Account, **__: Any) -> None:
        sessions.begin(user)

    def end(_: Flask, **__: Any) -> None:
        sessions.end_current()

    def end_others(_: Flask, user: Account, **__: Any) -> None:
        sessions.end_others(user)

    # Not weak, as these functions have no other owner.
    user_authenticated.connect(begin, app, weak=False)
    user_logged_out.connect(end, app, weak=False)
    for changed in (tf_profile_changed, tf_disabled):
        changed.connect(end_others, app, weak=False)

    @app.before_request
    def note_use() -> None:
        if request.endpoint != "static" and current_user.is_authenticated:
            sessions.note_use()


def _say_who_you_are(mechanisms: list[str], headers: dict[str, str] | None) -> ResponseValue:
    raise SignInRequiredError("This page is for organisers and hosts.", "Sign in, then come back.")


def _say_again_who_you_are(within: timedelta, grace: timedelta) -> ResponseValue:
    logout_user()
    flash("This page changes how you sign in. Please sign in again, so we know it's you.", "info")
    return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))


def _to_the_sign_in_page(error: SignInRequiredError) -> ResponseReturnValue:
    """Somebody who opens an organiser's or host's page is asked to sign in, and brought back.

    Scripts and forms are told, and so are callers, who have nothing to sign in with.
    """
    ours = rule_of(current_app, request.endpoint or "") in (
        SIGNED_IN,
        RoleName.HOST,
        RoleName.ORGANISER,
    )
    is_page = request.method == "GET" and "HX-Request" not in request.headers
    if not ours or not is_page or wants_json():
        return error_pages.answer_to(error)
    flash(error.message, "info")
    wanted = links.path_on_this_site(request.full_path.rstrip("?"))
    return redirect(url_for("accounts.sign_in", next=wanted))


def _navigation() -> dict[str, Any]:
    """What base.html shows at its top."""
    navigation: dict[str, Any] = {"sign_out_url": url_for("accounts.sign_out")}
    if not current_user.is_authenticated:
        return navigation
    pages = [("Parties", url_for("parties.mine"))]
    if current_user.is_organiser:
        campaigns = ("Campaigns", url_for("campaigns.index"))
        pages = [campaigns, *pages, ("People", url_for("people.everybody"))]
    return navigation | {"nav_links": pages, "account_url": url_for("accounts.account")}
