"""Gives roles to accounts, and takes roles away. The functions of this module do not commit.

A person is an organiser or a viewer within a `Scope`: the whole installation, one chapter (a local
group) or one campaign. Within any one scope, an account has at most one of these two roles. The
role of host is given only in the whole installation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from phonebank.accounts.sessions import sign_out_everywhere
from phonebank.audit.record import record_audit
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError
from phonebank.core.locks import get_locked, lock_row
from phonebank.core.scopes import is_role_in
from phonebank.models import Account, Campaign, Chapter, Role, RoleName, ScopedRole, account_role


@dataclass(frozen=True)
class Scope:
    """Where an account has a role: in one chapter (a local group), in one campaign, or everywhere
    if both ids are None."""

    chapter_id: int | None = None
    campaign_id: int | None = None

    def __str__(self) -> str:
        """Return the scope as a form sends it: "everywhere", "chapter-3" or "campaign-4"."""
        if self.chapter_id is not None:
            return f"chapter-{self.chapter_id}"
        return f"campaign-{self.campaign_id}" if self.campaign_id is not None else "everywhere"


EVERYWHERE = Scope()
# The two roles that are held in a scope.
SCOPED_ROLES = (RoleName.ORGANISER, RoleName.VIEWER)


@dataclass(frozen=True)
class HeldRole:
    """A role of an account. `where` is the role's scope in words, or "" for the role of host."""

    role: RoleName
    scope: Scope
    where: str

    def __str__(self) -> str:
        return f"{self.role.capitalize()} of {self.where}" if self.where else "Host"


def parse_scope(text: str) -> Scope:
    """Return the scope that a form's value names. Raises InvalidInputError if the value names no
    scope."""
    kind, _, number = text.partition("-")
    if text == str(EVERYWHERE):
        return EVERYWHERE
    if kind not in ("chapter", "campaign") or not number.isdecimal() or int(number) >= 2**31:
        raise InvalidInputError("You can't give a role there.", "Choose one from the list.")
    return Scope(**{f"{kind}_id": int(number)})


def held_roles(accounts: Sequence[Account]) -> dict[int, list[HeldRole]]:
    """Return the roles of each account, by the account's id. Roles in the whole installation come
    first, then roles in chapters and in campaigns, and the role of host last."""
    held = {}
    for account in accounts:
        names = {role.name for role in account.roles}
        held[account.id] = [
            HeldRole(role, EVERYWHERE, "all campaigns") for role in SCOPED_ROLES if role in names
        ]
    in_parts = (
        select(ScopedRole, Chapter.name, Campaign.name)
        .outerjoin(Chapter, Chapter.id == ScopedRole.chapter_id)
        .outerjoin(Campaign, Campaign.id == ScopedRole.campaign_id)
        .where(ScopedRole.account_id.in_(list(held)))
        .order_by(Chapter.name, Campaign.name)
    )
    for scoped, chapter, campaign in db.session.execute(in_parts):
        scope = Scope(scoped.chapter_id, scoped.campaign_id)
        where = f"the chapter {chapter}" if chapter else f"the campaign {campaign}"
        held[scoped.account_id].append(HeldRole(scoped.role, scope, where))
    for account in accounts:
        if account.is_host:
            held[account.id].append(HeldRole(RoleName.HOST, EVERYWHERE, ""))
    return held


def people_of(campaign: Campaign) -> list[tuple[Account, RoleName, bool]]:
    """Return the roles that active accounts have in this campaign or in its chapter (its local
    group), sorted by the accounts' names. Each tuple has the account, the role, and whether the
    role is in the chapter.

    Organisers and viewers of the whole installation are left out.
    """
    query = (
        select(Account, ScopedRole.role, ScopedRole.chapter_id.is_not(None))
        .join(ScopedRole, ScopedRole.account_id == Account.id)
        .where(
            Account.active,
            is_role_in(campaign),
        )
        .order_by(Account.name, Account.email)
    )
    return [(account, role, of_chapter) for account, role, of_chapter in db.session.execute(query)]


def give_role(account: Account, role: str, scope: Scope, by: Account | None) -> bool:
    """Give the account this role in this scope. If the account did not have the role yet, sign the
    account out everywhere and return True. Otherwise return False.

    If the account is a viewer in the scope and becomes an organiser, or the reverse, the new role
    replaces the old role. `by` is the account of the person who gives the role, or None if a
    command or a job gives it. Raises InvalidInputError for an unknown role, or for the role of a
    host in a chapter or campaign. Raises NotFoundError for an unknown scope. Raises ConflictError
    for a deactivated account, or if no organiser of the whole installation would be left.
    """
    wanted = find_role(role)
    lock_account(account)
    require_active(account)
    before = _roles_in(account, scope)
    if wanted.name in before:
        return False
    if scope == EVERYWHERE:
        if wanted.name in SCOPED_ROLES:
            for other in before & set(SCOPED_ROLES):
                _take_everywhere(account, other)
        db.session.execute(
            insert(account_role)
            .values(account_id=account.id, role_id=wanted.id)
            .on_conflict_do_nothing()
        )
    else:
        _give_in_part(account, RoleName(role), scope)
    _finish(account, "role given", scope, by, {"role": role}, sorted(before))
    return True


def take_role(account: Account, role: str, scope: Scope, by: Account | None) -> None:
    """Take this role in this scope away from the account, and sign the account out everywhere.

    `by` is the account of the person who takes the role away, or None if a command takes it away.
    Raises InvalidInputError for an unknown role. Raises ConflictError if the account does not have
    the role in this scope, or is the last organiser of the whole installation.
    """
    find_role(role)
    lock_account(account)
    if scope == EVERYWHERE:
        taken = _take_everywhere(account, RoleName(role))
    else:
        statement = delete(ScopedRole).where(
            ScopedRole.role == role, *_row_of(account, scope)
        )  # fmt: skip
        taken = bool(db.session.execute(statement.returning(ScopedRole.id)).all())
    if not taken:
        raise ConflictError(
            f"{account.name or account.email} does not have this role any more.",
            "Reload the page to see what they may do now.",
        )
    _finish(account, "role taken away", scope, by, None, [role])


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
    """Lock the database row of the organiser role, then the account's row. Call this function
    before you change the account's roles or state.

    If two transactions each remove an organiser, the second waits here until the first has
    committed, and then counts the organisers who are left.
    """
    db.session.execute(
        select(Role).where(Role.name == RoleName.ORGANISER).with_for_update(key_share=True)
    )
    lock_row(account)


def require_active(account: Account) -> None:
    """Raise ConflictError for a deactivated account."""
    if not account.active:
        raise ConflictError(
            f"The account {account.email} is deactivated.",
            "Open the page Team, choose this account and reactivate it.",
        )


def require_other_organiser(account: Account) -> None:
    """Raise ConflictError if the account is the only active organiser of the whole installation.
    Call `lock_account` first."""
    if account.is_organiser and db.session.scalar(_other_organiser(account).limit(1)) is None:
        raise _only_organiser(account)


def _other_organiser(account: Account) -> Any:
    return (
        select(Account.id)
        .join(Account.roles)
        .where(Role.name == RoleName.ORGANISER, Account.active, Account.id != account.id)
    )


def _only_organiser(account: Account) -> ConflictError:
    return ConflictError(
        f"{account.name or account.email} is the only organiser of all campaigns.",
        "Make another person an organiser of all campaigns first.",
    )


def _row_of(account: Account, scope: Scope) -> tuple[Any, ...]:
    """Return the conditions on ScopedRole that find the account's row for this scope."""
    return (
        ScopedRole.account_id == account.id,
        ScopedRole.chapter_id.is_not_distinct_from(scope.chapter_id),
        ScopedRole.campaign_id.is_not_distinct_from(scope.campaign_id),
    )


def _roles_in(account: Account, scope: Scope) -> set[RoleName]:
    """Return the roles that the account has in this scope, according to the database."""
    if scope == EVERYWHERE:
        names = select(Role.name).join(account_role).where(account_role.c.account_id == account.id)
        return {RoleName(name) for name in db.session.scalars(names)}
    return set(db.session.scalars(select(ScopedRole.role).where(*_row_of(account, scope))))


def _give_in_part(account: Account, role: RoleName, scope: Scope) -> None:
    if role not in SCOPED_ROLES:
        raise InvalidInputError(
            "In a chapter or campaign, you can give only the roles organiser and viewer.",
            "Choose another role.",
        )
    if scope.chapter_id is not None:
        found: object = get_locked(Chapter, scope.chapter_id)
    else:
        found = db.session.get(Campaign, scope.campaign_id)
    if found is None:
        raise NotFoundError("This chapter or campaign does not exist.", "Reload the page.")
    column = ScopedRole.chapter_id if scope.chapter_id is not None else ScopedRole.campaign_id
    db.session.execute(
        insert(ScopedRole)
        .values(
            account_id=account.id,
            role=role,
            chapter_id=scope.chapter_id,
            campaign_id=scope.campaign_id,
        )
        .on_conflict_do_update(
            index_elements=[ScopedRole.account_id, column],
            index_where=column.is_not(None),
            set_={"role": role},
        )
    )


def _take_everywhere(account: Account, role: RoleName) -> bool:
    """Take this role in the whole installation away from the account. Return whether the account
    had the role. Raises ConflictError if no active organiser of the whole installation would be
    left."""
    this_row = tuple_(account_role.c.account_id, account_role.c.role_id).in_(
        select(account_role.c.account_id, account_role.c.role_id)
        .join(Role, Role.id == account_role.c.role_id)
        .where(account_role.c.account_id == account.id, Role.name == role)
    )
    statement = delete(account_role).where(this_row)
    if role == RoleName.ORGANISER:
        statement = statement.where(_other_organiser(account).exists())
    if db.session.execute(statement.returning(account_role.c.role_id)).all():
        return True
    if role == RoleName.ORGANISER and role in _roles_in(account, EVERYWHERE):
        raise _only_organiser(account)
    return False


def _finish(
    account: Account,
    action: str,
    scope: Scope,
    by: Account | None,
    after: dict[str, Any] | None,
    before: list[str],
) -> None:
    """Record the change of role in the audit (the record of what organisers did), and sign the
    account out everywhere.

    Without this sign-out, a host who becomes an organiser could stay signed in without the second
    factor that organisers need.
    """
    db.session.expire(account, ["roles", "scoped_roles"])
    campaign = db.session.get(Campaign, scope.campaign_id) if scope.campaign_id else None
    where = {"where": str(scope)}
    record_audit(
        action,
        account=by,
        campaign=campaign,
        subject_kind="account",
        subject_id=account.id,
        before={"roles": before} | where,
        after=after | where if after is not None else None,
    )
    sign_out_everywhere(account)
