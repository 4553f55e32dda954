"""The front page, and signing in and out."""

import logging

from flask import (
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

from phonebank.accounts import links, sign_in_mail
from phonebank.core.access import ANYONE, SIGNED_IN, open_to
from phonebank.core.after_response import run_after
from phonebank.core.db import db
from phonebank.core.error_pages import roll_back
from phonebank.core.rate_limits import limiter, typed_email_key
from phonebank.roster.devices import COOKIE_KEY, id_and_token
from phonebank.site.blueprint import pages
from phonebank.site.forms import SignInForm
from phonebank.site.second_factor_views import start_deadline

log = logging.getLogger(__name__)


@pages.get("/")
@open_to(ANYONE)
def front() -> ResponseReturnValue:
    """Show the front page. If the person is signed in, redirect to the campaigns instead. If the
    signed-in person may see no campaign, redirect to the person's parties."""
    if current_user.is_authenticated:
        return redirect(
            url_for("campaigns.index" if current_user.views_something else "parties.mine")
        )
    return render_template("accounts/front.html")


@pages.get("/sign-in")
@open_to(ANYONE)
def sign_in() -> ResponseReturnValue:
    """Show the form for asking for a sign-in link. On a caller's device, the page also shows how to
    go back to calling. If the person is already signed in, redirect to the page that `?next=`
    names, or to the front page if `?next=` names no page of this site."""
    next_path = links.path_on_this_site(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(next_path)
    return render_template(
        "accounts/sign_in.html",
        form=SignInForm(next=next_path),
        has_joined=id_and_token(session.get(COOKIE_KEY)) is not None,
    )


@pages.post("/sign-in")
@open_to(ANYONE)
@limiter.limit("10 per minute; 60 per hour")
# This limit counts the requests for one address from all senders together, so that strangers cannot
# fill a mailbox.
@limiter.limit("5 per 15 minutes", key_func=typed_email_key)
def ask_for_link() -> ResponseReturnValue:
    """E-mail a sign-in link to the typed address, if an active account has this address."""
    form = SignInForm()
    if not form.validate_on_submit():
        return render_template("accounts/sign_in.html", form=form), 422
    email, next_path = form.email.data or "", links.path_on_this_site(form.next.data)
    session["link_asked_for"] = email
    response = make_response(redirect(url_for(".link_sent")))
    run_after(response, lambda: sign_in_mail.send_sign_in_link(email, next_path))
    return response


@pages.get("/sign-in/sent")
@open_to(ANYONE)
def link_sent() -> ResponseReturnValue:
    """Show the page that follows the form for a sign-in link. The page is the same whether or not
    an account has the typed address."""
    return render_template(
        "accounts/link_sent.html",
        email=session.get("link_asked_for"),
        minutes=links.LIVES_FOR.seconds // 60,
    )


@pages.get("/sign-in/link/<token>")
@open_to(ANYONE)
def use_link(token: str) -> ResponseReturnValue:
    """Show the page that a sign-in link opens. The page names the account, and has a button to sign
    in. If the browser is already signed in to this account, redirect to the page that the link
    leads to.

    Opening the link does not sign anyone in, because mail scanners open links too. If a scanner's
    visit used the link up, the link would not work for the person.
    """
    link = links.read(token)
    if current_user.is_authenticated and current_user.id == link.account.id:
        return redirect(link.next)
    return render_template("accounts/use_link.html", account=link.account, token=token)


@pages.post("/sign-in/link/<token>")
@open_to(ANYONE)
@limiter.limit("30 per minute")
def come_in(token: str) -> ResponseReturnValue:
    """Mark the link as used, unless it is reusable. Sign out the browser's current account, if
    there is one. Then sign the link's account in, or ask for the second factor if the account needs
    one."""
    link = links.read(token)
    links.spend(link)
    if current_user.is_authenticated:
        logout_user()
    session["after_sign_in"] = link.next
    start_deadline()
    security = current_app.extensions["security"]
    second_factor = security.two_factor_plugins.tf_enter(link.account, False, "email", None)
    if not second_factor:
        login_user(link.account, authn_via=["email"])
    db.session.commit()
    return second_factor or redirect(url_for(".signed_in"))


@pages.errorhandler(links.LinkExpiredError)
def show_expired_link(error: links.LinkExpiredError) -> ResponseReturnValue:
    """Show the page for an expired link, with the form for asking for a new link."""
    roll_back()
    form = SignInForm(formdata=None, next="/")
    return render_template("accounts/link_expired.html", form=form), error.status


@pages.get("/signed-in")
@open_to(SIGNED_IN)
def signed_in() -> ResponseReturnValue:
    """Redirect a signed-in browser to the next page. The sign-in link that was just used says which
    page this is. Every sign-in ends with this redirect.

    If the account has an authenticator app but no recovery codes yet, redirect to the page of
    recovery codes first.
    """
    if current_user.tf_primary_method and not current_user.mf_recovery_codes:
        return redirect(url_for(".mf_recovery_codes"))
    return redirect(links.path_on_this_site(session.pop("after_sign_in", "/")))


@pages.post("/sign-out")
@open_to(ANYONE)
def sign_out() -> ResponseReturnValue:
    """Sign this browser out."""
    logout_user()
    flash("You're signed out.", "success")
    return redirect(url_for(".front"))
