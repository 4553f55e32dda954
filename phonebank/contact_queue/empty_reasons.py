"""Finds the reason why a caller gets no contact right now. Claims ask this only if the queue is
empty for the caller. The answer comes from the tables, not from Redis."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import text

from phonebank.contact_queue.caller_filters import languages_for
from phonebank.contact_queue.sql_conditions import (
    LIST_GROUPS,
    is_callable,
    is_in_languages,
    is_in_lists,
)
from phonebank.contact_queue.status_counts import next_callable
from phonebank.core.db import db
from phonebank.models import Caller, Campaign, now
from phonebank.models.contact_list import LIST_STATES_IN_PROGRESS


class EmptyReason(StrEnum):
    """The reasons why a caller gets no contact, as JSON answers name them in `reason`."""

    OUT_OF_HOURS = "out_of_hours"
    RESTING = "resting"
    ON_SCREENS = "on_screens"
    BEING_READ = "being_read"
    LANGUAGE = "language"
    OTHER_LISTS = "other_lists"
    PAUSED = "paused"
    EMPTY = "empty"
    DONE = "done"


# The words that the caller reads: what is wrong, and what to do about it.
MESSAGES: dict[EmptyReason, tuple[str, str]] = {
    EmptyReason.OUT_OF_HOURS: (
        "It's too early or too late to call where the next people live.",
        "Come back later.",
    ),
    EmptyReason.RESTING: (
        "Everyone you can call right now has been called. We'll try some of them again.",
        "Come back later.",
    ),
    EmptyReason.ON_SCREENS: (
        "Everyone who is left is on another caller's screen.",
        "If one of them becomes free, you'll get them.",
    ),
    EmptyReason.BEING_READ: (
        "We're still reading the list.",
        "You'll get the first person in a moment.",
    ),
    EmptyReason.LANGUAGE: (
        "The people who are left speak a language you haven't chosen.",
        "If you speak another one, tell your host or organiser.",
    ),
    EmptyReason.OTHER_LISTS: (
        "Everyone on your lists has been called. Other lists have people left.",
        "Ask your host or organiser for another list.",
    ),
    EmptyReason.PAUSED: (
        "The people who are left are on a list that is paused.",
        "Ask your host or organiser when it resumes.",
    ),
    EmptyReason.EMPTY: ("There's nobody on the list yet.", "Ask your host or organiser."),
    EmptyReason.DONE: ("Everyone on the list has been called. Thank you!", ""),
}

# These reasons may end at any moment, so a page that shows one of them tries again automatically.
PASSING_REASONS = frozenset({EmptyReason.ON_SCREENS, EmptyReason.BEING_READ})

# The query says whether a list has a contact left to call, even if the number of that contact is in
# an open call. The query reads the first row of one index range for each list, zone and language.
_LEFT = text(f"""
SELECT DISTINCT l.removed,
       {is_in_lists("l")} AS in_lists,
       {is_in_languages("lang.code")} AS in_languages
FROM {LIST_GROUPS}
CROSS JOIN (VALUES (false), (true)) AS t(tried)
WHERE l.campaign_id = :campaign_id AND EXISTS (
    SELECT FROM contact
    WHERE contact_list_id = l.id AND zone_key = zone.key AND language = lang.code
      AND tried = t.tried AND {is_callable("contact")}
)
""")  # noqa: S608
_LISTS = text("""
SELECT count(*) AS lists, count(*) FILTER (WHERE state = ANY (:in_progress)) AS being_read,
       coalesce(sum(rows_stored), 0) AS people
FROM contact_list WHERE campaign_id = :campaign_id
""")


class EmptyQueue(NamedTuple):
    """The reason why a caller gets no contact. `next_at` (aware UTC) is when the next contact
    becomes callable for the caller; None if waiting alone does not help."""

    why: EmptyReason
    next_at: datetime | None


def empty_queue_of(campaign: Campaign, caller: Caller) -> EmptyQueue:
    """Return the reason why this caller gets no contact, and until when it applies."""
    coming = next_callable(campaign, caller.list_ids, caller.languages, caller.id)
    if coming.opens_at is not None:
        is_closed = coming.rested_at is not None and coming.rested_at <= now()
        reason = EmptyReason.OUT_OF_HOURS if is_closed else EmptyReason.RESTING
        return EmptyQueue(reason, coming.opens_at)
    if coming.rested_at is not None:
        # The campaign has no calling hours for weeks.
        return EmptyQueue(EmptyReason.OUT_OF_HOURS, None)
    return EmptyQueue(_reason_without_time(campaign, caller), None)


def _reason_without_time(campaign: Campaign, caller: Caller) -> EmptyReason:
    left = db.session.execute(
        _LEFT,
        {
            "campaign_id": campaign.id,
            "list_ids": list(caller.list_ids),
            "languages": languages_for(campaign, caller.languages),
        },
    ).all()
    in_use = [row for row in left if not row.removed]
    if any(row.in_lists and row.in_languages for row in in_use):
        # Some contact is callable, neither waiting nor out of hours, so another caller has its
        # number on screen.
        return EmptyReason.ON_SCREENS
    lists = db.session.execute(
        _LISTS, {"campaign_id": campaign.id, "in_progress": list(LIST_STATES_IN_PROGRESS)}
    ).one()
    if lists.being_read:
        return EmptyReason.BEING_READ
    if any(row.in_lists for row in in_use):
        return EmptyReason.LANGUAGE
    if in_use:
        return EmptyReason.OTHER_LISTS
    if left:
        return EmptyReason.PAUSED
    return EmptyReason.DONE if lists.people else EmptyReason.EMPTY
