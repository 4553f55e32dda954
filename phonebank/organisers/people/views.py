"""The organiser's pages about people: inviting them, changing their role, deactivating them."""

from flask import Blueprint, Flask, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from sqlalchemy import select
from wtforms.fields.choices import SelectChoice

from phonebank.accounts import accounts, invitations, roles, second_factor
from phonebank.audit.record import record_audit
from phonebank.core import mail
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.core.mail import MailNotSentError
from phonebank.models import Account, Campaign, RoleName
from phonebank.organisers.people.forms import InviteForm, RoleForm

pages = Blueprint("people", __name__, url_prefix="/people")


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(pages)


@pages.get("")
@open_to(RoleName.ORGANISER)
def everybody() -> ResponseReturnValue:
    """List everyone with an account."""
    return render_template("people/index.html", people=accounts.all_accounts())


@pages.route("/invite", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def invite() -> ResponseReturnValue:
    """Show the form that invites a host or an organiser. A POST sends the invitation."""
    form = InviteForm()
    campaigns = list(db.session.scalars(select(Campaign).order_by(Campaign.created_at.desc())))
    form.campaign.choices = [
        SelectChoice(str(campaign.id), campaign.name) for campaign in campaigns
    ] or [SelectChoice("0", "No campaigns yet")]
    if form.validate_on_submit():
        try:
            invited = _invite(form)
        except (InvalidInputError, ConflictError, MailNotSentError) as error:
            db.session.rollback()
            form.form_errors.append(f"{error.message} {error.what_to_do}")
        else:
            _audit("account invited", invited, role=form.role.data)
            db.session.commit()
            flash(_describe_invitation(invited), "success" if mail.is_configured() else "warning")
            return redirect(url_for(".everybody"))
    status = 422 if form.is_submitted() else 200
    return render_template("people/invite.html", form=form), status


def _invite(form: InviteForm) -> Account:
    email, name = form.email.data or "", form.name.data or ""
    if form.role.data != RoleName.HOST:
        return invitations.invite_organiser(email, name)
    campaign = db.session.get(Campaign, form.campaign.data)
    if campaign is None:
        raise ConflictError("A host needs a campaign.", "Create a campaign first.")
    return invitations.invite_host(campaign, email, name)


def _describe_invitation(account: Account) -> str:
    """Return how the invited person gets their sign-in link."""
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
    """Show one account: its campaigns, role and second factor."""
    account = accounts.account_for(account_id)
    role = account.roles[0].name if account.roles else RoleName.HOST
    hosted = select(Campaign).where(Campaign.hosts.contains(account)).order_by(Campaign.name)
    return render_template(
        "people/person.html",
        account=account,
        form=RoleForm(role=role),
        campaigns=list(db.session.scalars(hosted)),
    )


@pages.post("/<int:account_id>/role")
@open_to(RoleName.ORGANISER)
def change_role(account_id: int) -> ResponseReturnValue:
    """Give an account the role of an organiser or a host."""
    account = accounts.account_for(account_id)
    role = RoleForm().role.data or ""
    roles.change_role(account, role)
    _audit("role changed", account, role=role)
    a_role = f"{'an' if role == RoleName.ORGANISER else 'a'} {role}"
    return _commit(account, f"{account.name} is now {a_role} and has to sign in again.")


@pages.post("/<int:account_id>/deactivate")
@open_to(RoleName.ORGANISER)
def deactivate(account_id: int) -> ResponseReturnValue:
    """Deactivate an account."""
    account = accounts.account_for(account_id)
    accounts.deactivate(account)
    _audit("account deactivated", account)
    return _commit(account, f"{account.name} can no longer sign in.")


@pages.post("/<int:account_id>/reactivate")
@open_to(RoleName.ORGANISER)
def reactivate(account_id: int) -> ResponseReturnValue:
    """Reactivate an account."""
    account = accounts.account_for(account_id)
    accounts.reactivate(account)
    _audit("account reactivated", account)
    return _commit(account, f"{account.name} can sign in again.")


@pages.post("/<int:account_id>/second-factor")
@open_to(RoleName.ORGANISER)
def reset_second_factor(account_id: int) -> ResponseReturnValue:
    """Reset an account's second factor."""
    account = accounts.account_for(account_id)
    second_factor.reset_second_factor(account)
    _audit("second factor reset", account)
    return _commit(
        account, f"{account.name} will set up an authenticator app the next time they sign in."
    )


def _audit(action: str, account: Account, **after: object) -> None:
    record_audit(
        action,
        account=current_user,
        subject_kind="account",
        subject_id=account.id,
        after=after or None,
    )


def _commit(account: Account, message: str) -> ResponseReturnValue:
    """Commit, and redirect with the message to the account's page.

    After a change to their own account, an organiser goes to the front page, because they may no
    longer open the account's page.
    """
    own = account.id == current_user.id
    db.session.commit()
    flash(message, "success")
    return redirect(url_for("accounts.front") if own else url_for(".person", account_id=account.id))
