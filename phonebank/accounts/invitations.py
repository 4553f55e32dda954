"""Invitations by e-mail, each with a sign-in link. Nothing here commits."""

from datetime import timedelta

from sqlalchemy.dialects.postgresql import insert

from phonebank.accounts.accounts import create_account
from phonebank.accounts.sign_in_mail import send_link, sign_in_link
from phonebank.core.config import current_config
from phonebank.core.db import db
from phonebank.models import Account, Campaign, RoleName, campaign_host

# An invitation may wait over a weekend. A new account has nothing in it that a thief could read.
INVITATION_LIVES_FOR = timedelta(days=3)


def invite_host(campaign: Campaign, email: str, name: str) -> Account:
    """Let this person run parties for the campaign, and e-mail them an invitation.

    If the address has no account, this creates one. Raises the errors of `create_account`, and
    mail.MailNotSentError.
    """
    account = create_account(email, name, [RoleName.HOST])
    # Another invitation may insert the same row at the same moment.
    db.session.execute(
        insert(campaign_host)
        .values(campaign_id=campaign.id, account_id=account.id)
        .on_conflict_do_nothing()
    )
    db.session.expire(campaign, ["hosts"])
    send_invitation(
        account,
        f"You're invited to host phone parties for “{campaign.name}”, on behalf of\n"
        f"{campaign.on_behalf_of}.",
    )
    return account


def invite_organiser(email: str, name: str) -> Account:
    """Make this person an organiser, and e-mail them an invitation. Raises the errors of
    `invite_host`."""
    account = create_account(email, name, [RoleName.ORGANISER])
    send_invitation(account, "You're invited to organise campaigns with Phonebank.")
    return account


def send_invitation(account: Account, sentence: str, next: str = "/") -> None:
    """E-mail an invitation. `sentence` says what the person is invited to. The link leads to
    `next`, a path on this site.

    Raises mail.MailNotSentError.
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
