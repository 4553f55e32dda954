"""Takes contacts from the queue for claims, releases contacts, and tops up the lanes. A claim gives
a caller a contact. A lane is a list of the next contacts, in Redis.

Redis proposes a contact, and PostgreSQL decides whether the contact can be called. `take` gives a
contact to only one caller, but the data in Redis may be out of date. So the claim checks the
contact in PostgreSQL, and calls `release` or `release_stale` if the contact cannot be called.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import bindparam, select

from phonebank.contact_queue.caller_filters import (
    filter_of,
    lane_limits,
    languages_for,
    other_languages_spoken,
)
from phonebank.contact_queue.redis_queue import HeldContact, TakeResult, redis_queue_of
from phonebank.contact_queue.refill import ensure_built, is_low, refill, refill_from_empty
from phonebank.core.db import db
from phonebank.models import Call, Caller, Campaign, now

# If a claim gets this many contacts in a row that cannot be called, many contacts have changed: for
# example, a list was removed, or calling hours ended. Then the claim empties and refills the lanes.
STALE_IN_A_ROW = 5

# The statement is built once, because building it takes longer than PostgreSQL takes to answer it.
_OPEN_CALL_WITH = select(Call.id, Call.expires_at).where(
    Call.contact_id == bindparam("contact_id"), Call.ended_at.is_(None)
)


@dataclass(frozen=True)
class TakenContact:
    """A contact that `ContactQueue.take` has marked as held in Redis, for a call that PostgreSQL
    does not have yet. `left` is the number of contacts that remain in the caller's lanes (lists of
    the next contacts). `held` is the number of held contacts in the whole campaign."""

    contact_id: int
    call_id: uuid.UUID
    left: int
    held: int


class ContactQueue:
    """The queue of one campaign, from which one caller takes contacts. The methods do not commit,
    and they raise RedisError while Redis is unavailable."""

    def __init__(self, campaign: Campaign, caller: Caller) -> None:
        self._campaign = campaign
        self._caller = caller
        self._redis = redis_queue_of(campaign.id)
        self._stale_in_a_row = 0

    def take(self, call_id: uuid.UUID) -> TakenContact | None:
        """Take the next contact for the caller and mark it in Redis as held by `call_id`, a call
        that PostgreSQL does not have yet. Return None if there is no contact. If Redis has lost the
        queue, rebuild the queue. If Redis has no contact for the caller, refill the caller's lanes
        (lists of the next contacts). After STALE_IN_A_ROW contacts that could not be called, first
        empty all lanes of the campaign (see `refill_from_empty`). This happens at most once for
        each ContactQueue."""
        if self._stale_in_a_row == STALE_IN_A_ROW:
            refill_from_empty(self._campaign)
        found = self._take(call_id)
        if found.lost:
            ensure_built(self._campaign)
            found = self._take(call_id)
        if found.contact_id is None:
            self._refill()
            found = self._take(call_id)
        if found.contact_id is None:
            return None
        return TakenContact(found.contact_id, call_id, found.left, found.held)

    def release(self, taken: TakenContact) -> None:
        """In Redis, free a contact whose call was not written to PostgreSQL."""
        self._redis.release(taken.contact_id, taken.call_id)

    def release_stale(self, taken: TakenContact) -> None:
        """In Redis, free a contact that cannot be called. If the contact is in another open call in
        PostgreSQL, Redis must have lost that call's hold, so the hold is copied to Redis again."""
        self.release(taken)
        self._stale_in_a_row += 1
        holder = db.session.execute(_OPEN_CALL_WITH, {"contact_id": taken.contact_id}).one_or_none()
        if holder is not None:
            self._redis.copy_holds(HeldContact(taken.contact_id, holder.id, holder.expires_at))

    def top_up(self, taken: TakenContact) -> None:
        """Refill the caller's lanes (the lists of the next contacts, in Redis) if few contacts were
        left in them when `taken` was taken. Do nothing if another process is refilling lanes of the
        campaign."""
        if is_low(taken.left, taken.held):
            with self._redis.lock("refill") as is_mine:
                if is_mine:
                    self._refill()

    def _take(self, call_id: uuid.UUID) -> TakeResult:
        at = now()
        until = at + timedelta(seconds=self._campaign.hold_seconds)
        caller = self._caller
        limits = lane_limits(caller.list_ids, filter_of(caller))
        return self._redis.take(at, until, caller.id, call_id, limits, self._languages())

    def _refill(self) -> None:
        caller = self._caller
        refill(self._campaign, caller.list_ids, self._languages(), filter_of(caller))

    def _languages(self) -> list[str]:
        return languages_for(self._campaign, self._caller.languages)


def top_up_campaign(campaign: Campaign) -> bool:
    """Refill the campaign's lanes (the lists of the next contacts, in Redis). Contacts are added
    whose language is unknown, is the campaign's, or was chosen by an admitted caller. If Redis has
    lost the queue, first rebuild the queue. Return False if another process is refilling.

    This function does not refill the lanes of callers who are limited to some lists or to a filter.
    Those lanes are refilled when one of these callers asks for a contact, if few contacts or none
    are left in them.
    """
    ensure_built(campaign)
    with redis_queue_of(campaign.id).lock("refill") as is_mine:
        if is_mine:
            refill(campaign)
            refill(campaign, languages=other_languages_spoken(campaign))
        return is_mine
