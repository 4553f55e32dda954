"""Sign-in links as complete addresses, and the e-mails that contain them."""

import logging
from datetime import timedelta

from phonebank.accounts import links
from phonebank.accounts.accounts import account_of
from phonebank.core import mail
from phonebank.core.config import current_config
from phonebank.core.links import link_to
from phonebank.models import Account

log = logging.getLogger(__name__)


def sign_in_link(
    account: Account,
    next: str = "/",
    lives_for: timedelta = links.LIVES_FOR,
    reusable: bool = False,
) -> str:
    """Return the address of a new link that signs the account in and leads to `next`.

    A `reusable` link works any number of times until it expires, but never in production: see
    `links.token_for`.
    """
    token = links.token_for(account, next, lives_for, reusable)
    return link_to("accounts.use_link", token=token)


def send_sign_in_link(email: str, next: str = "/") -> None:
    """If this e-mail address belongs to an active account, e-mail a sign-in link to it. Otherwise
    do nothing.

    The function returns None in both cases, so the calling code cannot show whether the address has
    an account. Raises the error of `send_link`.
    """
    account = account_of(email)
    if account is None or not account.active:
        return
    link = sign_in_link(account, next)
    minutes = links.LIVES_FOR // timedelta(minutes=1)
    send_link(
        account,
        link,
        "Your link to sign in to Phonebank",
        f"This link signs you in to Phonebank:\n\n{link}\n\n"
        f"It works once, within {minutes} minutes. If you didn't ask for it, ignore this e-mail.\n"
        "Nobody else can sign in as you without this link.\n",
    )


def send_link(account: Account, link: str, subject: str, text: str) -> None:
    """E-mail a text that contains a sign-in link. If no mail server is set, print the link instead.

    In production without a mail server, only log an error. The link is not printed there, because
    more people can read a public server's log than the person's mailbox. Raises
    mail.MailNotSentError if a mail server is set but does not accept the e-mail.
    """
    if mail.is_configured():
        greeting = f"Hello {account.name},\n\n" if account.name else "Hello,\n\n"
        mail.send(account.email, subject, greeting + text)
    elif current_config().is_production:
        log.error("MAIL_SERVER is not set: a sign-in link was wanted and not sent.")
    else:
        print(f"Sign-in link for {account.email}: {link}", flush=True)
