"""Stopping a caller now, and the record of what organisers did with callers. Nothing commits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from phonebank.core.db import db
from phonebank.models import Account, Caller, CallerAction, CallerActionKind, Campaign, PaceFlag
from phonebank.roster import open_door, pace, remove

REASON_AT_MOST = 300  # characters
SHOWN_AT_MOST = 100


def stop(caller: Caller, account: Account, reason: str, at: datetime, **figures: Any) -> None:
    """Put a caller out now, on every device. The person they hold goes back to the queue.

    Newcomers from their address wait for an organiser, and the door stays open for everybody else;
    where the address is not known the door shuts. Raises NotFound for one who is out already.
    """
    known = caller.address is not None
    remove.remove_anywhere(caller, shut_the_door=not known)
    open_door.stop_address(caller, at)
    _looked_at(caller, account, at)
    note(caller, account, CallerActionKind.STOPPED, reason, at, **figures)


def note(
    caller: Caller, account: Account, action: str, reason: str, at: datetime, **figures: Any
) -> None:
    """Put on record what an organiser did with a caller: see `models.stop`."""
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


def let_go_on(caller: Caller, account: Account, at: datetime) -> None:
    """An organiser has looked: the pause is over, the flags are kept as looked at, and the caller's
    pace is measured from now on."""
    pace.end_pause(caller, at)
    _looked_at(caller, account, at)
    note(caller, account, CallerActionKind.WENT_ON, "", at)


def actions_on(caller: Caller) -> Sequence[Any]:
    """What organisers did with the caller, newest first: rows of `CallerAction` and the account."""
    return db.session.execute(
        select(CallerAction, Account)
        .outerjoin(Account, Account.id == CallerAction.account_id)
        .where(CallerAction.caller_id == caller.id)
        .order_by(CallerAction.at.desc(), CallerAction.id.desc())
    ).all()


def acted_on(campaign: Campaign) -> Sequence[Caller]:
    """The callers of a campaign who were stopped, newest first."""
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


def _looked_at(caller: Caller, account: Account, at: datetime) -> None:
    db.session.execute(
        update(PaceFlag)
        .where(PaceFlag.caller_id == caller.id, PaceFlag.looked_at.is_(None))
        .values(looked_at=at, looked_by_id=account.id)
    )
