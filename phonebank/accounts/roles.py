"""An account's role, organiser or host. Nothing here commits."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from phonebank.accounts.sessions import sign_out_everywhere
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.core.locks import lock_row
from phonebank.models import Account, Role, RoleName


def change_role(account: Account, role: str) -> None:
    """Replace the account's roles by this one, and sign the account out everywhere.

    Raises InvalidInputError for an unknown role, ConflictError if no organiser would be left.
    """
    wanted = find_role(role)
    lock_account(account)
    if role != RoleName.ORGANISER:
        require_other_organiser(account)
    account.roles = [wanted]
    # An organiser needs a second factor, but the account may have signed in as a host without one.
    sign_out_everywhere(account)


def find_role(name: str) -> Role:
    """Return the role's row. Insert the row if it is missing. Raises InvalidInputError for an
    unknown role."""
    if name not in list(RoleName):
        raise InvalidInputError(f"There is no role “{name}”.", f"Choose {' or '.join(RoleName)}.")
    with_this_name = select(Role).where(Role.name == name)
    role = db.session.scalar(with_this_name)
    if role is None:
        db.session.execute(insert(Role).values(name=name).on_conflict_do_nothing())
        role = db.session.scalars(with_this_name).one()
    return role


def lock_account(account: Account) -> None:
    """Lock the organisers' role, then the account, before its role or its state changes.

    If two transactions each remove an organiser, the second waits here. So it counts the organisers
    after the first has committed.
    """
    db.session.execute(
        select(Role).where(Role.name == RoleName.ORGANISER).with_for_update(key_share=True)
    )
    lock_row(account)


def require_other_organiser(account: Account) -> None:
    """Raise ConflictError if the account is the only active organiser. Call `lock_account`
    first."""
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
