"""Sets up Flask-Security for signing in and out, for roles and for the second factor.

`second_factor_views.py` adds routes for four of Flask-Security's pages. Flask-Security's other
pages have no route, so nobody can open them.
"""

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
from phonebank.core.access import ACCOUNT_RULES, rule_of
from phonebank.core.config import Config
from phonebank.core.content_negotiation import wants_json
from phonebank.core.db import db
from phonebank.core.errors import SignInRequiredError
from phonebank.models import Account, Role
from phonebank.site import (
    account_views,  # noqa: F401  (adds its pages to the blueprint)
    second_factor_views,  # noqa: F401  (adds its pages to the blueprint)
    sign_in_views,  # noqa: F401  (adds its pages to the blueprint)
)
from phonebank.site.blueprint import pages
from phonebank.site.forms import CodeForm, RecoveryCodeForm
from phonebank.site.security_settings import security_settings


def init_app(app: Flask, config: Config) -> None:
    """Add sign-in and mail to the app. Call this function after the CSRF protection is set up, and
    before `access.init_app`."""
    mail.init_app(app, config)
    app.config.update(security_settings(config))
    security = Security(
        app,
        FSQLALiteUserDatastore(db, Account, Role),
        register_blueprint=False,
        totp_cls=SingleUseTotp,
        mf_recovery_codes_util_cls=SingleUseRecoveryCodes,
        two_factor_verify_code_form=CodeForm,
        mf_recovery_form=RecoveryCodeForm,
    )
    # This switches Flask-Principal off. Flask-Principal would load the account at every request, to
    # make an identity. Nothing needs the identity, because access rules read the account itself.
    security.principal.identity_loaders.clear()
    security.want_json(lambda request: False)
    security.unauthn_handler(_require_sign_in)
    security.reauthn_handler(_require_recent_sign_in)
    _load_accounts_by_session(app, security)
    app.register_blueprint(pages)
    app.register_error_handler(SignInRequiredError, _redirect_to_sign_in)
    app.context_processor(_navigation_links)


def _load_accounts_by_session(app: Flask, security: Security) -> None:
    """Make Flask-Login find the account of a request only by the session in the browser's cookie.

    Every sign-in starts a session in `accounts.sessions`, and every sign-out ends that session,
    even on Flask-Security's own pages. If the account's second factor is changed or switched off,
    all its other sessions end.
    """
    manager = security.login_manager

    def load_account(uniquifier: str) -> Account | None:
        signed_in_at = session.get("fs_paa", 0)
        if time.time() - signed_in_at > SIGNED_IN_FOR.total_seconds():
            return None
        account = sessions.find(uniquifier)
        if account is not None:
            # Flask-Security reads these two attributes if a page needs a recent sign-in.
            set_request_attr("fs_authn_via", "session")
            set_request_attr("fs_paa", signed_in_at)
        return account

    manager.user_loader(load_account)
    # Flask-Security would also accept a token in a header or an address, but Phonebank issues no
    # such tokens.
    manager.request_loader(lambda request: None)

    def begin(_: Flask, user: Account, **__: Any) -> None:
        sessions.begin(user)

    def end(_: Flask, **__: Any) -> None:
        sessions.end_current()

    def end_others(_: Flask, user: Account, **__: Any) -> None:
        sessions.end_others(user)

    # No other code refers to these functions. With a weak reference, Python would delete them.
    user_authenticated.connect(begin, app, weak=False)
    user_logged_out.connect(end, app, weak=False)
    for changed in (tf_profile_changed, tf_disabled):
        changed.connect(end_others, app, weak=False)

    @app.before_request
    def note_use() -> None:
        # Without an account's id in the session, nobody is signed in, and nothing is loaded.
        is_page = request.endpoint != "static" and "_user_id" in session
        if is_page and current_user.is_authenticated:
            sessions.note_use()


def _require_sign_in(mechanisms: list[str], headers: dict[str, str] | None) -> ResponseValue:
    raise SignInRequiredError("This page is for organisers and hosts.", "Sign in, then come back.")


def _require_recent_sign_in(within: timedelta, grace: timedelta) -> ResponseValue:
    logout_user()
    flash("This page changes how you sign in. Please sign in again, so we know it's you.", "info")
    return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))


def _redirect_to_sign_in(error: SignInRequiredError) -> ResponseReturnValue:
    """If a browser without a signed-in account opens an organiser's or a host's page, redirect it
    to the sign-in page. After signing in, the person gets the page that they opened.

    Answer every other request with the error itself: for example, a request that sends a form, or
    one that comes from an API client or a caller.
    """
    needs_account = rule_of(current_app, request.endpoint or "") in ACCOUNT_RULES
    is_page = request.method == "GET" and "HX-Request" not in request.headers
    if not needs_account or not is_page or wants_json():
        return error_pages.answer_to(error)
    next_path = links.path_on_this_site(request.full_path.rstrip("?"))
    return redirect(url_for("accounts.sign_in", next=next_path))


def _navigation_links() -> dict[str, Any]:
    """Return the links at the top of base.html."""
    navigation: dict[str, Any] = {"sign_out_url": url_for("accounts.sign_out")}
    if not current_user.is_authenticated:
        return navigation
    nav_links = []
    if current_user.views_something:
        nav_links.append(("Campaigns", url_for("campaigns.index")))
    if current_user.organises_something:
        nav_links.append(("Find", url_for("find.show")))
    if current_user.is_host or current_user.organises_something:
        nav_links.append(("Parties", url_for("parties.mine")))
    if current_user.is_organiser:
        nav_links.append(("Team", url_for("people.everybody")))
    return navigation | {"nav_links": nav_links, "account_url": url_for("accounts.account")}
