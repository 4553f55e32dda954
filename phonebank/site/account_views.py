"""The pages of the signed-in person's own account: the name, and the browsers that are signed
in."""

from datetime import timedelta

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user, logout_user

from phonebank.accounts import accounts, roles, sessions
from phonebank.core.access import SIGNED_IN, open_to
from phonebank.core.db import db
from phonebank.site.blueprint import pages
from phonebank.site.forms import NameForm
from phonebank.site.sign_in_views import sign_out


@pages.route("/account", methods=["GET", "POST"])
@open_to(SIGNED_IN)
def account() -> ResponseReturnValue:
    """Show the account's page. A POST changes the account's name."""
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
        held=roles.held_roles([current_user])[current_user.id],
        sessions=sessions.sessions_of(current_user),
        this_session=sessions.current_id(),
        hours=sessions.SIGNED_IN_FOR // timedelta(hours=1),
    )
    return page, status


@pages.post("/account/sessions/<int:session_id>/end")
@open_to(SIGNED_IN)
def end_session(session_id: int) -> ResponseReturnValue:
    """Sign the account out in the browser that this session belongs to."""
    if session_id == sessions.current_id():
        return sign_out()
    sessions.end_one(current_user, session_id)
    db.session.commit()
    flash("That browser is signed out.", "success")
    return redirect(url_for(".account"))


@pages.post("/account/sign-out-everywhere")
@open_to(SIGNED_IN)
def sign_out_everywhere() -> ResponseReturnValue:
    """Sign the account out in every browser, including this one."""
    sessions.sign_out_everywhere(current_user)
    db.session.commit()
    logout_user()
    flash("You're signed out everywhere.", "success")
    return redirect(url_for(".front"))
