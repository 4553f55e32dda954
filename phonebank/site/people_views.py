"""People: who may sign in, and as what. For organisers."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from sqlalchemy import select
from wtforms.fields.choices import SelectChoice

from phonebank.accounts import accounts, invitations, roles, second_factor
from phonebank.core import mail
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.core.mail import MailNotSentError
from phonebank.models import Account, Campaign, RoleName
from phonebank.site.forms import InviteForm, RoleForm

pages = Blueprint("people", __name__, url_prefix="/people")


@pages.get("")
@open_to(RoleName.ORGANISER)
def everybody() -> ResponseReturnValue:
    return render_template("accounts/people.html", people=accounts.all_accounts())


@pages.route("/invite", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def invite() -> ResponseReturnValue:
    form = InviteForm()
    campaigns = list(db.session.scalars(select(Campaign).order_by(Campaign.created_at.desc())))
    form.campaign.choices = [
        SelectChoice(str(campaign.id), campaign.name) for campaign in campaigns
    ] or [SelectChoice("0", "No campaigns yet")]
    if form.validate_on_submit():
        try:
            invited = _invite(form)
        except (InvalidInputError, ConflictError, MailNotSentError) as fault:
            db.session.rollback()
            form.form_errors.append(f"{fault.message} {fault.what_to_do}")
        else:
            db.session.commit()
            flash(_how_they_hear(invited), "success" if mail.is_configured() else "warning")
            return redirect(url_for(".everybody"))
    status = 422 if form.is_submitted() else 200
    return render_template("accounts/invite.html", form=form), status


def _invite(form: InviteForm) -> Account:
    email, name = form.email.data or "", form.name.data or ""
    if form.role.data != RoleName.HOST:
        return invitations.invite_organiser(email, name)
    campaign = db.session.get(Campaign, form.campaign.data)
    if campaign is None:
        raise ConflictError("A host needs a campaign.", "Create a campaign first.")
    return invitations.invite_host(campaign, email, name)


def _how_they_hear(account: Account) -> str:
    who = account.name or account.email
    if mail.is_configured():
        return f"We've e-mailed {who} an invitation."
    return (
        f"{who} can sign in now, but this server can't send e-mail yet. The person who runs "
        f"the server can print a sign-in link with: phonebank links {account.email}"
    )


@pages.get("/<int:account_id>")
@open_to(RoleName.ORGANISER)
def person(account_id: int) -> ResponseReturnValue:
    account = accounts.account_for(account_id)
    role = account.roles[0].name if account.roles else RoleName.HOST
    hosting = select(Campaign).where(Campaign.hosts.contains(account)).order_by(Campaign.name)
    return render_template(
        "accounts/person.html",
        account=account,
        form=RoleForm(role=role),
        campaigns=list(db.session.scalars(hosting)),
    )


@pages.post("/<int:account_id>/role")
@open_to(RoleName.ORGANISER)
def change_role(account_id: int) -> ResponseReturnValue:
    account = accounts.account_for(account_id)
    role = RoleForm().role.data or ""
    roles.change_role(account, role)
    a_role = f"{'an' if role == RoleName.ORGANISER else 'a'} {role}"
    return _done(account, f"{account.name} is now {a_role} and has to sign in again.")


@pages.post("/<int:account_id>/deactivate")
@open_to(RoleName.ORGANISER)
def deactivate(account_id: int) -> ResponseReturnValue:
    account = accounts.account_for(account_id)
    accounts.deactivate(account)
    return _done(account, f"{account.name} can no longer sign in.")


@pages.post("/<int:account_id>/reactivate")
@open_to(RoleName.ORGANISER)
def reactivate(account_id: int) -> ResponseReturnValue:
    account = accounts.account_for(account_id)
    accounts.reactivate(account)
    return _done(account, f"{account.name} can sign in again.")


@pages.post("/<int:account_id>/second-factor")
@open_to(RoleName.ORGANISER)
def reset_second_factor(account_id: int) -> ResponseReturnValue:
    account = accounts.account_for(account_id)
    second_factor.reset_second_factor(account)
    return _done(
        account, f"{account.name} will set up an authenticator app the next time they sign in."
    )


def _done(account: Account, words: str) -> ResponseReturnValue:
    own = account.id == current_user.id
    db.session.commit()
    flash(words, "success")
    return redirect(url_for("accounts.front") if own else url_for(".person", account_id=account.id))
