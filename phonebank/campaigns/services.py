"""What may be done with a campaign. The page that asks commits."""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.models import (
    Account,
    Caller,
    CallerState,
    Campaign,
    CampaignState,
    ContactList,
    ListState,
    PaceFlag,
    campaign_host,
)
from phonebank.roster import admit as admission

# What an organiser may do in each state: the verb on the button, and the state it leads to.
MOVES: dict[CampaignState, dict[str, CampaignState]] = {
    CampaignState.DRAFT: {"start": CampaignState.RUNNING},
    CampaignState.RUNNING: {"pause": CampaignState.PAUSED, "end": CampaignState.ENDED},
    CampaignState.PAUSED: {"resume": CampaignState.RUNNING, "end": CampaignState.ENDED},
    CampaignState.ENDED: {"reopen": CampaignState.PAUSED},
}


def campaigns_of(account: Account) -> Sequence[Campaign]:
    """The campaigns an account may see, newest first: all for organisers, a host's own."""
    query = select(Campaign).order_by(Campaign.id.desc())
    if not account.is_organiser:
        query = query.join(campaign_host).where(campaign_host.c.account_id == account.id)
    return db.session.scalars(query).all()


def campaign_for(account: Account, campaign_id: int, to_change: bool = False) -> Campaign:
    """The campaign, for somebody who may change it; `to_change` locks it.

    Raises NotFoundError for everyone else, so that nobody learns which campaigns there are.
    """
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is None or not account.is_organiser:
        raise NotFoundError("This campaign does not exist.", "Go back to the list of campaigns.")
    if to_change:
        lock_row(campaign)
    return campaign


def create_campaign(account: Account, values: dict[str, Any]) -> Campaign:
    """A new campaign, in draft. `values` are checked columns of Campaign."""
    campaign = Campaign(created_by_id=account.id, **values)
    db.session.add(campaign)
    db.session.flush()
    return campaign


def change_state(campaign: Campaign, verb: str) -> None:
    """Start, pause, resume, end or reopen. Raises ConflictError when it makes no sense now,
    whatever a page last showed, and when a campaign would start with nobody to call or nothing to
    say."""
    lock_row(campaign)
    target = MOVES[campaign.state].get(verb)
    if target is None:
        raise ConflictError(
            f"This campaign is {campaign.state}, so you cannot {verb} it.",
            "Reload the page to see it now.",
        )
    if verb == "start":
        missing = missing_parts(campaign)
        if missing:
            raise ConflictError(
                f"Not ready to start: {' '.join(missing)}", "Do that first, then start."
            )
    campaign.state = target


def missing_parts(campaign: Campaign) -> list[str]:
    """What a draft still needs before callers can start, one sentence each."""
    missing = []
    if not has_people(campaign):
        missing.append("Upload a list of people to call.")
    if campaign.script_id is None:
        missing.append("Choose a script.")
    return missing


def has_people(campaign: Campaign) -> bool:
    """Whether any list of the campaign is in."""
    return (
        db.session.scalar(
            select(ContactList.id)
            .where(ContactList.campaign_id == campaign.id, ContactList.state == ListState.READY)
            .limit(1)
        )
        is not None
    )


def replace_join_link(campaign: Campaign) -> None:
    """Give callers a new link; the old one stops working, those inside stay."""
    lock_row(campaign)
    campaign.join_token = secrets.token_urlsafe(12)


def waiting_callers(campaign: Campaign) -> Sequence[Caller]:
    """Those who came by the campaign's own link and wait to be let in, first come first."""
    return db.session.scalars(
        select(Caller)
        .where(
            Caller.campaign_id == campaign.id,
            Caller.party_id.is_(None),
            Caller.state == CallerState.WAITING,
        )
        .order_by(Caller.id)
        .limit(200)
    ).all()


def admit(campaign: Campaign, caller_ids: list[int] | None) -> int:
    """Let in those of these callers who wait at the campaign's own door (None: all of them, except
    who is held until an organiser names them); how many. Their screens go on by themselves."""
    if caller_ids is None:
        return admission.admit_all(campaign)
    return admission.admit_some(campaign, caller_ids, for_organiser=True)


def set_door(campaign: Campaign, is_open: bool) -> None:
    """Leave the door open for whoever has the link (those waiting come in), or close it."""
    lock_row(campaign)
    campaign.door_open = is_open
    if is_open:
        admit(campaign, None)


def count_flagged_callers(campaign: Campaign) -> int:
    """How many callers went past a budget of theirs since an organiser last looked at them."""
    query = select(func.count(PaceFlag.caller_id.distinct())).where(
        PaceFlag.campaign_id == campaign.id, PaceFlag.looked_at.is_(None)
    )
    return db.session.scalar(query) or 0
