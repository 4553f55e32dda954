"""Stops callers, lets paused callers continue, and records organisers' actions on callers. The
functions of this module do not commit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from phonebank.audit.record import record_audit
from phonebank.core.db import db
from phonebank.models import Account, Caller, CallerAction, CallerActionKind, Campaign, PaceFlag
from phonebank.roster import blocked_addresses, pace, remove

REASON_AT_MOST = 300  # characters
SHOWN_AT_MOST = 100
_IN_AUDIT = {
    CallerActionKind.STOPPED: "caller stopped",
    CallerActionKind.WENT_ON: "caller resumed",
    CallerActionKind.SET_ASIDE: "calls set aside",
    CallerActionKind.BROUGHT_BACK: "calls brought back",
}


def stop(caller: Caller, account: Account, reason: str, at: datetime, **figures: Any) -> None:
    """Remove a caller from the campaign, on every device. After the commit, other callers can get
    the contact that was on the caller's screen.

    For a day, newcomers from the caller's address must wait until an organiser admits them. If the
    address is not known, the door of the caller's party or campaign is closed instead, so that all
    newcomers there must wait. Raises NotFoundError if the caller has already been removed.
    """
    known = caller.address is not None
    remove.remove_anywhere(caller, close_door=not known)
    blocked_addresses.stop_address(caller, at)
    _mark_reviewed(caller, account, at)
    record_action(caller, account, CallerActionKind.STOPPED, reason, at, **figures)


def record_action(
    caller: Caller, account: Account, action: str, reason: str, at: datetime, **figures: Any
) -> None:
    """Record an organiser's action on a caller, both in `models.caller_action` and in the audit.

    `figures` are stored in both. `reason` is not written to the audit, because an organiser may
    type a person's name into it.
    """
    db.session.add(
        CallerAction(
            campaign_id=caller.campaign_id,
            caller_id=caller.id,
            account_id=account.id,
            action=action,
            reason=" ".join(reason.split())[:REASON_AT_MOST],
            figures=figures,
            at=at,
        )
    )
    record_audit(
        _IN_AUDIT[CallerActionKind(action)],
        account=account,
        campaign=db.session.get_one(Campaign, caller.campaign_id),
        subject_kind="caller",
        subject_id=caller.id,
        after=figures or None,
    )


def resume_caller(caller: Caller, account: Account, at: datetime) -> None:
    """End the caller's pause after an organiser's review, and record that action.

    The caller's flags are marked as reviewed. Contacts that the caller got up to `at` no longer
    count towards the caller's limits.
    """
    pace.end_pause(caller, at)
    _mark_reviewed(caller, account, at)
    record_action(caller, account, CallerActionKind.WENT_ON, "", at)


def actions_about(caller: Caller) -> Sequence[Any]:
    """Return organisers' actions on the caller, newest first. Each row has a `CallerAction` and the
    account that acted (None if that account no longer exists)."""
    return db.session.execute(
        select(CallerAction, Account)
        .outerjoin(Account, Account.id == CallerAction.account_id)
        .where(CallerAction.caller_id == caller.id)
        .order_by(CallerAction.at.desc(), CallerAction.id.desc())
    ).all()


def stopped_callers(campaign: Campaign) -> Sequence[Caller]:
    """Return the callers of a campaign who were stopped most recently, up to SHOWN_AT_MOST. The
    callers are sorted by when they joined, the latest first."""
    latest = (
        select(CallerAction.caller_id)
        .where(
            CallerAction.campaign_id == campaign.id, CallerAction.action == CallerActionKind.STOPPED
        )
        .order_by(CallerAction.at.desc())
        .limit(SHOWN_AT_MOST)
    )
    return db.session.scalars(
        select(Caller).where(Caller.id.in_(latest)).order_by(Caller.id.desc())
    ).all()


def _mark_reviewed(caller: Caller, account: Account, at: datetime) -> None:
    db.session.execute(
        update(PaceFlag)
        .where(PaceFlag.caller_id == caller.id, PaceFlag.looked_at.is_(None))
        .values(looked_at=at, looked_by_id=account.id)
    )
