"""The callers of a campaign, as its organiser sees them. The verbs do not commit."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select

from phonebank.core.db import db
from phonebank.core.errors import NotFound
from phonebank.models import Caller, CallerState, Campaign, Party
from phonebank.roster import admit as admission
from phonebank.roster import remove as removal
from phonebank.tallies.totals import Totals, totals_of_callers

A_PAGE = 50
WAITING_SHOWN = 200


@dataclass(frozen=True)
class RosterRow:
    """A caller with their own figures, and the party they are in ("" for none)."""

    caller: Caller
    party: str
    totals: Totals


def admitted(campaign: Campaign, name: str = "", page: int = 1) -> list[RosterRow]:
    """A page of those who are in, whoever was here last first; with `name`, those whose first name
    begins so. Pages begin at 1, and one behind the last is empty."""
    query = (
        _with_party(campaign, CallerState.ADMITTED, name)
        .order_by(Caller.seen_at.desc().nulls_last(), Caller.id)
        .limit(A_PAGE)
        .offset(A_PAGE * (max(1, page) - 1))
    )
    found = db.session.execute(query).all()
    totals = totals_of_callers(caller.id for caller, _ in found)
    return [RosterRow(caller, party or "", totals[caller.id]) for caller, party in found]


def how_many_admitted(campaign: Campaign, name: str = "") -> int:
    """How many are in, on all pages together."""
    everyone = _with_party(campaign, CallerState.ADMITTED, name).subquery()
    return db.session.scalar(select(func.count()).select_from(everyone)) or 0


def waiting(campaign: Campaign) -> Sequence[tuple[Caller, str | None]]:
    """Those who wait to be let in, in parties too, the longest first; each with their party."""
    query = _with_party(campaign, CallerState.WAITING).order_by(Caller.id).limit(WAITING_SHOWN)
    return [(caller, party) for caller, party in db.session.execute(query)]


def caller_of(campaign: Campaign, caller_id: int) -> Caller:
    """A caller of this campaign. Raises NotFound, also for one who was removed."""
    caller = db.session.get(Caller, caller_id)
    if caller is None or caller.campaign_id != campaign.id or caller.state == CallerState.REMOVED:
        raise NotFound("This caller is no longer in the campaign.", "Go back to its callers.")
    return caller


def admit(caller: Caller) -> bool:
    """Let a waiting caller in; False when they no longer waited where they were shown."""
    return admission.admit([caller], for_organiser=True) == 1


def remove(campaign: Campaign, caller: Caller) -> None:
    """Put a caller of the campaign out, on every device, whichever party they are in by now; what
    they recorded still counts. Raises NotFound for one who is out already."""
    removal.remove_anywhere(caller)


def _with_party(campaign: Campaign, state: str, name: str = "") -> Select:
    query = (
        select(Caller, Party.title)
        .outerjoin(Party, Party.id == Caller.party_id)
        .where(Caller.campaign_id == campaign.id, Caller.state == state)
    )
    return query.where(Caller.first_name.istartswith(name, autoescape=True)) if name else query
