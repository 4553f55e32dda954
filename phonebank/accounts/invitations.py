"""Lets people host parties, organise or view campaigns, and e-mails them invitations with a sign-in
link. The functions of this module do not commit."""

from datetime import timedelta

from sqlalchemy.dialects.postgresql import insert

from phonebank.accounts.accounts import create_account
from phonebank.accounts.roles import EVERYWHERE, Scope, give_role
from phonebank.accounts.sign_in_mail import send_link, sign_in_link
from phonebank.core.config import current_config
from phonebank.core.db import db
from phonebank.models import Account, Campaign, RoleName, campaign_host

# An invitation may wait over a weekend. A new account has nothing in it that a thief could read.
INVITATION_LIVES_FOR = timedelta(days=3)


def invite_host(campaign: Campaign, email: str, name: str, by: Account | None) -> Account:
    """Let this person run parties for the campaign, and e-mail them an invitation.

    If no account has this address, create one. Raises the errors of `create_account` and of
    `send_invitation`.
    """
    account = create_account(email, name, [RoleName.HOST], by)
    _add_host(campaign, account)
    send_invitation(
        account,
        f"You're invited to host phone parties for “{campaign.name}”, on behalf of\n"
        f"{campaign.on_behalf_of}.",
    )
    return account


def make_host(campaign: Campaign, account: Account, by: Account | None) -> None:
    """Let an existing account run parties for the campaign, but send no e-mail. Raises the errors
    of `roles.give_role`."""
    give_role(account, RoleName.HOST, EVERYWHERE, by)
    _add_host(campaign, account)


def _add_host(campaign: Campaign, account: Account) -> None:
    # Another request may insert the same row at the same moment.
    db.session.execute(
        insert(campaign_host)
        .values(campaign_id=campaign.id, account_id=account.id)
        .on_conflict_do_nothing()
    )
    db.session.expire(campaign, ["hosts"])


def invite_with_role(email: str, name: str, role: str, scope: Scope, by: Account | None) -> Account:
    """Make this person an organiser or a viewer in `scope`, and e-mail them an invitation. `scope`
    is a campaign, a chapter (a local group) or the whole installation.

    Raises the errors of `create_account`, `roles.give_role` and `send_invitation`.
    """
    account = create_account(email, name, [])
    give_role(account, role, scope, by)
    see = "organise campaigns" if role == RoleName.ORGANISER else "see the figures of campaigns"
    send_invitation(account, f"You're invited to {see} with Phonebank.")
    return account


def send_invitation(account: Account, sentence: str, next: str = "/") -> None:
    """E-mail an invitation. `sentence` says what the person is invited to. The sign-in link in the
    e-mail leads to `next`, a path on this site.

    Raises mail.MailNotSentError if a mail server is set but does not accept the e-mail (see
    `send_link`).
    """
    link = sign_in_link(account, next, lives_for=INVITATION_LIVES_FOR)
    days = INVITATION_LIVES_FOR // timedelta(days=1)
    send_link(
        account,
        link,
        "You're invited to Phonebank",
        f"{sentence}\n\nStart here:\n\n{link}\n\n"
        f"The link works once, within {days} days. You don't need a password. To sign in later,\n"
        f"go to {current_config().base_url}/sign-in and type this e-mail address.\n"
        "We'll send you a new link.\n",
    )
