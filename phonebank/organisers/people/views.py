"""The pages on which an organiser invites people, gives and takes away roles, and deactivates
accounts."""

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from sqlalchemy import select

from phonebank.accounts import accounts, invitations, roles, second_factor
from phonebank.audit.record import record_audit
from phonebank.core import mail
from phonebank.core.access import open_to
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError
from phonebank.core.mail import MailNotSentError
from phonebank.models import Account, Campaign, RoleName, Volunteer
from phonebank.organisers.people.forms import InviteForm, RoleForm

pages = Blueprint("people", __name__, url_prefix="/people")


def init_app(app: Flask) -> None:
    """Add the pages."""
    app.register_blueprint(pages)


@pages.get("")
@open_to(RoleName.ORGANISER)
def everybody() -> ResponseReturnValue:
    """List everyone with an account, and their roles."""
    people = accounts.all_accounts()
    return render_template("people/index.html", people=people, held=roles.held_roles(people))


@pages.route("/invite", methods=["GET", "POST"])
@open_to(RoleName.ORGANISER)
def invite() -> ResponseReturnValue:
    """Show the form that invites a host, a viewer or an organiser. A POST gives the person the
    role, and e-mails the invitation if this server can send e-mail."""
    form = InviteForm(**_suggested())
    if form.validate_on_submit():
        try:
            invited = _invite(form)
        except (InvalidInputError, ConflictError, NotFoundError, MailNotSentError) as error:
            db.session.rollback()
            form.form_errors.append(f"{error.message} {error.what_to_do}")
        else:
            _audit("account invited", invited, role=form.role.data)
            db.session.commit()
            flash(_describe_invitation(invited), "success" if mail.is_configured() else "warning")
            return redirect(url_for(".everybody"))
    status = 422 if form.is_submitted() else 200
    return render_template("people/invite.html", form=form, has_mail=mail.is_configured()), status


def _suggested() -> dict[str, str]:
    """If `?volunteer=` is the id of a volunteer, return that volunteer's data as first values for
    the form. Otherwise, return {}. The page of parties and hosts links to this page for each
    volunteer who is ready to organise a campaign. The link contains the ids of the volunteer and
    the campaign, because no page's address may contain an e-mail address."""
    volunteer_id = request.args.get("volunteer", type=int)
    volunteer = db.session.get(Volunteer, volunteer_id) if volunteer_id else None
    if volunteer is None:
        return {}
    return {
        "name": volunteer.first_name,
        "email": volunteer.email,
        "role": RoleName.ORGANISER,
        "where": str(roles.Scope(campaign_id=request.args.get("campaign", type=int))),
    }


def _invite(form: InviteForm) -> Account:
    email, name, scope = form.email.data or "", form.name.data or "", form.scope
    if form.role.data != RoleName.HOST:
        return invitations.invite_with_role(email, name, form.role.data, scope, current_user)
    return invitations.invite_host(_campaign_of(scope), email, name, current_user)


def _campaign_of(scope: roles.Scope) -> Campaign:
    campaign = db.session.get(Campaign, scope.campaign_id) if scope.campaign_id else None
    if campaign is None:
        raise NotFoundError("This campaign does not exist.", "Choose another.")
    return campaign


def _describe_invitation(account: Account) -> str:
    """Return a sentence that says how the invited person gets their sign-in link."""
    who = account.name or account.email
    if mail.is_configured():
        return f"We've e-mailed {who} an invitation."
    return (
        f"{who} needs a sign-in link, but this server can't send e-mail yet. The person who runs "
        f"the server can print a link with: phonebank links {account.email}"
    )


@pages.get("/<int:account_id>")
@open_to(RoleName.ORGANISER)
def person(account_id: int) -> ResponseReturnValue:
    """Show one account: its roles, the campaigns for which it may host parties, and its second
    factor."""
    return _show(accounts.account_for(account_id), RoleForm())


def _show(account: Account, form: RoleForm) -> str:
    hosted = select(Campaign).where(Campaign.hosts.contains(account)).order_by(Campaign.name)
    return render_template(
        "people/person.html",
        account=account,
        held=roles.held_roles([account])[account.id],
        form=form,
        campaigns=list(db.session.scalars(hosted)),
    )


@pages.post("/<int:account_id>/roles")
@open_to(RoleName.ORGANISER)
def give_role(account_id: int) -> ResponseReturnValue:
    """Give an account a role in the whole installation, a chapter (a local group) or a campaign.
    The role of host is for one campaign only."""
    account = accounts.account_for(account_id)
    form = RoleForm()
    if not form.validate():
        return _show(account, form), 422
    name, role = account.name or account.email, form.role.data
    if role == RoleName.HOST:
        campaign = _campaign_of(form.scope)
        invitations.make_host(campaign, account, current_user)
        record_audit(
            "host added",
            account=current_user,
            campaign=campaign,
            subject_kind="account",
            subject_id=account.id,
        )
        return _commit(account, f"{name} can host parties for “{campaign.name}” now.")
    if not roles.give_role(account, role, form.scope, current_user):
        return _commit(account, f"{name} has this role already.", "info")
    return _commit(account, f"{name} has the new role, and has to sign in again.")


@pages.post("/<int:account_id>/roles/take")
@open_to(RoleName.ORGANISER)
def take_role(account_id: int) -> ResponseReturnValue:
    """Take one role away from an account."""
    account = accounts.account_for(account_id)
    scope = roles.parse_scope(request.form.get("where", ""))
    roles.take_role(account, request.form.get("role", ""), scope, current_user)
    said = f"{account.name or account.email} no longer has this role"
    return _commit(account, f"{said}, and has to sign in again." if account.active else f"{said}.")


@pages.post("/<int:account_id>/deactivate")
@open_to(RoleName.ORGANISER)
def deactivate(account_id: int) -> ResponseReturnValue:
    """Deactivate an account."""
    account = accounts.account_for(account_id)
    accounts.deactivate(account)
    _audit("account deactivated", account)
    return _commit(account, f"{account.name or account.email} can no longer sign in.")


@pages.post("/<int:account_id>/reactivate")
@open_to(RoleName.ORGANISER)
def reactivate(account_id: int) -> ResponseReturnValue:
    """Reactivate an account."""
    account = accounts.account_for(account_id)
    accounts.reactivate(account)
    _audit("account reactivated", account)
    return _commit(account, f"{account.name or account.email} can sign in again.")


@pages.post("/<int:account_id>/second-factor")
@open_to(RoleName.ORGANISER)
def reset_second_factor(account_id: int) -> ResponseReturnValue:
    """Reset an account's second factor."""
    account = accounts.account_for(account_id)
    second_factor.reset_second_factor(account)
    _audit("second factor reset", account)
    who = account.name or account.email
    if account.organises_something:
        said = f"{who} will set up an authenticator app the next time they sign in."
    else:
        said = f"{who} is signed out, and can sign in without an authenticator app."
    return _commit(account, said)


def _audit(action: str, account: Account, **after: object) -> None:
    record_audit(
        action,
        account=current_user,
        subject_kind="account",
        subject_id=account.id,
        after=after or None,
    )


def _commit(account: Account, message: str, kind: str = "success") -> ResponseReturnValue:
    """Commit, and redirect to the account's page. The next page shows the message.

    An organiser who has changed their own account is redirected to the front page. The change may
    have taken away their right to open the account's page.
    """
    own = account.id == current_user.id
    db.session.commit()
    flash(message, kind)
    return redirect(url_for("accounts.front") if own else url_for(".person", account_id=account.id))
