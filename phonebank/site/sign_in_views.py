"""The front page, signing in and out, and one's own account."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import wraps

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_security import current_user, login_user, logout_user
from flask_security.recovery_codes import mf_recovery, mf_recovery_codes
from flask_security.tf_plugin import tf_clean_session
from flask_security.views import two_factor_setup, two_factor_token_validation

from phonebank.accounts import accounts, links, sessions, sign_in_mail
from phonebank.core.access import ANYONE, SIGNED_IN, open_to
from phonebank.core.db import db
from phonebank.core.email_address import normalise_email
from phonebank.core.errors import InvalidInputError
from phonebank.core.mail import MailNotSentError
from phonebank.core.rate_limits import limiter, typed_key
from phonebank.site.forms import NameForm, SignInForm

log = logging.getLogger(__name__)

pages = Blueprint("accounts", __name__, template_folder="templates")

# Seconds from the use of a link to the end of the second factor; time to install an app.
SECOND_FACTOR_WITHIN = 15 * 60


@pages.get("/")
@open_to(ANYONE)
def front() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(_home())
    return render_template("accounts/front.html")


@pages.get("/sign-in")
@open_to(ANYONE)
def sign_in() -> ResponseReturnValue:
    wanted = links.path_on_this_site(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(wanted)
    return render_template("accounts/sign_in.html", form=SignInForm(next=wanted))


def _asked_email() -> str:
    email = request.form.get("email", "")
    with suppress(InvalidInputError):  # no mailbox has it, and the form says so
        email = normalise_email(email)
    return typed_key(email)


@pages.post("/sign-in")
@open_to(ANYONE)
@limiter.limit("10 per minute; 60 per hour")
# Whoever asks: so that nobody's mailbox is filled by a stranger.
@limiter.limit("5 per 15 minutes", key_func=_asked_email)
def ask_for_link() -> ResponseReturnValue:
    form = SignInForm()
    if not form.validate_on_submit():
        return render_template("accounts/sign_in.html", form=form), 422
    email, wanted = form.email.data or "", links.path_on_this_site(form.next.data)
    session["link_asked_for"] = email
    response = make_response(redirect(url_for(".link_sent")))
    _after(response, lambda: sign_in_mail.send_sign_in_link(email, wanted))
    return response


def _after(response: Response, action: Callable[[], None]) -> None:
    """Do it once the response is on its way: then its time does not tell whether there is an
    account to send to, and nobody waits for the mail server."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    @response.call_on_close
    def act() -> None:
        with app.app_context():
            try:
                action()
            except MailNotSentError:
                pass  # mail.py has logged it; there is nobody left to tell
            except Exception as error:
                log.error("a sign-in link was not sent: %s", type(error).__name__)


@pages.get("/sign-in/sent")
@open_to(ANYONE)
def link_sent() -> ResponseReturnValue:
    return render_template(
        "accounts/link_sent.html",
        email=session.get("link_asked_for"),
        minutes=links.LIVES_FOR.seconds // 60,
    )


@pages.get("/sign-in/link/<token>")
@open_to(ANYONE)
def use_link(token: str) -> ResponseReturnValue:
    """Says who would come in, and waits for a click: programs that look through mail open links
    too, and must not use them up."""
    link = links.read(token)
    if current_user.is_authenticated and current_user.id == link.account.id:
        return redirect(link.next)
    return render_template("accounts/use_link.html", account=link.account, token=token)


@pages.post("/sign-in/link/<token>")
@open_to(ANYONE)
@limiter.limit("30 per minute")
def come_in(token: str) -> ResponseReturnValue:
    link = links.read(token)
    links.spend(link)
    if current_user.is_authenticated:
        logout_user()
    session["after_sign_in"] = link.next
    session["second_factor_until"] = time.time() + SECOND_FACTOR_WITHIN
    security = current_app.extensions["security"]
    second_factor = security.two_factor_plugins.tf_enter(link.account, False, "email", None)
    if not second_factor:
        login_user(link.account, authn_via=["email"])
    db.session.commit()
    return second_factor or redirect(url_for(".signed_in"))


@pages.errorhandler(links.LinkExpiredError)
def link_is_over(error: links.LinkExpiredError) -> ResponseReturnValue:
    form = SignInForm(formdata=None, next="/")
    return render_template("accounts/link_over.html", form=form), error.status


@pages.get("/signed-in")
@open_to(SIGNED_IN)
def signed_in() -> ResponseReturnValue:
    """Where every sign-in ends: on to what was wanted, after making recovery codes if need be."""
    if current_user.tf_primary_method and not current_user.mf_recovery_codes:
        return redirect(url_for(".mf_recovery_codes"))
    return redirect(links.path_on_this_site(session.pop("after_sign_in", "/")))


@pages.post("/sign-out")
@open_to(ANYONE)
def sign_out() -> ResponseReturnValue:
    logout_user()
    flash("You're signed out.", "success")
    return redirect(url_for(".front"))


@pages.route("/account", methods=["GET", "POST"])
@open_to(SIGNED_IN)
def account() -> ResponseReturnValue:
    form = NameForm(obj=current_user)
    if form.validate_on_submit():
        accounts.rename(current_user, form.name.data or "")
        db.session.commit()
        flash("Saved.", "success")
        return redirect(url_for(".account"))
    status = 422 if form.is_submitted() else 200
    page = render_template(
        "accounts/account.html",
        form=form,
        sessions=sessions.sessions_of(current_user),
        this_session=sessions.current_id(),
        hours=sessions.SIGNED_IN_FOR // timedelta(hours=1),
    )
    return page, status


@pages.post("/account/sessions/<int:session_id>/end")
@open_to(SIGNED_IN)
def end_session(session_id: int) -> ResponseReturnValue:
    if session_id == sessions.current_id():
        return sign_out()
    sessions.end_one(current_user, session_id)
    db.session.commit()
    flash("That browser is signed out.", "success")
    return redirect(url_for(".account"))


@pages.post("/account/sign-out-everywhere")
@open_to(SIGNED_IN)
def sign_out_everywhere() -> ResponseReturnValue:
    sessions.sign_out_everywhere(current_user)
    db.session.commit()
    logout_user()
    flash("You're signed out everywhere.", "success")
    return redirect(url_for(".front"))


def _account_at_second_factor() -> str:
    return str(session.get("tf_user_id") or session.get("_user_id") or "")


View = Callable[..., ResponseReturnValue]


def _soon_after_link(view: View) -> View:
    """Flask-Security's pages between link and sign-in, for the minutes after the link's use."""

    @wraps(view)
    def checked() -> ResponseReturnValue:
        if current_user.is_authenticated:
            # Flask-Security signs out whoever opens the page for a code without need.
            asked_for_nothing = view is not two_factor_setup and "tf_totp_secret" not in session
            return redirect(url_for(".account")) if asked_for_nothing else view()
        if time.time() > session.get("second_factor_until", 0):
            tf_clean_session()
        return view()

    # Guesses count for each account, wherever they come from: ten an hour of a million.
    limit = limiter.limit("10 per hour", key_func=_account_at_second_factor, methods=["POST"])
    return limit(checked)


def _route_library_page(path: str, endpoint: str, view: View, rule: str) -> None:
    pages.add_url_rule(path, endpoint, open_to(rule)(view), methods=["GET", "POST"])


# The pages before sign-in prove by their session that a link has just been used.
_route_library_page(
    "/sign-in/second-factor",
    "two_factor_token_validation",
    _soon_after_link(two_factor_token_validation),
    ANYONE,
)
_route_library_page("/sign-in/lost-phone", "mf_recovery", _soon_after_link(mf_recovery), ANYONE)
_route_library_page(
    "/account/second-factor", "two_factor_setup", _soon_after_link(two_factor_setup), ANYONE
)
_route_library_page("/account/recovery-codes", "mf_recovery_codes", mf_recovery_codes, SIGNED_IN)
# Flask-Security names this page in a form that our template leaves out, and wants its address.
pages.add_url_rule("/sign-in/lost-phone", "two_factor_rescue", build_only=True)


def _home() -> str:
    return url_for("campaigns.index" if current_user.is_organiser else "parties.mine")
