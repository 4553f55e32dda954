"""Creates, finds, renames, deactivates and reactivates accounts. The functions of this module do
not commit."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from phonebank.accounts.datastore import datastore
from phonebank.accounts.roles import (
    EVERYWHERE,
    give_role,
    lock_account,
    require_active,
    require_other_organiser,
)
from phonebank.accounts.sessions import sign_out_everywhere
from phonebank.core.db import db
from phonebank.core.email_address import normalise_email
from phonebank.core.errors import InvalidInputError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import Account, RoleName

NAME_AT_MOST = 80  # characters, as many as the column holds


def create_account(
    email: str, name: str, roles: Iterable[str], by: Account | None = None
) -> Account:
    """Give these roles in the whole installation to the account with this address, and return the
    account. If there is no such account, create it.

    `name` is stored only if the account is new or has no name yet. An organiser of the whole
    installation is not given the role of host, because an organiser may host without this role.
    `by` is the account of the person who gives the roles, or None if a command gives them. Raises
    InvalidInputError for a malformed address or an unknown role. Raises ConflictError for a
    deactivated account, or if no organiser of the whole installation would be left.
    """
    email = normalise_email(email)
    account = account_of(email) or _insert_account(email, name)
    lock_account(account)
    require_active(account)
    account.name = account.name or _clean_name(name)
    for role in roles:
        # An organiser may host without that role, so their role stays. A change of role would sign
        # them out, and a host who invites an organiser must not cause that.
        if not (role == RoleName.HOST and account.is_organiser):
            give_role(account, role, EVERYWHERE, by)
    db.session.flush()
    return account


def account_of(email: str) -> Account | None:
    """Return the account with this e-mail address, even if it is deactivated, or None if there is
    no such account. The address need not be normalised."""
    try:
        email = normalise_email(email)
    except InvalidInputError:
        email = email.strip().lower()
    return db.session.scalar(select(Account).where(Account.email == email))


def account_for(account_id: int) -> Account:
    """Return the account with this id. Raises NotFoundError if there is none."""
    account = db.session.get(Account, account_id)
    if account is None:
        raise NotFoundError("We can't find this account.", "Look for it on the page Team.")
    return account


def all_accounts() -> list[Account]:
    """Return all accounts with their roles. Active accounts come first, then deactivated accounts.
    Each group is sorted by name."""
    order = (Account.active.desc(), Account.name, Account.email)
    query = select(Account).options(selectinload(Account.roles)).order_by(*order)
    return list(db.session.scalars(query))


def rename(account: Account, name: str) -> None:
    """Change the name that pages show for the account. A name longer than NAME_AT_MOST characters
    is cut. Raises InvalidInputError if the new name is empty."""
    name = _clean_name(name)
    if not name:
        raise InvalidInputError("Your name is empty.", "Type the name that others should see.")
    lock_row(account)
    account.name = name


def deactivate(account: Account) -> None:
    """Deactivate the account, end its open sessions, and make its unused sign-in links invalid.

    The account's campaigns and parties stay. Raises ConflictError if no active organiser of the
    whole installation would be left.
    """
    lock_account(account)
    require_other_organiser(account)
    account.active = False
    sign_out_everywhere(account)


def reactivate(account: Account) -> None:
    """Let a deactivated account sign in again."""
    lock_account(account)
    account.active = True


def _insert_account(email: str, name: str) -> Account:
    """Create and return an account with this address, or return the account that another
    transaction has just created."""
    try:
        with db.session.begin_nested():
            account: Account = datastore().create_user(
                email=email, name=_clean_name(name), roles=[]
            )
        return account
    except IntegrityError:
        existing = account_of(email)
        if existing is None:
            raise
        return existing


def _clean_name(name: str) -> str:
    """Return the name on one line, without extra spaces, cut to NAME_AT_MOST characters."""
    return " ".join(name.split())[:NAME_AT_MOST]
