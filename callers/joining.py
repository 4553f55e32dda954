"""Lets a volunteer join a party or a campaign with a first name, and with a code or a link. The
functions of this module do not commit."""

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
from phonebank.roster import blocked_addresses


class _OldLinkError(NotFoundError):
    def __init__(self) -> None:
        super().__init__(
            "This link no longer works.", "Ask the person who sent it for the new one."
        )


def campaign_of_link(token: str) -> Campaign:
    """Return the campaign that a join link belongs to.

    Raises NotFoundError for an unknown or replaced link, and GoneError if the campaign has ended.
    """
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
    """Add a caller to the party, or to the campaign if there is no party.

    The caller is admitted, or waits for somebody to admit them. `known` is the caller to whom the
    device already belongs, or None. A known caller stays the same caller and keeps their totals if
    they are in this campaign and were not removed. Otherwise a new caller is created. A known
    caller of this campaign who joins another party leaves the old one, because a caller can be in
    only one party. Whenever the device changes its party or campaign, the contact on its screen
    returns to the queue. Otherwise the call would count for the party that the caller left. A name
    that a host gave the caller does not change.

    `address` is the network address of the request, or "" if no address is to be checked. Even
    while newcomers are admitted automatically (`door_open`), some of them wait
    (`roster.blocked_addresses`). A newcomer waits if an organiser stopped a caller of this campaign
    from the same address within the last day. A newcomer waits if a caller of this campaign from
    the address is paused or was flagged within the last hour, and no organiser has reviewed this. A
    newcomer also waits if all newcomers from the address together have seen too many contacts
    within the last hour.

    Raises InvalidInputError if the name is empty or too long, or cannot or must not be shown. If
    the caller is new to the party, raises ConflictError for a locked party and GoneError for a
    party that has ended. Without a party, raises GoneError if the campaign has ended. Raises
    NotFoundError if the code or link was replaced after this request had found the party or
    campaign.
    """
    name = clean_name(first_name)
    _lock_room(campaign, party)
    if known is not None:
        # Meanwhile a host may remove or rename the caller, or a claim may be under way.
        lock_row(known)
    if known is None or name != known.first_name:
        # An unchanged name needs no check, because a host may have given it.
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
        # The host's page shows who waits.
        mark_after_commit(party.id)
    door_open = party.door_open if party is not None else campaign.door_open
    mark = blocked_addresses.hash_address(campaign.id, address)
    if known is not None and not (back and known.party_id == party_id):
        release_caller(known.id)
    if back and known is not None:
        comes_in = door_open and _may_enter(known, campaign, mark)
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
    _admit_newcomer(caller, campaign, door_open)
    return caller


def _admit_newcomer(caller: Caller, campaign: Campaign, door_open: bool) -> None:
    """Store a newcomer as admitted if `door_open` is true, and as waiting otherwise.

    Even if `door_open` is true, the newcomer waits if `roster.blocked_addresses` gives a reason.
    For some of these reasons, only an organiser may admit the newcomer (`held`). The newcomer is
    flagged if they wait only because of a crowd from one address.
    """
    at = now()
    why_wait = blocked_addresses.reason_to_wait(campaign, caller.address, at)
    caller.state = CallerState.ADMITTED if door_open and not why_wait else CallerState.WAITING
    caller.held = why_wait in blocked_addresses.HOLDS
    db.session.add(caller)
    db.session.flush()
    if why_wait == blocked_addresses.CROWD and door_open:
        blocked_addresses.flag_crowd(caller, campaign, at)


def _may_enter(known: Caller, campaign: Campaign, mark: str | None) -> bool:
    """Whether a known caller may be admitted automatically, like a newcomer.

    The result is false if only an organiser may admit the caller (`held`). Otherwise it is true for
    a caller who is already admitted. For any other caller, it is true if `roster.blocked_addresses`
    returns no reason to wait.
    """
    if known.held:
        return False
    return known.state == CallerState.ADMITTED or not blocked_addresses.reason_to_wait(
        campaign, mark, now()
    )


def _lock_room(campaign: Campaign, party: Party | None) -> None:
    """Lock the row of the party, or of the campaign if there is no party, until the transaction
    ends.

    At the same moment, a host or an organiser may try to stop automatic admission, lock the party
    or replace the link. Their request then waits until this transaction has ended, and finds the
    new caller in the database.

    Raises NotFoundError if the code or link by which the caller joins was replaced before the row
    was locked. Without a party, raises GoneError if the campaign has ended.
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
