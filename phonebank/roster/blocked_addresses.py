"""Decides which newcomers must wait because of their network address, even if other newcomers are
admitted immediately (the door is open).

Phonebank limits how many contacts a caller may see, but it cannot tell whether a new phone belongs
to a new caller. So a person who joins again with another phone would have no contacts counted
against them. That is why Phonebank checks the network address of a newcomer. Phonebank stores only
a keyed hash of the address, and deletes the hash when the caller has not been seen for seven days.
Within a campaign, equal hashes mean equal addresses. Without the server's key, the hash does not
reveal the address.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

from sqlalchemy import func, text, update

from phonebank.core.config import current_config
from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.models import Caller, CallerState, Campaign, DoorStop, now
from phonebank.models.state_column import state_text
from phonebank.roster import pace

# The reasons why a newcomer waits. STOPPED: an organiser stopped a caller from this address.
# PAUSED: a caller from this address is paused, or has a flag that no organiser has reviewed. CROWD:
# all newcomers from this address together have seen too many people within the hour.
STOPPED = "stopped"
PAUSED = "paused"
CROWD = "crowd"
# For these reasons only an organiser can admit the caller. A crowd from one address may be a party
# in one house, so the host may admit such callers.
HOLDS = (STOPPED, PAUSED)

STOPPED_FOR = timedelta(days=1)
ADDRESS_KEPT_FOR = timedelta(days=7)
FLAGGED_WITHIN = timedelta(hours=1)
# A phone that has just joined counts for as many people as it may see in its first minute.
# Otherwise an attacker could let a hundred phones join before the first of them sees anyone.
EACH_AT_LEAST = 8

# This statement finds paused callers by their flags, because every paused caller has a flag. There
# are few flags, while a hall may have hundreds of callers.
_LOOK = text("""
SELECT EXISTS (
           SELECT FROM door_stop
           WHERE campaign_id = :campaign_id AND address = :address AND until > :at
       ) AS stopped,
       EXISTS (
           SELECT FROM pace_flag f JOIN caller k ON k.id = f.caller_id
           WHERE f.campaign_id = :campaign_id AND f.looked_at IS NULL AND f.kind <> :crowd
             AND k.address = :address AND (k.paused_until > :at OR f.last_at > :flagged_since)
       ) AS paused
""")
# A waiting caller has usually seen no contact. If they moved here from another room, the contacts
# that they saw there count.
_SEEN_BY_NEWCOMERS = state_text(
    """
SELECT coalesce(sum(greatest(
           CASE WHEN k.state <> :waiting THEN :each_at_least ELSE 0 END, seen.people)), 0)
FROM caller k
CROSS JOIN LATERAL (
    SELECT count(*) AS people FROM call WHERE caller_id = k.id AND started_at > :hour_ago
) seen
WHERE k.campaign_id = :campaign_id AND k.address = :address AND k.created_at > :hour_ago
""",
    waiting=CallerState.WAITING,
)
# Newcomers who join from one address at the same moment are checked one after another.
_ONE_BY_ONE = text("SELECT pg_advisory_xact_lock(hashtextextended(:address, 0))")


def hash_address(campaign_id: int, address: str) -> str | None:
    """Return the keyed hash of an address, or None if `address` is "". Each campaign has a
    different hash for the same address."""
    if not address:
        return None
    key = current_config().secret_key.encode()
    return hmac.new(key, f"door {campaign_id} {address}".encode(), hashlib.sha256).hexdigest()


def reason_to_wait(campaign: Campaign, hashed: str | None, at: datetime) -> str:
    """Return the reason why a newcomer with this hashed address must wait: STOPPED, PAUSED or
    CROWD. Return "" if the newcomer need not wait, or if `hashed` is None.

    Other newcomers from the same address are checked only after this transaction has ended.
    """
    if hashed is None:
        return ""
    db.session.execute(_ONE_BY_ONE, {"address": hashed})
    where = {"campaign_id": campaign.id, "address": hashed}
    look = db.session.execute(
        _LOOK,
        where | {"at": at, "flagged_since": at - FLAGGED_WITHIN, "crowd": pace.NEWCOMERS},
    ).one()
    if look.stopped:
        return STOPPED
    if look.paused:
        return PAUSED
    if campaign.newcomers_people_an_hour >= pace.BUDGET_AT_MOST:
        return ""
    return CROWD if _seen(campaign, hashed, at) >= campaign.newcomers_people_an_hour else ""


def flag_crowd(newcomer: Caller, campaign: Campaign, at: datetime) -> None:
    """Flag this newcomer for the organisers. The newcomer must wait because newcomers from the same
    address have together been shown too many contacts within an hour. If the newcomer's address is
    not known, do nothing."""
    if newcomer.address is not None:
        seen = _seen(campaign, newcomer.address, at)
        pace.flag(newcomer, pace.NEWCOMERS, seen, campaign.newcomers_people_an_hour, at)


def stop_address(caller: Caller, at: datetime) -> bool:
    """For a day, make newcomers from the caller's address wait until an organiser admits them.

    Return False if the caller's address is not known, otherwise True.
    """
    if caller.address is None:
        return False
    db.session.add(
        DoorStop(
            campaign_id=caller.campaign_id,
            caller_id=caller.id,
            address=caller.address,
            until=at + STOPPED_FOR,
        )
    )
    return True


@job(CHORES, timeout=60)
def forget_addresses() -> None:
    """Delete the stored address of each caller who has not been seen for seven days. Also delete
    the records of stopped addresses (see `stop_address`) whose day is over.

    This is a periodic job, and running it twice does no harm.
    """
    at = now()
    db.session.execute(
        update(Caller)
        .where(
            Caller.address.is_not(None),
            func.coalesce(Caller.seen_at, Caller.created_at) < at - ADDRESS_KEPT_FOR,
        )
        .values(address=None)
        .execution_options(synchronize_session=False)
    )
    db.session.execute(text("DELETE FROM door_stop WHERE until < :at"), {"at": at})
    db.session.commit()


def _seen(campaign: Campaign, hashed: str, at: datetime) -> int:
    values = {
        "campaign_id": campaign.id,
        "address": hashed,
        "hour_ago": at - pace.HOUR,
        "each_at_least": EACH_AT_LEAST,
    }
    return int(db.session.scalar(_SEEN_BY_NEWCOMERS, values) or 0)
