"""Creates campaigns and changes their state, replaces their join links, and admits their callers.
The calling code commits."""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from phonebank.campaigns.checklist import checklist
from phonebank.core.db import db
from phonebank.core.erased import refuse_erased
from phonebank.core.errors import ConflictError, NotAllowedError, NotFoundError
from phonebank.core.locks import get_locked, lock_row
from phonebank.core.scopes import campaigns_within, may_organise_chapter
from phonebank.models import (
    Account,
    Campaign,
    CampaignState,
    Chapter,
    PaceFlag,
    RoleName,
)
from phonebank.roster import admit as admission

# The actions that each state allows: the verb on the button → the new state.
MOVES: dict[CampaignState, dict[str, CampaignState]] = {
    CampaignState.DRAFT: {"start": CampaignState.RUNNING},
    CampaignState.RUNNING: {"pause": CampaignState.PAUSED, "end": CampaignState.ENDED},
    CampaignState.PAUSED: {"resume": CampaignState.RUNNING, "end": CampaignState.ENDED},
    CampaignState.ENDED: {"reopen": CampaignState.PAUSED},
}


def campaigns_of(account: Account) -> Sequence[Campaign]:
    """Return the campaigns whose figures the account may see, newest first."""
    within = campaigns_within(account, RoleName.VIEWER)
    return db.session.scalars(select(Campaign).where(within).order_by(Campaign.id.desc())).all()


def create_campaign(account: Account, values: dict[str, Any]) -> Campaign:
    """Create a campaign as a draft. `values` has validated values for columns of Campaign, by name.

    Raises NotAllowedError if the account does not organise the chapter in `values`. If `values` has
    no chapter, the account must organise the whole installation. Raises NotFoundError if the
    chapter was deleted in the meantime.
    """
    if not may_organise_chapter(account, values.get("chapter_id")):
        raise NotAllowedError(
            "You can set up campaigns only in your own chapters.", "Choose one of your chapters."
        )
    chapter_id = values.get("chapter_id")
    # The lock waits for a transaction that is deleting the chapter.
    if chapter_id is not None and get_locked(Chapter, chapter_id) is None:
        raise NotFoundError("This chapter does not exist any more.", "Choose another.")
    campaign = Campaign(created_by_id=account.id, **values)
    db.session.add(campaign)
    db.session.flush()
    return campaign


def change_state(campaign: Campaign, verb: str) -> None:
    """Start, pause, resume, end or reopen the campaign. MOVES has the possible values of `verb` for
    each state.

    Raises ConflictError if `verb` is not possible in the campaign's current state. (The state may
    have changed since the page was shown.) Also raises ConflictError if `verb` is "start" and the
    campaign still needs something (`missing_parts`). The error is also raised if the campaign's
    personal data has been erased or is being erased.
    """
    lock_row(campaign)
    refuse_erased(campaign)
    target = MOVES[campaign.state].get(verb)
    if target is None:
        raise ConflictError(
            f"This campaign is {campaign.state}, so you cannot {verb} it.",
            "Reload the page to see what has changed.",
        )
    if verb == "start":
        missing = missing_parts(campaign)
        if missing:
            raise ConflictError(
                f"Not ready to start: {' '.join(missing)}", "Do that first, then start."
            )
    campaign.state = target


def missing_parts(campaign: Campaign) -> list[str]:
    """Return sentences that say what a draft campaign still needs before it can start."""
    return [
        sentence
        for step in checklist(campaign)
        if not step.done
        for sentence in (f"{step.title}.", *step.sentences)
    ]


def replace_join_link(campaign: Campaign) -> None:
    """Make a new link for callers. The old link stops working. Callers who have joined already stay
    in the campaign."""
    lock_row(campaign)
    campaign.join_token = secrets.token_urlsafe(12)


def admit(campaign: Campaign, caller_ids: list[int] | None) -> int:
    """Admit callers who joined with the campaign's own link and are waiting. Return how many were
    admitted.

    `caller_ids` has the callers to admit. If `caller_ids` is None, admit all who are waiting,
    except callers whom an organiser must admit individually (`Caller.held`). After the commit, the
    screens of the admitted callers continue automatically.
    """
    if caller_ids is None:
        return admission.admit_all(campaign)
    return admission.admit_some(campaign, caller_ids, for_organiser=True)


def count_flagged_callers(campaign: Campaign) -> int:
    """Return how many callers have gone over a limit on the pace of calls and have not yet been
    reviewed by an organiser."""
    query = select(func.count(PaceFlag.caller_id.distinct())).where(
        PaceFlag.campaign_id == campaign.id, PaceFlag.looked_at.is_(None)
    )
    return db.session.scalar(query) or 0
