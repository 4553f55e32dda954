"""PostgreSQL → Redis: keep a few minutes' worth of people ready, and rebuild a lost queue.

Nothing is pushed here by imports, outcomes or organisers: a refill looks at the tables and takes
what may be rung now. Whatever it brings is asked about again when it is claimed.
"""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text

from phonebank.contact_queue.campaign_hours import may_ring
from phonebank.contact_queue.redis_queue import Held, Offer, QueueStore
from phonebank.core.db import db
from phonebank.core.redis import redis_store
from phonebank.models import CallerState, Campaign, ContactState, now
from phonebank.models.state import state_text

log = logging.getLogger(__name__)

# People ready for each caller with a hold, and for a campaign nobody rings in yet. A caller gets
# through fewer than one a minute and a refill comes every quarter of a minute, so this is some
# minutes' worth, and what bounds Redis.
READY_PER_CALLER = 4
READY_AT_LEAST = 100
READY_AT_MOST = 50_000
# Below this share of that number a claim refills at once instead of waiting for the clock.
LOW_WATER = 0.25

# Callbacks due within this time are brought into Redis.
CALLBACKS_AHEAD = timedelta(minutes=2)

# One index range for each list, zone, language and untried-or-tried: each is read in order from
# its start, so the cost follows what is brought, not what the list holds.
_GROUPS = text("""
SELECT l.id, l.priority, zone.key, lang.code
FROM contact_list l
CROSS JOIN LATERAL jsonb_array_elements_text(l.zone_keys) AS zone(key)
CROSS JOIN LATERAL jsonb_array_elements_text(l.languages) AS lang(code)
WHERE l.campaign_id = :campaign_id AND NOT l.removed
""")

_CALLABLE = state_text(
    """
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
      AND state = :callable AND suppressed_at IS NULL
      AND callback_at IS NULL
      AND id <> ALL (CAST(:already AS bigint[]))
      AND NOT EXISTS (SELECT FROM call
                      WHERE call.phone = contact.phone AND call.ended_at IS NULL)
    ORDER BY callable_at, id
    LIMIT :wanted
) c
ORDER BY g.priority, c.tried, c.callable_at, c.id
LIMIT :wanted
""",
    callable=ContactState.CALLABLE,
)

_LANGUAGES_SPOKEN = state_text(
    """
SELECT DISTINCT jsonb_array_elements_text(languages) FROM caller
WHERE campaign_id = :campaign_id AND state = :admitted
""",
    admitted=CallerState.ADMITTED,
)

_OPEN_HOLDS = text("""
SELECT id, contact_id, expires_at FROM call
WHERE campaign_id = :campaign_id AND ended_at IS NULL
""")

_CALLBACKS = state_text(
    """
SELECT c.id, c.contact_list_id, c.language, c.zone_key, c.callback_at, c.callback_caller_id
FROM contact c JOIN contact_list l ON l.id = c.contact_list_id
WHERE c.campaign_id = :campaign_id AND NOT l.removed
  AND c.callback_at <= :until AND c.callable_at <= :until
  AND c.state = :callable AND c.suppressed_at IS NULL
  AND NOT EXISTS (SELECT FROM call WHERE call.phone = c.phone AND call.ended_at IS NULL)
ORDER BY c.callback_at LIMIT 1000
""",
    callable=ContactState.CALLABLE,
)


def store_of(campaign_id: int) -> QueueStore:
    """The campaign's queue in Redis."""
    return QueueStore(redis_store(), campaign_id)


def refill(
    campaign: Campaign, list_ids: Sequence[int] = (), languages: Sequence[str] | None = None
) -> int:
    """Bring up to a few minutes' worth of callable people into line; how many were new.

    Into the lines of callers with these limits: no lists for all of them, no languages for the
    campaign's own. Two at once do no harm: whoever is in line stays there once.
    """
    store = store_of(campaign.id)
    at = now()
    _bring_callbacks(campaign, store, at)
    groups = _open_groups(campaign, at, list_ids)
    enough = target(store.held_count())
    new = 0
    for language in sorted(set(served(campaign) if languages is None else languages)):
        # Each language has a line of its own, so that whoever speaks two is given the foremost of
        # both, and nobody stands in the way of callers who could not talk with them.
        already = store.in_line(language, list_ids)
        wanted = enough - len(already)
        of_language = [group for group in groups if group.code == language]
        if wanted > 0 and of_language:
            new += store.offer(_callable_people(of_language, at, wanted, already), list_ids)
    return new


def served(campaign: Campaign, languages: Sequence[str] = ()) -> list[str]:
    """The languages a caller is given people of: theirs, or the campaign's own where they named
    none; and "", those of whom no language is known."""
    return ["", *(languages or [campaign.language])]


def other_languages_spoken(campaign: Campaign) -> list[str]:
    """The languages besides the campaign's own that admitted callers serve."""
    return [
        language
        for language in db.session.scalars(_LANGUAGES_SPOKEN, {"campaign_id": campaign.id})
        if language not in served(campaign)
    ]


def target(held: int) -> int:
    """How many people to keep in line while `held` are on screens."""
    return min(READY_AT_MOST, READY_AT_LEAST + READY_PER_CALLER * held)


def is_low(store: QueueStore, left: int) -> bool:
    """Whether a claim that left so many in line should refill it."""
    if left >= READY_AT_LEAST * LOW_WATER * READY_PER_CALLER:
        return left < target(store.held_count()) * LOW_WATER
    return left < READY_AT_LEAST * LOW_WATER


def ensure_built(campaign: Campaign) -> None:
    """Rebuild the queue if Redis has lost it, or was started again and has read back an old one;
    wait for the process that is rebuilding it already.

    Several wait at most two seconds: after that the claim finds it built or says so.
    """
    store = store_of(campaign.id)
    give_up_at = time.monotonic() + 2
    while not store.is_built():
        with store.only_one("build") as mine:
            if mine:
                _rebuild(campaign, store)
                return
        if time.monotonic() > give_up_at:
            return
        time.sleep(0.02)


def start_line_afresh(campaign: Campaign) -> None:
    """Empty the line and refill it: much of it has gone stale (a list removed, hours over)."""
    store = store_of(campaign.id)
    store.clear_lines()
    refill(campaign)


def open_holds(campaign: Campaign) -> list[Held]:
    """Who is on which caller's screen, and until when: the truth, of which Redis has a copy."""
    rows = db.session.execute(_OPEN_HOLDS, {"campaign_id": campaign.id})
    return [Held(row.contact_id, row.id, row.expires_at) for row in rows]


def _rebuild(campaign: Campaign, store: QueueStore) -> None:
    # Asked for first: if Redis is started again meanwhile, what was built is not all there.
    run_id = store.run_id()
    store.clear_lines()
    store.hold_only(open_holds(campaign))
    refill(campaign)
    store.mark_built(run_id)
    log.info("queue of campaign %s built", campaign.id)


def _bring_callbacks(campaign: Campaign, store: QueueStore, at: datetime) -> None:
    rows = db.session.execute(
        _CALLBACKS, {"campaign_id": campaign.id, "until": at + CALLBACKS_AHEAD}
    )
    store.offer_callbacks(
        [
            Offer(row.id, row.callback_at.timestamp(), row.contact_list_id, row.language,
                  row.callback_caller_id)
            for row in rows
            if may_ring(campaign, row.zone_key, max(at, row.callback_at))
        ]
    )  # fmt: skip


def groups_of(campaign: Campaign) -> Sequence[Row[*tuple[Any, ...]]]:
    """Each list in calling with each zone key and language of its people: `id` and `priority` of
    the list, `key`, `code`."""
    return db.session.execute(_GROUPS, {"campaign_id": campaign.id}).all()


def _open_groups(
    campaign: Campaign, at: datetime, list_ids: Sequence[int]
) -> list[Row[*tuple[Any, ...]]]:
    """Those with people who may be rung at this hour."""
    return [
        group
        for group in groups_of(campaign)
        if may_ring(campaign, group.key, at) and (not list_ids or group.id in list_ids)
    ]


def _callable_people(
    groups: list[Row[*tuple[Any, ...]]], at: datetime, wanted: int, already: list[int]
) -> list[Offer]:
    rows = db.session.execute(
        _CALLABLE,
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
        Offer(
            row.id,
            place_in_line(row.priority, row.tried, row.callable_at),
            row.list_id,
            row.language,
        )
        for row in rows
    ]


def place_in_line(priority: int, tried: bool, callable_at: datetime) -> float:
    """One number to sort by: list priority, then never tried, then rested longest.

    Seconds since 1970 stay below 10^10 until the year 2286, so the groups cannot overlap, and
    priorities of ±100,000 leave the fractions of a second exact to a millisecond in a double.
    """
    return (priority * 2 + tried) * 1e10 + callable_at.timestamp()
