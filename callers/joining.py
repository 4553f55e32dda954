"""Joining: a link or a code, and a first name. The caller of these commits."""

from sqlalchemy import select

from phonebank.contact_queue.holds import release_caller
from phonebank.core.db import db
from phonebank.core.errors import GoneError, NotFoundError
from phonebank.core.locks import lock_row
from phonebank.live.change_marks import mark_after_commit
from phonebank.models import Caller, CallerState, Campaign, CampaignState, Party, now
from phonebank.parties.display_names import clean_name
from phonebank.parties.profanity import refuse_bad_words
from phonebank.parties.services import refuse_newcomers
from phonebank.roster import open_door


class _OldLinkError(NotFoundError):
    def __init__(self) -> None:
        super().__init__(
            "This link no longer works.", "Ask the person who sent it for the new one."
        )


def campaign_of_link(token: str) -> Campaign:
    """The campaign of a join link. Raises NotFoundError for a link that was changed, GoneError once
    over."""
    campaign = db.session.scalar(select(Campaign).where(Campaign.join_token == token))
    if campaign is None:
        raise _OldLinkError
    _refuse_when_ended(campaign)
    return campaign


def join(
    campaign: Campaign,
    party: Party | None,
    first_name: str,
    known: Caller | None,
    address: str = "",
) -> Caller:
    """Let somebody in, or into the lobby.

    The same device coming back (`known`) stays the same caller and keeps their tally; joining
    another party moves them there, so that they are in one room at a time. Whoever they hold goes
    back to the list then: the call would count in the room they left. A name that a host gave them
    stays. `address` is where the request came from: who is new from where a caller was stopped or
    paused waits, also at an open door. Raises InvalidInputError for a name that cannot be shown,
    ConflictError for a locked party, GoneError for one that is over.
    """
    name = clean_name(first_name)
    _look_at_the_door(campaign, party)
    if known is not None:
        # Their host may be removing or renaming them this moment, and a person on their way.
        lock_row(known)
    if known is None or name != known.first_name:
        # What the host called them stands.
        refuse_bad_words(name)
    back = (
        known is not None
        and known.campaign_id == campaign.id
        and known.state != CallerState.REMOVED
    )
    party_id = party.id if party else None
    if party is not None and not (back and known is not None and known.party_id == party_id):
        refuse_newcomers(party)
    if party is not None:
        # The host sees who waits.
        mark_after_commit(party.id)
    door_open = party.door_open if party is not None else campaign.door_open
    mark = open_door.hash_address(campaign.id, address)
    if known is not None and not (back and known.party_id == party_id):
        release_caller(known.id)
    if back and known is not None:
        comes_in = door_open and _may_pass(known, campaign, mark)
        if known.party_id != party_id:
            known.party_id = party_id
            known.state = CallerState.ADMITTED if comes_in else CallerState.WAITING
        elif comes_in:
            known.state = CallerState.ADMITTED
        known.address = mark or known.address
        if not known.named_by_host:
            known.first_name = name
        return known
    caller = Caller(
        campaign_id=campaign.id, party_id=party_id, first_name=name, address=mark, seen_at=now()
    )
    _let_in(caller, campaign, door_open)
    return caller


def _let_in(caller: Caller, campaign: Campaign, door_open: bool) -> None:
    """Store a newcomer: in, or waiting at the door, in spite of it being open where they come from
    somewhere that the door looks at (see `door`)."""
    at = now()
    why_wait = open_door.reason_to_wait(campaign, caller.address, at)
    caller.state = CallerState.ADMITTED if door_open and not why_wait else CallerState.WAITING
    caller.held = why_wait in open_door.HOLDS
    db.session.add(caller)
    db.session.flush()
    if why_wait == open_door.CROWD and door_open:
        open_door.flag_crowd(caller, campaign, at)


def _may_pass(known: Caller, campaign: Campaign, mark: str | None) -> bool:
    """Whether an open door lets this caller in. Who waits for an organiser waits for one in every
    room, and who waits because of the crowd they came with does so however often they ask."""
    if known.held:
        return False
    return known.state == CallerState.ADMITTED or not open_door.reason_to_wait(
        campaign, mark, now()
    )


def _look_at_the_door(campaign: Campaign, party: Party | None) -> None:
    """Read it as it is now, and keep it so until the caller is in: whoever shuts it, locks the
    party or changes the link meanwhile comes after us, and finds them.

    Raises NotFoundError when the code or the link was changed since the room was found by it,
    GoneError when the campaign has ended.
    """
    if party is not None:
        code = party.code
        lock_row(party, share=True)
        if party.code != code:
            raise NotFoundError("No party has this code.", "Check the code with your host.")
        return
    token = campaign.join_token
    lock_row(campaign, share=True)
    if campaign.join_token != token:
        raise _OldLinkError
    _refuse_when_ended(campaign)


def _refuse_when_ended(campaign: Campaign) -> None:
    if campaign.state == CampaignState.ENDED:
        raise GoneError("This campaign has ended.", "Thank you for wanting to help.")
