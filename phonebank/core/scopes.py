"""Decides what an account may organise or view: the whole installation, a chapter (a local group),
or one campaign.

Every view for organisers or viewers uses `campaign_for` to load the campaign that the page's
address names. If the address names a campaign, `core/access.py` also calls `campaign_for` before
the view runs.
"""

from sqlalchemy import ColumnElement, exists, or_, select, true

from phonebank.core.db import db
from phonebank.core.errors import NotAllowedError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import Account, Campaign, Chapter, RoleName, ScopedRole


def role_in(account: Account, campaign: Campaign) -> RoleName | None:
    """Return the account's role in a campaign: ORGANISER, VIEWER or None.

    A role in the whole installation or in the campaign's chapter (its local group) counts too. If
    the account is both organiser and viewer, return ORGANISER.
    """
    if account.is_organiser:
        return RoleName.ORGANISER
    held = {
        scoped.role
        for scoped in account.scoped_roles
        if scoped.campaign_id == campaign.id
        or (scoped.chapter_id is not None and scoped.chapter_id == campaign.chapter_id)
    }
    if RoleName.ORGANISER in held:
        return RoleName.ORGANISER
    return RoleName.VIEWER if held or account.has_role(RoleName.VIEWER) else None


def is_role_in(campaign: Campaign) -> ColumnElement[bool]:
    """Return an SQL condition on `ScopedRole`: the role is in this campaign, or in the campaign's
    chapter (its local group)."""
    in_campaign = ScopedRole.campaign_id == campaign.id
    if campaign.chapter_id is None:
        # A comparison with None would find every role that is in no chapter.
        return in_campaign
    return or_(in_campaign, ScopedRole.chapter_id == campaign.chapter_id)


def may_organise(account: Account, campaign: Campaign) -> bool:
    """Whether the account has the organiser's role in this campaign (see `role_in`)."""
    return role_in(account, campaign) == RoleName.ORGANISER


def may_organise_chapter(account: Account, chapter_id: int | None) -> bool:
    """Whether the account is an organiser of this whole chapter (a local group). For campaigns
    without a chapter, `chapter_id` is None, and the account must organise the whole
    installation."""
    return account.is_organiser or (
        chapter_id is not None
        and any(
            scoped.role == RoleName.ORGANISER and scoped.chapter_id == chapter_id
            for scoped in account.scoped_roles
        )
    )


def campaign_for(
    account: Account,
    campaign_id: int,
    to_change: bool = False,
    role: RoleName = RoleName.ORGANISER,
) -> Campaign:
    """Return the campaign with this id, if the account has this role in it. With `to_change`, lock
    the campaign's row.

    An organiser also counts as a viewer. Raises NotFoundError if there is no such campaign. The
    same error is raised for a campaign that the account may not see at all, so that nobody learns
    which campaigns exist. Raises NotAllowedError for a viewer of the campaign if `role` is
    ORGANISER.
    """
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is not None and to_change:
        lock_row(campaign)
    held = role_in(account, campaign) if campaign is not None else None
    if campaign is None or held is None:
        raise NotFoundError(
            "We can't find this campaign among yours.",
            "Ask an organiser of the campaign to let you see it.",
        )
    if held != RoleName.ORGANISER and role == RoleName.ORGANISER:
        raise NotAllowedError(
            "This page is for the campaign's organisers.",
            "If you need something from it, ask an organiser.",
        )
    return campaign


def campaigns_within(account: Account, role: RoleName = RoleName.ORGANISER) -> ColumnElement[bool]:
    """Return an SQL condition on Campaign that is true if the account has this role in the campaign
    (see `role_in`)."""
    if account.is_organiser or (role == RoleName.VIEWER and account.has_role(RoleName.VIEWER)):
        return true()
    within = select(ScopedRole.id).where(
        ScopedRole.account_id == account.id,
        or_(ScopedRole.campaign_id == Campaign.id, ScopedRole.chapter_id == Campaign.chapter_id),
    )
    if role == RoleName.ORGANISER:
        within = within.where(ScopedRole.role == RoleName.ORGANISER)
    return exists(within.correlate(Campaign))


def chapters_within(account: Account) -> list[Chapter]:
    """Return the chapters (local groups) in which the account organises every campaign, sorted by
    name."""
    query = select(Chapter).order_by(Chapter.name)
    if not account.is_organiser:
        query = query.join(ScopedRole, ScopedRole.chapter_id == Chapter.id).where(
            ScopedRole.account_id == account.id, ScopedRole.role == RoleName.ORGANISER
        )
    return list(db.session.scalars(query))
