"""Brings contacts from PostgreSQL to Redis, so that a few minutes' worth is ready, and rebuilds a
lost queue.

Nothing else adds contacts to the queue. A refill reads the callable contacts from the tables, and
each claim checks its contact again.
"""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text

from phonebank.contact_queue.caller_filters import languages_for
from phonebank.contact_queue.campaign_hours import is_calling_time
from phonebank.contact_queue.holds import open_holds
from phonebank.contact_queue.redis_queue import QueueEntry, RedisQueue, redis_queue_of
from phonebank.contact_queue.sql_conditions import LIST_GROUPS, has_no_open_call, is_callable
from phonebank.core.db import db
from phonebank.models import Campaign, now

log = logging.getLogger(__name__)

# The number of ready contacts for each caller with a hold, and for a campaign without callers yet.
# A caller needs less than one contact a minute and a refill runs every 15 seconds, so this lasts
# some minutes, and limits what Redis holds.
READY_PER_CALLER = 4
READY_AT_LEAST = 100
READY_AT_MOST = 50_000
# Below this share of that number a claim refills at once instead of waiting for the clock.
LOW_WATER = 0.25

# Callbacks that are due within this time are brought into Redis.
CALLBACKS_AHEAD = timedelta(minutes=2)
# At most so many callbacks are brought into Redis at once.
CALLBACKS_AT_MOST = 1000

_GROUPS = text(f"""
SELECT l.id, l.priority, zone.key, lang.code
FROM {LIST_GROUPS}
WHERE l.campaign_id = :campaign_id AND NOT l.removed
""")  # noqa: S608

# The query has one index range for each list, zone and language, and again for untried and tried
# contacts. PostgreSQL reads each in order from its start, so the cost follows what the query
# returns, not what the list holds.
_NEXT_CONTACTS = text(f"""
SELECT c.id, g.list_id, g.priority, c.tried, c.callable_at, c.language
FROM unnest(CAST(:list_ids AS integer[]), CAST(:priorities AS integer[]),
            CAST(:zone_keys AS text[]), CAST(:languages AS text[]))
     AS g(list_id, priority, zone_key, language)
CROSS JOIN (VALUES (false), (true)) AS t(tried)
CROSS JOIN LATERAL (
    SELECT id, tried, callable_at, language
    FROM contact
    WHERE contact_list_id = g.list_id AND zone_key = g.zone_key AND language = g.language
      AND tried = t.tried AND callable_at <= :now
      AND {is_callable("contact")}
      AND callback_at IS NULL
      AND id <> ALL (CAST(:already AS bigint[]))
      AND {has_no_open_call("contact")}
    ORDER BY callable_at, id
    LIMIT :wanted
) c
ORDER BY g.priority, c.tried, c.callable_at, c.id
LIMIT :wanted
""")  # noqa: S608

_DUE_CALLBACKS = text(f"""
SELECT c.id, c.contact_list_id, c.language, c.zone_key, c.callback_at, c.callback_caller_id
FROM contact c JOIN contact_list l ON l.id = c.contact_list_id
WHERE c.campaign_id = :campaign_id AND NOT l.removed
  AND c.callback_at <= :until AND c.callable_at <= :until
  AND {is_callable("c")}
  AND {has_no_open_call("c")}
ORDER BY c.callback_at LIMIT {CALLBACKS_AT_MOST}
""")  # noqa: S608


def refill(
    campaign: Campaign, list_ids: Sequence[int] = (), languages: Sequence[str] | None = None
) -> int:
    """Bring up to a few minutes' worth of callable contacts into lanes. Return how many were new.

    The lanes belong to callers with these limits. No `list_ids` means all lists, and no `languages`
    means the campaign's own. Two refills at once do no harm: a lane holds a contact only once.
    """
    redis_queue = redis_queue_of(campaign.id)
    at = now()
    _add_due_callbacks(campaign, redis_queue, at)
    groups = _open_groups(campaign, at, list_ids)
    enough = lane_length(redis_queue.held_count())
    new = 0
    for language in sorted(set(languages_for(campaign) if languages is None else languages)):
        # Each language has a lane of its own, so that a caller of two languages gets the first of
        # both, and a contact never delays callers who do not speak its language.
        already = redis_queue.lane(language, list_ids)
        wanted = enough - len(already)
        of_language = [group for group in groups if group.code == language]
        if wanted > 0 and of_language:
            new += redis_queue.add(_next_contacts(of_language, at, wanted, already), list_ids)
    return new


def refill_from_empty(campaign: Campaign) -> None:
    """Empty every lane, and refill the lanes of the campaign's own language. This is for when many
    contacts in the lanes may no longer be called, because a list was removed or calling hours
    ended."""
    redis_queue_of(campaign.id).clear_lanes()
    refill(campaign)


def lane_length(held: int) -> int:
    """Return how many contacts a lane should have while `held` contacts are on screens."""
    return min(READY_AT_MOST, READY_AT_LEAST + READY_PER_CALLER * held)


def is_low(left: int, held: int) -> bool:
    """Whether a claim should refill its lanes, which have this many contacts left, while `held`
    contacts are on screens."""
    return left < lane_length(held) * LOW_WATER


def ensure_built(campaign: Campaign) -> None:
    """Rebuild the queue if Redis has lost it, or if Redis was started again and has read back an
    old queue.

    If another process is rebuilding it already, wait at most two seconds for that process.
    """
    redis_queue = redis_queue_of(campaign.id)
    give_up_at = time.monotonic() + 2
    while not redis_queue.is_built():
        with redis_queue.lock("build") as is_mine:
            if is_mine:
                _rebuild(campaign, redis_queue)
                return
        if time.monotonic() > give_up_at:
            return
        time.sleep(0.02)


def contact_groups(campaign: Campaign) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return each list that is not removed, with each zone key and language of its contacts, as
    rows of `id` and `priority` of the list, `key` of the zone, `code` of the language."""
    return db.session.execute(_GROUPS, {"campaign_id": campaign.id}).all()


def lane_score(priority: int, tried: bool, callable_at: datetime) -> float:
    """Return a contact's position in a lane: by list priority, then contacts that were never tried
    before others, then by how long they have been callable.

    Seconds since 1970 stay below 10^10 until the year 2286, so the groups cannot overlap, and
    priorities of ±100,000 leave the fractions of a second exact to a millisecond in a double.
    """
    return (priority * 2 + tried) * 1e10 + callable_at.timestamp()


def _rebuild(campaign: Campaign, redis_queue: RedisQueue) -> None:
    # The run id is read first. If Redis starts again meanwhile, part of the new queue is lost, and
    # the id of the old run in `built` shows that.
    run_id = redis_queue.run_id()
    redis_queue.clear_lanes()
    redis_queue.replace_holds(open_holds(campaign.id))
    refill(campaign)
    redis_queue.mark_built(run_id)
    log.info("queue of campaign %s built", campaign.id)


def _add_due_callbacks(campaign: Campaign, redis_queue: RedisQueue, at: datetime) -> None:
    rows = db.session.execute(
        _DUE_CALLBACKS, {"campaign_id": campaign.id, "until": at + CALLBACKS_AHEAD}
    )
    redis_queue.add_callbacks(
        [
            QueueEntry(row.id, row.callback_at.timestamp(), row.contact_list_id, row.language,
                       row.callback_caller_id)
            for row in rows
            if is_calling_time(campaign, row.zone_key, max(at, row.callback_at))
        ]
    )  # fmt: skip


def _open_groups(
    campaign: Campaign, at: datetime, list_ids: Sequence[int]
) -> list[Row[*tuple[Any, ...]]]:
    """Return the contact groups whose time zones are inside calling hours at `at`."""
    return [
        group
        for group in contact_groups(campaign)
        if is_calling_time(campaign, group.key, at) and (not list_ids or group.id in list_ids)
    ]


def _next_contacts(
    groups: list[Row[*tuple[Any, ...]]], at: datetime, wanted: int, already: list[int]
) -> list[QueueEntry]:
    rows = db.session.execute(
        _NEXT_CONTACTS,
        {
            "list_ids": [group.id for group in groups],
            "priorities": [group.priority for group in groups],
            "zone_keys": [group.key for group in groups],
            "languages": [group.code for group in groups],
            "now": at,
            "already": already,
            "wanted": wanted,
        },
    )
    return [
        QueueEntry(
            row.id,
            lane_score(row.priority, row.tried, row.callable_at),
            row.list_id,
            row.language,
        )
        for row in rows
    ]
