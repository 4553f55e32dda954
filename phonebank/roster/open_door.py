"""Who waits at an open door: newcomers from where somebody was stopped, or went too fast.

A new phone is a new caller, with budgets of its own. So the door looks where a newcomer comes from.
Of an address only a keyed hash is kept, for some days: it tells whether two are the same, and
nobody can read the address off it without the server's key.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import func, text, update

from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.models import Caller, Campaign, DoorStop, now
from phonebank.roster import pace

# Why somebody waits: their address was stopped; a caller from there is paused, or is flagged and
# nobody has looked; those who came from there within the hour have seen a crowd of people.
STOPPED = "stopped"
PAUSED = "paused"
CROWD = "crowd"
# For these an organiser must let them in. A crowd from one address may be a party in one house, and
# its host can.
HOLDS = (STOPPED, PAUSED)

STOPPED_FOR = timedelta(days=1)
ADDRESS_KEPT_FOR = timedelta(days=7)
FLAGGED_WITHIN = timedelta(hours=1)
# A phone that has just come in is counted for as many people as it may see in its first minute: a
# hundred phones may be made ready before the first of them begins.
EACH_AT_LEAST = 8

# All in one statement, read from the flags: there are few, and a hall may have hundreds of callers.
# A caller who is paused has one.
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
# Who waits has been nowhere, or was in and waits at another door since: that one's people count.
_SEEN_BY_NEWCOMERS = text("""
SELECT coalesce(sum(greatest(
           CASE WHEN k.state <> 'waiting' THEN :each_at_least ELSE 0 END, seen.people)), 0)
FROM caller k
CROSS JOIN LATERAL (
    SELECT count(*) AS people FROM call WHERE caller_id = k.id AND started_at > :hour_ago
) seen
WHERE k.campaign_id = :campaign_id AND k.address = :address AND k.created_at > :hour_ago
""")
# Those who come from one address at the same moment look one after another.
_ONE_BY_ONE = text("SELECT pg_advisory_xact_lock(hashtextextended(:address, 0))")


def mark_of(campaign_id: int, address: str) -> str | None:
    """The keyed hash of an address, another one in each campaign; None for no address."""
    if not address:
        return None
    key = current_app.extensions["phonebank"].secret_key.encode()
    return hmac.new(key, f"door {campaign_id} {address}".encode(), hashlib.sha256).hexdigest()


def why_to_wait(campaign: Campaign, mark: str | None, at: datetime) -> str:
    """Why a newcomer with this mark waits at the door: STOPPED, PAUSED or CROWD; "" for no reason.

    Locks the address for the transaction.
    """
    if mark is None:
        return ""
    db.session.execute(_ONE_BY_ONE, {"address": mark})
    where = {"campaign_id": campaign.id, "address": mark}
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
    return CROWD if _seen(campaign, mark, at) >= campaign.newcomers_people_an_hour else ""


def flag_crowd(newcomer: Caller, campaign: Campaign, at: datetime) -> None:
    """Tell the organisers that a newcomer waits because of the crowd they came with."""
    if newcomer.address is not None:
        seen = _seen(campaign, newcomer.address, at)
        pace.flag(newcomer, pace.NEWCOMERS, seen, campaign.newcomers_people_an_hour, at)


def stop_address(caller: Caller, at: datetime) -> bool:
    """Have newcomers from the caller's address wait for an organiser, for a day. False where it is
    not known."""
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
    """Forget each address some days after its caller was last here, and what is no longer stopped.
    Periodic; harmless when run twice."""
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


def _seen(campaign: Campaign, mark: str, at: datetime) -> int:
    values = {
        "campaign_id": campaign.id,
        "address": mark,
        "hour_ago": at - pace.HOUR,
        "each_at_least": EACH_AT_LEAST,
    }
    return int(db.session.scalar(_SEEN_BY_NEWCOMERS, values) or 0)
