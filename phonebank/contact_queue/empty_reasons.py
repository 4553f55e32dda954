"""Why a caller can be given nobody just now, in words that are so.

Asked only once the line is empty for them; read from the tables, not from Redis.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import text

from phonebank.contact_queue.refill import served
from phonebank.contact_queue.status_counts import next_callable
from phonebank.core.db import db
from phonebank.models import Caller, Campaign, ContactState, now
from phonebank.models.contact_list import LIST_STATES_IN_PROGRESS
from phonebank.models.state import state_text


class Why(StrEnum):
    """The reasons, as `reason` in JSON answers."""

    OUT_OF_HOURS = "out_of_hours"
    RESTING = "resting"
    ON_SCREENS = "on_screens"
    BEING_READ = "being_read"
    LANGUAGE = "language"
    OTHER_LISTS = "other_lists"
    PAUSED = "paused"
    EMPTY = "empty"
    DONE = "done"


# What is wrong, and what to do about it.
WORDS: dict[Why, tuple[str, str]] = {
    Why.OUT_OF_HOURS: (
        "It's too early or too late to call where the next people live.",
        "Come back later.",
    ),
    Why.RESTING: (
        "Everyone you can call right now has been called. We'll try some of them again.",
        "Come back later.",
    ),
    Why.ON_SCREENS: (
        "Everyone who is left is on another caller's screen.",
        "If one of them becomes free, you'll get them.",
    ),
    Why.BEING_READ: ("We're still reading the list.", "You'll get the first person in a moment."),
    Why.LANGUAGE: (
        "The people who are left speak a language you haven't chosen.",
        "If you speak another one, tell your host or organiser.",
    ),
    Why.OTHER_LISTS: (
        "Everyone on your lists has been called. Other lists have people left.",
        "Ask your host or organiser for another list.",
    ),
    Why.PAUSED: (
        "The people who are left are on a list that is paused.",
        "Ask your host or organiser when it restarts.",
    ),
    Why.EMPTY: ("There's nobody on the list yet.", "Ask your host or organiser."),
    Why.DONE: ("Everyone on the list has been called. Thank you!", ""),
}

# A page that hears one of these tries again by itself: it may be over at any moment.
SOON_OVER = frozenset({Why.ON_SCREENS, Why.BEING_READ})

# Somebody left of a list: their number is in use, and they have not said no. One index range for
# each list, zone and language, and no more than its first row.
_LEFT = state_text(
    """
SELECT DISTINCT l.removed,
       CAST(:list_ids AS integer[]) = '{}' OR l.id = ANY (CAST(:list_ids AS integer[])) AS in_lists,
       lang.code = ANY (CAST(:languages AS text[])) AS in_languages
FROM contact_list l
CROSS JOIN LATERAL jsonb_array_elements_text(l.zone_keys) AS zone(key)
CROSS JOIN LATERAL jsonb_array_elements_text(l.languages) AS lang(code)
CROSS JOIN (VALUES (false), (true)) AS t(tried)
WHERE l.campaign_id = :campaign_id AND EXISTS (
    SELECT FROM contact
    WHERE contact_list_id = l.id AND zone_key = zone.key AND language = lang.code
      AND tried = t.tried AND state = :callable AND suppressed_at IS NULL
)
""",
    callable=ContactState.CALLABLE,
)
_LISTS = text("""
SELECT count(*) AS lists, count(*) FILTER (WHERE state = ANY (:in_progress)) AS being_read,
       coalesce(sum(rows_stored), 0) AS people
FROM contact_list WHERE campaign_id = :campaign_id
""")


class Nobody(NamedTuple):
    """`next_at` is when the next becomes callable for this caller, aware UTC; None where the
    passing of time does not make it so."""

    why: Why
    next_at: datetime | None


def why_nobody(campaign: Campaign, caller: Caller) -> Nobody:
    """The reason why this caller is given nobody, and until when it holds."""
    coming = next_callable(campaign, caller.list_ids, caller.languages, caller.id)
    if coming.opens_at is not None:
        closed = coming.rested_at is not None and coming.rested_at <= now()
        return Nobody(Why.OUT_OF_HOURS if closed else Why.RESTING, coming.opens_at)
    if coming.rested_at is not None:
        return Nobody(Why.OUT_OF_HOURS, None)  # the campaign has no hours for weeks
    return Nobody(_why_none_is_coming(campaign, caller), None)


def _why_none_is_coming(campaign: Campaign, caller: Caller) -> Why:
    left = db.session.execute(
        _LEFT,
        {
            "campaign_id": campaign.id,
            "list_ids": list(caller.list_ids),
            "languages": served(campaign, caller.languages),
        },
    ).all()
    going = [row for row in left if not row.removed]
    if any(row.in_lists and row.in_languages for row in going):
        # Callable, and neither resting nor out of hours: their number is being called.
        return Why.ON_SCREENS
    lists = db.session.execute(
        _LISTS, {"campaign_id": campaign.id, "in_progress": list(LIST_STATES_IN_PROGRESS)}
    ).one()
    if lists.being_read:
        return Why.BEING_READ
    if any(row.in_lists for row in going):
        return Why.LANGUAGE
    if going:
        return Why.OTHER_LISTS
    if left:
        return Why.PAUSED
    return Why.DONE if lists.people else Why.EMPTY
