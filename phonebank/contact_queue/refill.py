"""Copies callable contacts from PostgreSQL into the lanes (the lists of the next contacts) in
Redis, enough for a minute or two of calling. Also rebuilds a queue that Redis has lost.

No other module adds contacts to a lane. A contact in a lane may no longer be callable, so each
contact is checked again in PostgreSQL before a caller gets it.
"""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text

from phonebank.contact_queue.answer_order import ContactGroup, in_answer_order
from phonebank.contact_queue.caller_filters import lane_limits, languages_for
from phonebank.contact_queue.campaign_hours import is_calling_time
from phonebank.contact_queue.holds import open_holds
from phonebank.contact_queue.number_rest import (
    called_elsewhere,
    mark_shared,
    rests_until,
    send_back,
)
from phonebank.contact_queue.redis_queue import QueueEntry, RedisQueue, redis_queue_of
from phonebank.contact_queue.sql_conditions import LIST_GROUPS, has_no_open_call, is_callable
from phonebank.core.db import PLANNED_EACH_TIME, db
from phonebank.models import Campaign, PeopleFilter, now

log = logging.getLogger(__name__)

# A lane should have this many contacts for each contact on a screen, and at least the second
# number. A caller needs less than one contact a minute and a refill runs every 15 seconds, so this
# lasts for several refills. A refill reads over the contacts that the lane has already, so with
# more contacts it would take longer. The third number limits how much memory of Redis a lane uses.
READY_PER_CALLER = 1
READY_AT_LEAST = 100
READY_AT_MOST = 50_000
# A claim refills its lanes at once if they have less than this share of the contacts that they
# should have. Otherwise the periodic job refills them.
LOW_WATER = 0.25

# A refill brings callbacks into Redis that are due within this time.
CALLBACKS_AHEAD = timedelta(minutes=2)
# One refill brings at most this many callbacks into Redis.
CALLBACKS_AT_MOST = 1000

# If a refill finds contacts whose number rests, it moves them away and reads more, in larger pieces
# and for at most this many seconds. The next refill continues from there.
PIECE_AFTER_RESTING = 1000
READ_ON_SECONDS = 0.5

_GROUPS = text(f"""
SELECT l.id, l.priority, zone.key, lang.code
FROM {LIST_GROUPS}
WHERE l.campaign_id = :campaign_id AND NOT l.removed
""")  # noqa: S608

# The query reads one index range for each list, zone and language, once for contacts that were
# never tried and once for the others. PostgreSQL reads each range in order and stops at the limit,
# so the size of the list does not matter.
_NEXT_CONTACTS = text(f"""
SELECT c.id, g.list_id, g.priority, c.tried, c.callable_at, c.language, c.zone_key,
       {called_elsewhere("c")} AS called_elsewhere
FROM unnest(CAST(:list_ids AS integer[]), CAST(:priorities AS integer[]),
            CAST(:zone_keys AS text[]), CAST(:languages AS text[]))
     AS g(list_id, priority, zone_key, language)
CROSS JOIN (VALUES (false), (true)) AS t(tried)
CROSS JOIN LATERAL (
    SELECT id, tried, callable_at, language, phone, campaign_id, contact.zone_key
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

# The next two queries find the same contacts, but only those that a filter chooses. If the filter
# has at most _FEW people, PostgreSQL reads and sorts all of them. If it has more people, most
# contacts in a list's range fit it, so PostgreSQL reads the range in order.
_FEW = 20_000
_NEXT_OF_MANY = text(
    _NEXT_CONTACTS.text.replace(
        "AND callback_at IS NULL",
        "AND callback_at IS NULL AND EXISTS (SELECT FROM filter_member"
        " WHERE filter_id = :filter_id AND contact_id = contact.id)",
    )
)
_NEXT_OF_FEW = text(f"""
SELECT c.id, g.list_id, g.priority, c.tried, c.callable_at, c.language, c.zone_key,
       {called_elsewhere("c")} AS called_elsewhere
FROM filter_member AS member
JOIN contact c ON c.id = member.contact_id
JOIN unnest(CAST(:list_ids AS integer[]), CAST(:priorities AS integer[]),
            CAST(:zone_keys AS text[]), CAST(:languages AS text[]))
     AS g(list_id, priority, zone_key, language)
  ON g.list_id = c.contact_list_id AND g.zone_key = c.zone_key AND g.language = c.language
WHERE member.filter_id = :filter_id AND c.callable_at <= :now
  AND {is_callable("c")}
  AND c.callback_at IS NULL
  AND c.id <> ALL (CAST(:already AS bigint[]))
  AND {has_no_open_call("c")}
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
    campaign: Campaign,
    list_ids: Sequence[int] = (),
    languages: Sequence[str] | None = None,
    filter_id: int | None = None,
) -> int:
    """Copy callable contacts into the lanes (lists of the next contacts, in Redis) of callers who
    are limited to these lists, languages and filter. Each lane then has enough contacts for a
    minute or two of calling, or all that are callable. Return how many contacts were added to the
    lanes.

    Also copy the campaign's callbacks that are due now or within CALLBACKS_AHEAD, whatever their
    list and language, up to CALLBACKS_AT_MOST. A callback is left out if it would be outside
    calling hours.

    An empty `list_ids` means all lists. If `languages` is None, add only contacts whose language is
    unknown or is the campaign's own. In `languages`, "" stands for an unknown language. `filter_id`
    is the id of the filter that chooses the contacts, or None if every contact may be added. Two
    refills at the same time do no harm, because a lane cannot contain the same contact twice.
    """
    redis_queue = redis_queue_of(campaign.id)
    at = now()
    _add_due_callbacks(campaign, redis_queue, at)
    groups = in_answer_order(campaign, _open_groups(campaign, at, list_ids), at)
    enough = lane_length(redis_queue.held_count())
    new = 0
    for language in sorted(set(languages_for(campaign) if languages is None else languages)):
        # Each language has its own lane. A caller of two languages gets the first contact of both
        # lanes, and callers who do not speak a language are not delayed by its contacts.
        limits = lane_limits(list_ids, filter_id)
        already = redis_queue.lane(language, limits)
        wanted = enough - len(already)
        of_language = [group for group in groups if group.code == language]
        if wanted > 0 and of_language:
            found = _next_contacts(campaign, of_language, at, wanted, already, filter_id)
            new += redis_queue.add(found, limits)
    return new


def refill_from_empty(campaign: Campaign) -> None:
    """Remove every contact from the lanes (lists of the next contacts) and every callback from
    Redis. Then copy the callbacks that are due, and refill the lanes for callers who are limited
    neither to some lists nor to a filter, in the campaign's own language.

    A claim (a request for a contact) does this if it has got several contacts in a row that could
    no longer be called. Then many contacts have changed, for example because a list was paused or
    calling hours ended.
    """
    redis_queue_of(campaign.id).clear_lanes()
    refill(campaign)


def lane_length(held: int) -> int:
    """Return how many contacts a lane (a list of the next contacts) should have when calls of the
    campaign hold `held` contacts."""
    return min(READY_AT_MOST, READY_AT_LEAST + READY_PER_CALLER * held)


def is_low(left: int, held: int) -> bool:
    """Whether a caller's lanes (lists of the next contacts) should be refilled at once. `left` is
    how many contacts remain in these lanes, and `held` is how many contacts the campaign's calls
    hold."""
    return left < lane_length(held) * LOW_WATER


def ensure_built(campaign: Campaign) -> None:
    """Rebuild the queue if Redis has lost it, or if Redis was restarted and may have loaded an old
    queue.

    If another process is already rebuilding the queue, wait up to two seconds for that process to
    finish. If it does not finish in this time, return although the queue is not complete.
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


def contact_groups(campaign: Campaign) -> list[ContactGroup]:
    """Return the contact groups of every list that is not paused: one group for each combination of
    a zone key and a language. A zone key names the time zones in which a contact may be. A group
    may have no contacts."""
    rows = db.session.execute(_GROUPS, {"campaign_id": campaign.id})
    return [ContactGroup(*row) for row in rows]


def lane_score(priority: int, tried: bool, callable_at: datetime) -> float:
    """Return the score that decides a contact's position in a lane (a list of the next contacts).
    The contact with the lowest score comes first.

    Contacts are ordered first by list priority. Among contacts with the same priority, those that
    have never been tried come first. Among those that are still equal, the contact that has been
    callable for longest comes first. The score is the sum of three parts: the priority, whether the
    contact was tried, and the time in seconds since 1970. These seconds stay below 10^10 until the
    year 2286, so the parts cannot overlap. Even with priorities of ±100,000, a double keeps the
    time exact to a quarter of a second.
    """
    return (priority * 2 + tried) * 1e10 + callable_at.timestamp()


def _rebuild(campaign: Campaign, redis_queue: RedisQueue) -> None:
    # The run id is read first. If Redis restarts during the rebuild, part of the new queue is lost.
    # `built` then has the id of the old run, so the next claim rebuilds again.
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


def _open_groups(campaign: Campaign, at: datetime, list_ids: Sequence[int]) -> list[ContactGroup]:
    """Return the contact groups whose time zones are inside calling hours at `at` (aware). If
    `list_ids` is not empty, return only groups on these lists."""
    return [
        group
        for group in contact_groups(campaign)
        if is_calling_time(campaign, group.key, at) and (not list_ids or group.id in list_ids)
    ]


def _next_contacts(
    campaign: Campaign,
    groups: list[ContactGroup],
    at: datetime,
    wanted: int,
    already: list[int],
    filter_id: int | None,
) -> list[QueueEntry]:
    """Return up to `wanted` contacts that callers may get now. If the number of a contact rests
    after a call in another campaign, skip the contact, and make it wait until the rest ends
    (`send_back`). If `mark_shared` returns False, skip every contact whose number is also in
    another campaign. The result may have fewer contacts, because the search stops after
    READ_ON_SECONDS."""
    give_up_at = time.monotonic() + READ_ON_SECONDS
    piece = wanted
    while True:
        rows = _read_contacts(groups, at, piece, already, filter_id)
        if not mark_shared(campaign, rows):
            rows = [row for row in rows if not row.called_elsewhere]
        rests = [(row, rests_until(row.called_elsewhere, campaign, None)) for row in rows]
        resting = [(row, until) for row, until in rests if until is not None and until > at]
        if resting:
            send_back(campaign, resting)
        ids = {row.id for row, _ in resting}
        ready = [row for row in rows if row.id not in ids][:wanted]
        if len(ready) == wanted or len(rows) < piece or time.monotonic() > give_up_at:
            break
        piece = max(wanted, PIECE_AFTER_RESTING)
    return [
        QueueEntry(
            row.id,
            lane_score(row.priority, row.tried, row.callable_at),
            row.list_id,
            row.language,
        )
        for row in ready
    ]


def _read_contacts(
    groups: list[ContactGroup],
    at: datetime,
    wanted: int,
    already: list[int],
    filter_id: int | None,
) -> Sequence[Row[*tuple[Any, ...]]]:
    values = {
        "list_ids": [group.id for group in groups],
        "priorities": [group.priority for group in groups],
        "zone_keys": [group.key for group in groups],
        "languages": [group.code for group in groups],
        "now": at,
        "already": already,
        "wanted": wanted,
    }
    statement = _NEXT_CONTACTS
    if filter_id is not None:
        chosen = db.session.get(PeopleFilter, filter_id)
        if chosen is None:
            return []
        statement = _NEXT_OF_FEW if chosen.people <= _FEW else _NEXT_OF_MANY
        values["filter_id"] = filter_id
    # `already` may have 10,000 ids. A kept plan would compare each contact with each id.
    options = {PLANNED_EACH_TIME: True}
    return db.session.execute(statement, values, execution_options=options).all()
