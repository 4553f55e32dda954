"""Joining: a link or a code, and a first name. The caller of these commits."""

from sqlalchemy import func, select

from callers.calling import release_caller
from phonebank.errors import Gone, NotFound
from phonebank.locks import lock_row
from phonebank.models import Caller, Campaign, Party, now
from phonebank.models.caller import ADMITTED, REMOVED, WAITING
from phonebank.models.campaign import ENDED
from phonebank.parties.bad_words import refuse_bad_words
from phonebank.parties.names import clean_name
from phonebank.parties.verbs import refuse_newcomers, tell_boards
from phonebank.stores import db


class _OldLink(NotFound):
    def __init__(self) -> None:
        super().__init__(
            "This link no longer works.", "Ask whoever sent it to you for the new one."
        )


def campaign_of_link(token: str) -> Campaign:
    """The campaign of a join link. Raises NotFound for a link that was changed, Gone once over."""
    campaign = db.session.scalar(select(Campaign).where(Campaign.join_token == token))
    if campaign is None:
        raise _OldLink
    _refuse_when_ended(campaign)
    return campaign


def join(campaign: Campaign, party: Party | None, first_name: str, known: Caller | None) -> Caller:
    """Let somebody in, or into the lobby.

    The same device coming back (`known`) stays the same caller and keeps their tally; joining
    another party moves them there, so that they are in one room at a time. Whoever they hold goes
    back to the list then: the call would count in the room they left. A name that a host gave them
    stays. Raises BadInput for a name that cannot be shown, Conflict for a locked party, Gone for
    one that is over.
    """
    name = clean_name(first_name)
    _look_at_the_door(campaign, party)
    if known is not None:
        # Their host may be removing or renaming them this moment, and a person on their way.
        lock_row(known)
    if known is None or name != known.first_name:
        # What the host called them stands.
        refuse_bad_words(name)
    back = known is not None and known.campaign_id == campaign.id and known.state != REMOVED
    party_id = party.id if party else None
    if party is not None and not (back and known is not None and known.party_id == party_id):
        refuse_newcomers(party)
    if party is not None:
        # The host sees who waits.
        tell_boards(party)
    door_open = party.door_open if party is not None else campaign.door_open
    if known is not None and not (back and known.party_id == party_id):
        release_caller(known.id)
    if back and known is not None:
        if known.party_id != party_id:
            known.party_id = party_id
            known.state = ADMITTED if door_open else WAITING
        elif door_open:
            known.state = ADMITTED
        if not known.named_by_host:
            known.first_name = name
        return known
    caller = Caller(
        campaign_id=campaign.id,
        party_id=party_id,
        first_name=name,
        state=ADMITTED if door_open else WAITING,
        seen_at=now(),
    )
    db.session.add(caller)
    db.session.flush()
    return caller


def _look_at_the_door(campaign: Campaign, party: Party | None) -> None:
    """Read it as it is now, and keep it so until the caller is in: whoever shuts it, locks the
    party or changes the link meanwhile comes after us, and finds them.

    Raises NotFound when the code or the link was changed since the room was found by it, Gone when
    the campaign has ended.
    """
    if party is not None:
        code = party.code
        lock_row(party, share=True)
        if party.code != code:
            raise NotFound("No party has this code.", "Check the code with your host.")
        return
    token = campaign.join_token
    lock_row(campaign, share=True)
    if campaign.join_token != token:
        raise _OldLink
    _refuse_when_ended(campaign)


def _refuse_when_ended(campaign: Campaign) -> None:
    if campaign.state == ENDED:
        raise Gone("This campaign has ended.", "Thank you for wanting to help.")


def callers_in(party_id: int) -> int:
    """How many admitted callers a party has."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Caller)
            .where(Caller.party_id == party_id, Caller.state == ADMITTED)
        )
        or 0
    )
