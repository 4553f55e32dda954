"""The callers of a campaign, as its organiser sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.models import Caller, CallerState, Campaign, Party
from phonebank.tallies.totals import Totals, totals_of_callers

A_PAGE = 50
WAITING_SHOWN = 200


@dataclass(frozen=True)
class RosterRow:
    """A caller with their own figures and the title of their party ("" if they are in no party)."""

    caller: Caller
    party: str
    totals: Totals


def admitted_callers(campaign: Campaign, name: str = "", page: int = 1) -> list[RosterRow]:
    """Return one page of the admitted callers, the most recently seen first.

    With `name`, return only callers whose first name begins with that text. Pages begin at 1; a
    page after the last one is empty.
    """
    query = (
        _with_party(campaign, CallerState.ADMITTED, name)
        .order_by(Caller.seen_at.desc().nulls_last(), Caller.id)
        .limit(A_PAGE)
        .offset(A_PAGE * (max(1, page) - 1))
    )
    found = db.session.execute(query).all()
    totals = totals_of_callers(caller.id for caller, _ in found)
    return [RosterRow(caller, party or "", totals[caller.id]) for caller, party in found]


def count_admitted(campaign: Campaign, name: str = "") -> int:
    """Return the number of admitted callers, on all pages together."""
    everyone = _with_party(campaign, CallerState.ADMITTED, name).subquery()
    return db.session.scalar(select(func.count()).select_from(everyone)) or 0


def waiting_callers(campaign: Campaign) -> Sequence[tuple[Caller, str | None]]:
    """Return the waiting callers, the longest wait first, each with the title of their party or
    None."""
    query = _with_party(campaign, CallerState.WAITING).order_by(Caller.id).limit(WAITING_SHOWN)
    return [(caller, party) for caller, party in db.session.execute(query)]


def count_waiting(campaign: Campaign) -> int:
    """Return the number of callers who wait to be admitted."""
    query = select(func.count(Caller.id)).where(
        Caller.campaign_id == campaign.id, Caller.state == CallerState.WAITING
    )
    return db.session.scalar(query) or 0


def caller_of(campaign: Campaign, caller_id: int) -> Caller:
    """Return a caller of this campaign. Raises NotFoundError, also for a removed caller."""
    caller = db.session.get(Caller, caller_id)
    if caller is None or caller.campaign_id != campaign.id or caller.state == CallerState.REMOVED:
        raise NotFoundError("This caller is no longer in the campaign.", "Go back to its callers.")
    return caller


def _with_party(campaign: Campaign, state: str, name: str = "") -> Select[*tuple[Any, ...]]:
    query = (
        select(Caller, Party.title)
        .outerjoin(Party, Party.id == Caller.party_id)
        .where(Caller.campaign_id == campaign.id, Caller.state == state)
    )
    return query.where(Caller.first_name.istartswith(name, autoescape=True)) if name else query
