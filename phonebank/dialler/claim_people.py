"""Takes people from the queue (claims them) for calls that begin before a caller is free. Commits.

The rules are the same as in `calls.claim`, with two exceptions. The rules that depend on the caller
are checked later, when a caller takes the call. A person whom one particular caller has promised to
call back is not claimed here.
"""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from redis.exceptions import RedisError
from sqlalchemy import text

from phonebank.calls.claim_rows import read_contact
from phonebank.contact_queue.campaign_hours import is_calling_time
from phonebank.contact_queue.number_rest import rests_until
from phonebank.contact_queue.queue import ContactQueue, TakenContact
from phonebank.contact_queue.sql_conditions import is_callable
from phonebank.core.db import db
from phonebank.experiments.script_choice import choose_script
from phonebank.models import Caller, Campaign, Line, LineSide, new_id, now
from phonebank.suppressions.contacts import HAS_SUPPRESSED_NUMBER

# How long a call may stay without a caller. This is enough for the longest ringing and the
# information message.
OPEN_AT_MOST = timedelta(minutes=3)
TRIES_AT_MOST = 5

_CLAIM = text(f"""
WITH free AS (
    SELECT contact.id, contact.phone, contact.campaign_id
    FROM contact JOIN contact_list ON contact_list.id = contact.contact_list_id
    WHERE contact.id = :contact_id AND contact.xmin = CAST(:version AS xid)
      AND {is_callable("contact")} AND NOT contact_list.removed AND NOT {HAS_SUPPRESSED_NUMBER}
    FOR NO KEY UPDATE OF contact SKIP LOCKED
)
INSERT INTO call (id, campaign_id, contact_id, script_version_id, experiment_arm_id, phone,
                  household, started_at, expires_at, reached, conversation, yes, counted, late,
                  note, too_fast, turn)
SELECT :id, campaign_id, id, CAST(:script_version_id AS integer),
       CAST(:experiment_arm_id AS integer), phone, CAST(:household AS jsonb), :at, :until,
       false, false, false, false, false, '', false, 0
FROM free ON CONFLICT DO NOTHING RETURNING id
""")  # noqa: S608


@dataclass(frozen=True)
class _Nobody:
    """A stand-in for the caller, who is not known yet. The stand-in has chosen no contact lists and
    no languages."""

    campaign: Campaign
    id: int = 0
    list_ids: list[int] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    filter_id: int | None = None
    party_id: int | None = None
    party: None = None


def claim_people(
    campaign: Campaign, lines: int, backend: str, decision_id: int | None = None
) -> int:
    """Claim up to `lines` people, and store for each person an open call and a line to dial. Return
    how many people were claimed. This number can be smaller than `lines`, for example if too few
    people can be called now, or if Redis stops answering. Each line stores `decision_id`, the id of
    the pacing rule's decision to dial these lines, or None."""
    line = {"campaign_id": campaign.id, "backend": backend, "decision_id": decision_id}
    nobody = cast(Caller, _Nobody(campaign))
    queue = ContactQueue(campaign, nobody)
    claimed = 0
    try:
        for _ in range(lines):
            claimed += _claim_one(campaign, nobody, queue, line)
    except RedisError:
        db.session.rollback()
    return claimed


def _claim_one(
    campaign: Campaign, nobody: Caller, queue: ContactQueue, line: dict[str, Any]
) -> bool:
    for _ in range(TRIES_AT_MOST):
        taken = queue.take(new_id())
        if taken is None:
            return False
        if _write(campaign, nobody, taken, line):
            db.session.commit()
            _top_up(queue, taken)
            return True
        db.session.rollback()
        queue.release_stale(taken)
    return False


def _top_up(queue: ContactQueue, taken: TakenContact) -> None:
    """Refill the queue if few people are left in it. If Redis does not answer, the queue is not
    refilled. The claim of the person in `taken` then stays valid, and the next claim refills the
    queue."""
    try:
        queue.top_up(taken)
        db.session.commit()
    except RedisError:
        db.session.rollback()


def _write(campaign: Campaign, nobody: Caller, taken: TakenContact, line: dict[str, Any]) -> bool:
    at = now()
    contact: Any = read_contact(taken.contact_id, nobody, at)
    if contact is None or not is_calling_time(campaign, contact.zone_key, at):
        return False
    if contact.callback_caller_id is not None:
        return False  # one caller promised to call this person back
    rest = rests_until(contact.called_elsewhere, campaign, contact.callback_at)
    if rest is not None and rest > at:
        return False
    words = choose_script(contact.words, contact.id)
    values = {
        "id": taken.call_id,
        "contact_id": contact.id,
        "version": contact.row_version,
        "script_version_id": words.script_version_id,
        "experiment_arm_id": words.experiment_arm_id,
        "household": json.dumps([other for other, *_ in contact.household]),
        "at": at,
        "until": at + OPEN_AT_MOST,
    }
    if db.session.scalar(_CLAIM, values) is None:
        return False
    db.session.add(Line(**line, call_id=taken.call_id, contact_id=contact.id, side=LineSide.PERSON))
    db.session.flush()
    return True
