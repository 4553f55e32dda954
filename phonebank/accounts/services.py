"""What is done with accounts: make one, let it in, change what it may do, shut it.

Nothing here commits, and nothing is shown: pages and commands do that.
"""

import logging
import unicodedata
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask import current_app
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from phonebank.accounts import links, sessions
from phonebank.core import mail
from phonebank.core.config import Config, current_config
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import Account, Campaign, Role, RoleName, campaign_host

log = logging.getLogger(__name__)

# An invitation may wait over a weekend. The account it opens has nothing in it yet.
INVITATION_LIVES_FOR = timedelta(days=3)
EMAIL_AT_MOST = 255
NAME_AT_MOST = 80


def create_account(email: str, name: str, roles: Iterable[str]) -> Account:
    """The account of this address that may do what these roles may, made if there is none.

    A name already given stays. Raises InvalidInputError for an address that cannot be one or an
    unknown role, ConflictError for a deactivated account.
    """
    email = normal_email(email)
    datastore = _datastore()
    wanted = [_role(role) for role in roles]
    account = account_of(email) or _new_account(email, name, wanted)
    _lock(account)
    if not account.active:
        raise ConflictError(
            f"The account {email} is deactivated.", "Reactivate it on its page under People."
        )
    account.name = account.name or _name(name)
    for role in wanted:
        # An organiser may host as it is: a host who invites one must not sign them out.
        needless = role.name == RoleName.HOST and account.is_organiser
        if not needless and datastore.add_role_to_user(account, role):
            sign_out_everywhere(account)
    db.session.flush()
    return account


def account_of(email: str) -> Account | None:
    """The account with this address, however it is written, active or not."""
    try:
        email = normal_email(email)
    except InvalidInputError:
        email = email.strip().lower()
    return db.session.scalar(select(Account).where(Account.email == email))


def account_for(account_id: int) -> Account:
    """The account with this id. Raises NotFoundError."""
    account = db.session.get(Account, account_id)
    if account is None:
        raise NotFoundError("We can't find this account.", "Look for it under People.")
    return account


def people() -> list[Account]:
    """Everybody with an account: those who can come in first, then by name."""
    by = (Account.active.desc(), Account.name, Account.email)
    return list(db.session.scalars(select(Account).order_by(*by)))


def normal_email(email: str) -> str:
    """An address as it is stored: lower case, and of a form that could be delivered to.

    The part before the @ is case-sensitive on paper (RFC 5321 section 2.4) and on no server that
    people use. Raises InvalidInputError.
    """
    try:
        # Full-width letters and the like are letters that a keyboard wrote wide.
        plain = unicodedata.normalize("NFKC", email).strip()
        checked = validate_email(plain, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        checked = ""
    if not checked or len(checked) > EMAIL_AT_MOST:
        raise InvalidInputError(
            "That isn't an e-mail address.", "Type it like this: name@example.org."
        )
    return checked


def sign_in_link(
    account: Account,
    next: str = "/",
    lives_for: timedelta = links.LIVES_FOR,
    reusable: bool = False,
) -> str:
    """The whole address of a new link that signs the account in and leads to `next`.

    `reusable` as in links.token_for: for the demonstration, never in production.
    """
    token = links.token_for(account, next, lives_for, reusable)
    path = current_app.url_map.bind("").build("accounts.use_link", {"token": token})
    return _config().base_url + path


def send_sign_in_link(email: str, next: str = "/") -> None:
    """Send a link to the account with this address; do nothing when there is none, or it is shut.

    The caller is told the same either way. Raises mail.MailNotSentError.
    """
    account = account_of(email)
    if account is None or not account.active:
        return
    link = sign_in_link(account, next)
    minutes = links.LIVES_FOR // timedelta(minutes=1)
    hand_over(
        account,
        link,
        "Your link to sign in to Phonebank",
        f"This link signs you in to Phonebank:\n\n{link}\n\n"
        f"It works once, within {minutes} minutes. If you didn't ask for it, ignore this e-mail.\n"
        "Nobody can sign in without this link.\n",
    )


def invite_host(campaign: Campaign, email: str, name: str) -> Account:
    """Let this person run parties for the campaign, and tell them by e-mail with a link to begin.

    An account is made for an address that has none. Raises as create_account, and
    mail.MailNotSentError.
    """
    account = create_account(email, name, [RoleName.HOST])
    # Invited twice at once, they host it once.
    db.session.execute(
        insert(campaign_host)
        .values(campaign_id=campaign.id, account_id=account.id)
        .on_conflict_do_nothing()
    )
    db.session.expire(campaign, ["hosts"])
    invite(
        account,
        f"You're invited to host phone parties for “{campaign.name}”, on behalf of\n"
        f"{campaign.on_behalf_of}.",
    )
    return account


def invite_organiser(email: str, name: str) -> Account:
    """Make this person an organiser, and tell them by e-mail with a link to begin.

    Raises as invite_host.
    """
    account = create_account(email, name, [RoleName.ORGANISER])
    invite(account, "You're invited to organise campaigns with Phonebank.")
    return account


def hand_over(account: Account, link: str, subject: str, text: str) -> None:
    """Bring somebody their link: by mail or, where no mail server is set, on the console.

    On the console in development only: a public server's log is read by more people than the
    mailbox. Raises mail.MailNotSentError.
    """
    if mail.is_configured():
        greeting = f"Hello {account.name},\n\n" if account.name else "Hello,\n\n"
        mail.send(account.email, subject, greeting + text)
    elif _config().is_production:
        log.error("MAIL_SERVER is not set: a sign-in link was wanted and not sent.")
    else:
        print(f"Sign-in link for {account.email}: {link}", flush=True)


def rename(account: Account, name: str) -> None:
    """Change how the account is called on pages. Raises InvalidInputError for an empty name."""
    name = _name(name)
    if not name:
        raise InvalidInputError("Your name is empty.", "Type the name that others should see.")
    lock_row(account)
    account.name = name


def change_role(account: Account, role: str) -> None:
    """Make the account an organiser or a host, and nothing else; it has to sign in again.

    Raises InvalidInputError for another role, ConflictError when nobody would be left to organise.
    """
    wanted = _role(role)
    _lock(account)
    if role != RoleName.ORGANISER:
        _keep_an_organiser_besides(account)
    account.roles = [wanted]
    # An organiser needs a second factor, which a host's open session has not shown.
    sign_out_everywhere(account)


def deactivate(account: Account) -> None:
    """Shut the account: open sessions and unused links end with it. What it made stays.

    Raises ConflictError when nobody would be left to organise.
    """
    _lock(account)
    _keep_an_organiser_besides(account)
    account.active = False
    sign_out_everywhere(account)


def reactivate(account: Account) -> None:
    """Let a deactivated account in again."""
    _lock(account)
    account.active = True


def sign_out_everywhere(account: Account) -> None:
    """End the account's sessions in all browsers, its unused links, and the sign-ins that wait for
    a second factor."""
    _datastore().set_uniquifier(account)
    sessions.end_all(account)


def reset_second_factor(account: Account) -> None:
    """Forget the account's authenticator app and recovery codes, for somebody who lost both.

    Whoever signs in next with an e-mailed link sets up new ones, so be sure who is asking.
    """
    lock_row(account)
    datastore = _datastore()
    datastore.tf_reset(account)
    datastore.mf_set_recovery_codes(account, None)
    account.totp_step_used = None
    sign_out_everywhere(account)


def invite(account: Account, sentence: str, next: str = "/") -> None:
    """Send an invitation: `sentence` says to what, its link signs in and leads to `next`.

    Raises mail.MailNotSentError.
    """
    link = sign_in_link(account, next, lives_for=INVITATION_LIVES_FOR)
    days = INVITATION_LIVES_FOR // timedelta(days=1)
    hand_over(
        account,
        link,
        "You're invited to Phonebank",
        f"{sentence}\n\nStart here:\n\n{link}\n\n"
        f"The link works once, within {days} days. You don't need a password. To sign in later,\n"
        f"go to {_config().base_url}/sign-in and type this e-mail address.\n"
        "We'll send you a new link.\n",
    )


def _new_account(email: str, name: str, roles: list[Role]) -> Account:
    """An account of a new address; the one there is where somebody else makes it at this moment."""
    try:
        with db.session.begin_nested():
            account: Account = _datastore().create_user(
                email=email, name=_name(name), roles=[role.name for role in roles]
            )
        return account
    except IntegrityError:
        theirs = account_of(email)
        if theirs is None:
            raise
        return theirs


def _role(name: str) -> Role:
    """The role of this name, made if there is none. Raises InvalidInputError for a name we do not
    know."""
    if name not in list(RoleName):
        raise InvalidInputError(f"There is no role “{name}”.", f"Choose {' or '.join(RoleName)}.")
    called_so = select(Role).where(Role.name == name)
    role = db.session.scalar(called_so)
    if role is None:
        db.session.execute(insert(Role).values(name=name).on_conflict_do_nothing())
        role = db.session.scalars(called_so).one()
    return role


def _lock(account: Account) -> None:
    """Lock what the account may do. First that of all organisers: who leaves them no organiser
    counts the others, and two of them at the same moment take turns."""
    db.session.execute(
        select(Role).where(Role.name == RoleName.ORGANISER).with_for_update(key_share=True)
    )
    lock_row(account)


def _keep_an_organiser_besides(account: Account) -> None:
    others = (
        select(Account.id)
        .join(Account.roles)
        .where(Role.name == RoleName.ORGANISER, Account.active, Account.id != account.id)
        .limit(1)
    )
    if account.is_organiser and db.session.scalar(others) is None:
        raise ConflictError(
            f"{account.name or account.email} is the only organiser.",
            "Make another person an organiser first.",
        )


def _name(name: str) -> str:
    """A name as it is stored: one line, no spaces to spare, of a length that pages can show."""
    return " ".join(name.split())[:NAME_AT_MOST]


def _datastore() -> Any:
    # Flask-Security's UserDatastore, whose types know its own mixins and not our models.
    return current_app.extensions["security"].datastore


def _config() -> Config:
    return current_config()
