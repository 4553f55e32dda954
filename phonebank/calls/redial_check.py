"""After an undo: may the person be rung again, or may only what is on record be put right?"""

from phonebank.calls.claim import running_campaign
from phonebank.contact_queue.campaign_hours import may_ring
from phonebank.core.db import db
from phonebank.core.errors import GoneError, NotRunningError
from phonebank.models import Call, Caller, Campaign, Contact, ContactList, now


def why_not_to_ring(call: Call, contact: Contact, campaign: Campaign) -> str:
    """In words, why the person of a call that was undone is not to be rung any more; "" where they
    may be.

    A call whose outcome was never undone is under way, and goes on when the hours end or calling is
    paused.
    """
    if not call.turn:
        return ""
    try:
        running_campaign(db.session.get_one(Caller, call.caller_id))
    except (NotRunningError, GoneError) as not_now:
        return not_now.message
    if not may_ring(campaign, contact.zone_key, now()):
        return "It's outside calling hours where they are."
    if db.session.get_one(ContactList, contact.contact_list_id).removed:
        return "Their list is paused."
    return ""
