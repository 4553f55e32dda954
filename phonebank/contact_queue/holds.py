"""Ending and copying holds: the call's row in PostgreSQL, and its copy in Redis.

Nothing here commits. Redis follows once the transaction has committed.
"""

from sqlalchemy import select

from phonebank.contact_queue.redis_queue import Held
from phonebank.contact_queue.refill import store_of
from phonebank.core.db import after_commit, db
from phonebank.models import Call, CallEnding, now


def release_caller(caller_id: int) -> int:
    """Take away whatever a caller holds (they left, or were removed); how many holds that was."""
    open_calls = db.session.scalars(
        select(Call)
        .where(Call.caller_id == caller_id, Call.ended_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for call in open_calls:
        end_hold(call, CallEnding.TAKEN_AWAY)
    return len(open_calls)


def end_hold(call: Call, ending: CallEnding) -> None:
    """Close the call's row in this transaction, and free the person in Redis once it commits."""
    call.ended_at = now()
    call.ending = ending
    release_after_commit(call)


def release_after_commit(call: Call) -> None:
    """Free the call's person in Redis once this transaction commits, if it is this call that holds
    them there."""
    store, contact_id, call_id = store_of(call.campaign_id), call.contact_id, call.id
    after_commit(lambda: store.release(contact_id, call_id))


def hold_after_commit(call: Call) -> None:
    """Have Redis know once this transaction commits that the call holds its person, until when."""
    copy_after_commit(call.campaign_id, Held(call.contact_id, call.id, call.expires_at))


def copy_after_commit(campaign_id: int, held: Held) -> None:
    """Have Redis copy a hold once this transaction commits."""
    store = store_of(campaign_id)
    after_commit(lambda: store.hold(held))
