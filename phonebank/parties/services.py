"""The actions of hosts and organisers on a party, such as renaming the party or ending it. The
functions of this module do not commit. After the calling code has committed, the party's board and
the screens of the party's callers show the changes that concern them.

A party's host, its co-hosts and the organisers of its campaign may change the party in all these
ways. `party_for` checks whether an account may do so.
"""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select

from phonebank.core.db import after_commit, db
from phonebank.core.errors import (
    ConflictError,
    GoneError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
)
from phonebank.core.locks import lock_row
from phonebank.core.scopes import campaigns_within, may_organise
from phonebank.live.caller_events import PARTY, emit_to_callers
from phonebank.live.change_marks import mark_after_commit
from phonebank.models import (
    Account,
    Caller,
    CallerState,
    Campaign,
    CampaignState,
    Party,
    PartyState,
    campaign_host,
    now,
)
from phonebank.models.party import new_code, party_cohost
from phonebank.parties.codes import normalise_code
from phonebank.parties.display_names import clean_name

GOAL_AT_MOST = 100_000
BREAK_AT_MOST = 60  # minutes
PARTIES_ON_A_PAGE = 50


def campaigns_to_host(account: Account) -> list[Campaign]:
    """Return the campaigns for which this account may run a party, as a host or an organiser. Ended
    campaigns are left out."""
    hosted = select(campaign_host.c.campaign_id).where(campaign_host.c.account_id == account.id)
    query = (
        select(Campaign)
        .where(Campaign.state != CampaignState.ENDED)
        .where(campaigns_within(account) | Campaign.id.in_(hosted))
        .order_by(Campaign.name)
    )
    return list(db.session.scalars(query))


def parties_of(account: Account) -> list[Party]:
    """Return up to 200 parties that this account may run. Parties that have ended come after all
    others. Within the ended parties, and within the others, the party with the latest start comes
    first.

    Hosts may run the parties that they host or co-host. Organisers may also run all parties of the
    campaigns that they organise.
    """
    latest_first = (Party.state == PartyState.ENDED, Party.starts_at.desc(), Party.id.desc())
    query = select(Party).order_by(*latest_first).limit(200)
    if not account.is_organiser:
        cohosted = select(party_cohost.c.party_id).where(party_cohost.c.account_id == account.id)
        organised = select(Campaign.id).where(campaigns_within(account))
        query = query.where(
            (Party.host_id == account.id)
            | Party.id.in_(cohosted)
            | Party.campaign_id.in_(organised)
        )
    return list(db.session.scalars(query))


def page_of_parties(
    campaign: Campaign, page: int, not_ended: bool = False
) -> tuple[list[Party], bool]:
    """Return a page of the campaign's parties, and whether there is a further page. The first page
    is number 1.

    Parties that have ended come last, or are left out with `not_ended`. Of the others, and of those
    that have ended, the newest come first.
    """
    query = select(Party).where(Party.campaign_id == campaign.id)
    if not_ended:
        query = query.where(Party.state != PartyState.ENDED)
    query = query.order_by(Party.state == PartyState.ENDED, Party.id.desc())
    query = query.offset((page - 1) * PARTIES_ON_A_PAGE).limit(PARTIES_ON_A_PAGE + 1)
    found = list(db.session.scalars(query))
    return found[:PARTIES_ON_A_PAGE], len(found) > PARTIES_ON_A_PAGE


def party_titles(campaign: Campaign) -> dict[int, str]:
    """Return the titles of all the campaign's parties by the parties' ids, newest first."""
    query = select(Party.id, Party.title).where(Party.campaign_id == campaign.id)
    return {row.id: row.title for row in db.session.execute(query.order_by(Party.id.desc()))}


def party_after(party: Party) -> Party | None:
    """Return the party that people can join next: another party of the same host and campaign that
    is open to new callers. If there are several, return the party that starts first. Return None if
    there is no such party."""
    return db.session.scalars(
        select(Party)
        .where(
            Party.campaign_id == party.campaign_id,
            Party.host_id == party.host_id,
            Party.state == PartyState.OPEN,
            Party.id != party.id,
        )
        .order_by(Party.starts_at, Party.id)
        .limit(1)
    ).first()


def party_for(account: Account, party_id: int, to_change: bool = False) -> Party:
    """Return the party if this account may run it.

    Raises NotFoundError if this account may not run it, or if there is no such party.

    With `to_change`, the party's database row is locked first. So a co-host's request changes
    nothing if the co-host was removed before the row was locked.
    """
    party = db.session.get(Party, party_id)
    if party is not None and to_change:
        lock_row(party)
    if party is None or not (
        party.host_id == account.id or account in party.cohosts or organises(account, party)
    ):
        raise NotFoundError(
            "We can't find this party among yours.", "Ask its host or an organiser for help."
        )
    return party


def organises(account: Account, party: Party) -> bool:
    """Whether the account is an organiser of the party's campaign."""
    return account.is_organiser or may_organise(
        account, db.session.get_one(Campaign, party.campaign_id)
    )


def create_party(
    account: Account,
    campaign_id: int,
    title: str,
    goal: int,
    starts_at: datetime | None = None,
    time_zone: str = "Europe/London",
    door_open: bool = False,
) -> Party:
    """Create a party. `starts_at` is an aware time, or None for now. With `door_open`, callers who
    join with the code are admitted immediately. But some of these callers must wait because of
    their network address (see `roster.blocked_addresses`).

    Raises InvalidInputError if the title or goal is not allowed. Raises NotAllowedError if the
    account may not run a party for the campaign, or if the campaign has ended.
    """
    title = clean_name(title, "title")
    _check_goal(goal)
    if campaign_id not in {campaign.id for campaign in campaigns_to_host(account)}:
        raise NotAllowedError(
            "You aren't a host for this campaign.", "Ask an organiser to add you."
        )
    party = Party(
        campaign_id=campaign_id,
        host_id=account.id,
        title=title,
        goal=goal,
        starts_at=starts_at or now(),
        time_zone=time_zone,
        door_open=door_open,
        code=_unused_code(),
    )
    db.session.add(party)
    db.session.flush()
    return party


def party_by_code(text: str) -> Party:
    """Return the party whose code was typed, even if the party is locked to new callers.

    Raises NotFoundError if no party has this code, and GoneError if the party has ended.
    """
    code = normalise_code(text)
    # A code can be used again once its party has ended, so a party that has not ended comes first.
    party = db.session.scalars(
        select(Party)
        .where(Party.code == code)
        .order_by((Party.state == PartyState.ENDED), Party.ended_at.desc())
        .limit(1)
    ).first()
    if party is None:
        raise NotFoundError("No party has this code.", "Check the code with your host.")
    if party.has_ended:
        raise GoneError("This party has ended.", "Ask your host when the next party is.")
    return party


def refuse_newcomers(party: Party) -> None:
    """Raise ConflictError if the party is locked to new callers, or GoneError if the party has
    ended."""
    if party.has_ended:
        raise GoneError("This party has ended.", "Ask your host when the next party is.")
    if party.state == PartyState.LOCKED:
        raise ConflictError(
            "This party isn't taking new people.",
            "Ask the host to let new people join, then try again.",
        )


def party_by_board_token(token: str) -> Party:
    """Return the party whose board link has this token. Raises GoneError for any other token."""
    party = db.session.scalars(select(Party).where(Party.board_token == token)).first()
    if party is None:
        raise GoneError(
            "This board's link has been replaced.", "Ask the host to open the new link on this TV."
        )
    return party


def rename_party(party: Party, title: str) -> None:
    """Change the party's title. Raises InvalidInputError if the title is not allowed."""
    lock_row(party)
    party.title = clean_name(title, "title")
    mark_after_commit(party.id)


def set_goal(party: Party, goal: int) -> None:
    """Change the party's goal, which is a number of conversations. Raises InvalidInputError if the
    goal is too low or too high, and ConflictError if the party has ended."""
    _lock_unless_ended(party)
    _check_goal(goal)
    party.goal = goal
    mark_after_commit(party.id)


def lock(party: Party) -> None:
    """Stop new callers from joining. Admitted and waiting callers stay. Raises ConflictError if the
    party has ended."""
    _lock_unless_ended(party)
    party.state = PartyState.LOCKED
    mark_after_commit(party.id)


def unlock(party: Party) -> None:
    """Let callers join with the code again. Raises ConflictError if the party has ended."""
    _lock_unless_ended(party)
    party.state = PartyState.OPEN
    mark_after_commit(party.id)


def change_code(party: Party) -> None:
    """Give the party a new code. The old code no longer works. Raises ConflictError if the party
    has ended."""
    _lock_unless_ended(party)
    party.code = _unused_code()
    mark_after_commit(party.id)


def change_board_link(party: Party) -> None:
    """Give the party's board a new link. Televisions that opened the board with the old link are
    disconnected."""
    lock_row(party)
    party.board_token = secrets.token_urlsafe(24)
    mark_after_commit(party.id)


def start_break(party: Party, minutes: int | None = None) -> None:
    """Start a break of `minutes` minutes, from 1 to 60. If `minutes` is None, the break lasts until
    `end_break` is called or the party ends. During the break, callers get no new contacts. The new
    break replaces an earlier one. Callers can finish calls in progress, and these calls count.

    Raises InvalidInputError if `minutes` is less than 1 or more than 60, and ConflictError if the
    party has ended.
    """
    _lock_unless_ended(party)
    if minutes is not None and not 1 <= minutes <= BREAK_AT_MOST:
        raise InvalidInputError(
            "A break must be from 1 to 60 minutes.", "Choose one of the buttons."
        )
    party.paused = minutes is None
    party.break_until = None if minutes is None else now() + timedelta(minutes=minutes)
    _notify_everyone(party)


def end_break(party: Party) -> None:
    """End the break, so that callers get contacts again. Raises ConflictError if the party has
    ended."""
    _lock_unless_ended(party)
    party.paused = False
    party.break_until = None
    _notify_everyone(party)


def set_celebration(party: Party, wanted: bool) -> None:
    """Set whether the board celebrates each quarter of the goal, the party's first yes, and
    callers' first calls and personal bests."""
    lock_row(party)
    party.celebrate = wanted
    mark_after_commit(party.id)


def end_party(party: Party) -> None:
    """End the party for good. No caller can join, and callers get no new contacts.

    A caller who is on the phone can finish and record the call, and the call counts. If the party
    has already ended, nothing changes.
    """
    lock_row(party)
    if party.has_ended:
        return
    party.state = PartyState.ENDED
    party.ended_at = now()
    party.paused = False
    party.break_until = None
    _notify_everyone(party)


def _notify_everyone(party: Party) -> None:
    mark_after_commit(party.id)
    callers = admitted_ids(party)
    state = state_for_callers(party)
    after_commit(lambda: emit_to_callers(callers, PARTY, state))


def state_for_callers(party: Party | None) -> dict[str, bool | int | None]:
    """Return what a caller's screen needs to know about the party, with the keys "paused", "ended"
    and "seconds". `party` is None for a caller without a party.

    "seconds" is the number of seconds until the break ends. The value is 0 if the break lasts until
    the host ends it, and None if there is no break.
    """
    left = party.break_left(now()) if party is not None else None
    return {
        "paused": left is not None,
        "ended": party is not None and party.has_ended,
        "seconds": left,
    }


def admitted_ids(party: Party) -> list[int]:
    """Return the ids of the party's admitted callers."""
    query = select(Caller.id).where(
        Caller.party_id == party.id, Caller.state == CallerState.ADMITTED
    )
    return list(db.session.scalars(query))


def _unused_code() -> str:
    while True:
        code = new_code()
        taken = select(Party.id).where(Party.code == code, Party.state != PartyState.ENDED)
        if db.session.scalar(taken) is None:
            return code


def _check_goal(goal: int) -> None:
    if not 1 <= goal <= GOAL_AT_MOST:
        raise InvalidInputError(
            f"The goal must be from 1 to {GOAL_AT_MOST:,}.",
            "Type how many conversations the party wants to have.",
        )


def _lock_unless_ended(party: Party) -> None:
    """Lock the party's database row. Raises ConflictError if the party has ended, even if the page
    still showed it as running."""
    lock_row(party)
    if party.has_ended:
        raise ConflictError("This party has ended.", "Start a new one.")
