"""The callers of a campaign, as shown to its organisers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, exists, func, select

from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.models import Caller, CallerState, Campaign, Party, Tally
from phonebank.tallies.totals import hour_of

A_PAGE = 50
WAITING_SHOWN = 200
NOW_SHOWN = 12
# An open screen renews `Caller.seen_at` at least this often.
ONLINE_WITHIN = timedelta(minutes=2)


# The orders of the list of callers, with the words of their columns.
SORTS = {
    "seen": "Last seen",
    "name": "Caller",
    "today": "Today",
    "hourly": "An hour",
    "share": "Talks",
    "calls": "Calls",
}


@dataclass(frozen=True)
class RosterRow:
    """A caller, with counts of the caller's calls and the title of the caller's party ("" for no
    party). `hours` is the number of clock hours (such as 18:00 to 19:00) in which the caller
    recorded a call."""

    caller: Caller
    party: str
    calls: int = 0
    conversations: int = 0
    calls_today: int = 0
    hours: int = 0

    @property
    def calls_an_hour(self) -> float:
        return self.calls / self.hours if self.hours else 0.0

    @property
    def share(self) -> int:
        """How many of the calls were conversations, in percent (rounded). 0 if there are no
        calls."""
        return round(100 * self.conversations / self.calls) if self.calls else 0


def admitted_callers(
    campaign: Campaign, midnight: datetime, name: str = "", page: int = 1, sort: str = "seen"
) -> list[RosterRow]:
    """Return one page of the admitted callers. `sort` is a key of SORTS. Callers can be sorted by a
    number or share of calls (largest first), by when they were last seen (latest first) or by name.
    The count of today's calls begins with the hour that contains `midnight` (aware).

    With `name`, return only callers whose first name begins with that text. Upper and lower case
    count as equal. Pages are numbered from 1. A page after the last one is empty.
    """
    query = _with_party(campaign, CallerState.ADMITTED, name)
    if sort in _FIGURES:
        figures = _FIGURES[sort](campaign, midnight).subquery()
        query = query.outerjoin(figures, figures.c.caller_id == Caller.id).order_by(
            func.coalesce(figures.c.figure, 0).desc()
        )
    elif sort == "name":
        query = query.order_by(func.lower(Caller.first_name))
    query = query.order_by(Caller.seen_at.desc().nulls_last(), Caller.id)
    found = db.session.execute(query.limit(A_PAGE).offset(A_PAGE * (max(1, page) - 1))).all()
    numbers = _numbers_of([caller.id for caller, _ in found], midnight)
    return [RosterRow(caller, party or "", *numbers.get(caller.id, ())) for caller, party in found]


def _numbers_of(caller_ids: list[int], midnight: datetime) -> dict[int, tuple[int, ...]]:
    """Return the counts in a RosterRow (calls, conversations, calls today, hours), by caller id.
    Callers without stored totals are left out."""
    rows = db.session.execute(
        select(
            Tally.caller_id,
            func.sum(Tally.calls),
            func.sum(Tally.conversations),
            func.sum(Tally.calls).filter(Tally.hour >= hour_of(midnight)),
            func.count(Tally.hour.distinct()).filter(Tally.calls > 0),
        )
        .where(Tally.caller_id.in_(caller_ids))
        .group_by(Tally.caller_id)
    )
    return {row[0]: tuple(int(number or 0) for number in row[1:]) for row in rows}


def _today(campaign: Campaign, midnight: datetime) -> Select[*tuple[Any, ...]]:
    return _figure(campaign, func.sum(Tally.calls)).where(Tally.hour >= hour_of(midnight))


def _calls(campaign: Campaign, midnight: datetime) -> Select[*tuple[Any, ...]]:
    return _figure(campaign, func.sum(Tally.calls))


def _share(campaign: Campaign, midnight: datetime) -> Select[*tuple[Any, ...]]:
    calls = func.nullif(func.sum(Tally.calls), 0)
    return _figure(campaign, 1.0 * func.sum(Tally.conversations) / calls)


def _hourly(campaign: Campaign, midnight: datetime) -> Select[*tuple[Any, ...]]:
    # A caller who changes parties has two tallies of one hour. Grouping twice is faster than
    # counting distinct hours.
    hours = (
        select(Tally.caller_id, func.sum(Tally.calls).label("calls"))
        .where(Tally.campaign_id == campaign.id, Tally.calls > 0)
        .group_by(Tally.caller_id, Tally.hour)
        .subquery()
    )
    return select(hours.c.caller_id, func.avg(hours.c.calls).label("figure")).group_by(
        hours.c.caller_id
    )


def _figure(campaign: Campaign, figure: Any) -> Select[*tuple[Any, ...]]:
    return (
        select(Tally.caller_id, figure.label("figure"))
        .where(Tally.campaign_id == campaign.id)
        .group_by(Tally.caller_id)
    )


_FIGURES: dict[str, Callable[[Campaign, datetime], Select[*tuple[Any, ...]]]] = {
    "today": _today,
    "calls": _calls,
    "share": _share,
    "hourly": _hourly,
}


def count_admitted(campaign: Campaign, name: str = "") -> int:
    """Return the number of admitted callers (with `name`, only those whose first name begins with
    that text)."""
    everyone = _with_party(campaign, CallerState.ADMITTED, name).subquery()
    return db.session.scalar(select(func.count()).select_from(everyone)) or 0


def waiting_callers(campaign: Campaign) -> Sequence[tuple[Caller, str | None]]:
    """Return up to WAITING_SHOWN waiting callers, each with the title of the caller's party (None
    for no party). The caller who joined first comes first."""
    query = _with_party(campaign, CallerState.WAITING).order_by(Caller.id).limit(WAITING_SHOWN)
    return [(caller, party) for caller, party in db.session.execute(query)]


def has_waiting_by_link(campaign: Campaign) -> bool:
    """Whether any caller who joined with the campaign's own link is waiting. Held callers, whom
    only an organiser may admit, do not count."""
    waits = exists().where(
        Caller.campaign_id == campaign.id,
        Caller.state == CallerState.WAITING,
        Caller.party_id.is_(None),
        Caller.held.is_(False),
    )
    return bool(db.session.scalar(select(waits)))


def callers_now(campaign: Campaign, at: datetime) -> tuple[list[Caller], int]:
    """Find the admitted callers whose screen is open at `at`. Return up to NOW_SHOWN of these
    callers, the most recently seen first, and the number of all of them. A screen counts as open if
    its caller was seen within ONLINE_WITHIN before `at`."""
    here = (
        Caller.campaign_id == campaign.id,
        Caller.state == CallerState.ADMITTED,
        Caller.seen_at > at - ONLINE_WITHIN,
    )
    number = db.session.scalar(select(func.count(Caller.id)).where(*here)) or 0
    found = db.session.scalars(
        select(Caller).where(*here).order_by(Caller.seen_at.desc(), Caller.id).limit(NOW_SHOWN)
    )
    return list(found), number


def count_waiting(campaign: Campaign) -> int:
    """Return the number of callers who are waiting to be admitted."""
    query = select(func.count(Caller.id)).where(
        Caller.campaign_id == campaign.id, Caller.state == CallerState.WAITING
    )
    return db.session.scalar(query) or 0


def caller_of(campaign: Campaign, caller_id: int) -> Caller:
    """Return a caller of this campaign. Raises NotFoundError if there is no such caller, or if the
    caller was removed."""
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
