"""Finds the reason why a caller gets no contact right now.

The reason is looked up only when the queue has no contact for the caller. The reason comes from
PostgreSQL, not from Redis.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import text

from phonebank.contact_queue.caller_filters import filter_of, languages_for
from phonebank.contact_queue.campaign_hours import is_calling_time
from phonebank.contact_queue.number_rest import resting_numbers
from phonebank.contact_queue.sql_conditions import (
    LIST_GROUPS,
    is_callable,
    is_in_languages,
    is_in_lists,
)
from phonebank.contact_queue.status_cache import queue_status
from phonebank.contact_queue.status_counts import next_callable
from phonebank.core.db import db
from phonebank.models import Caller, Campaign, now
from phonebank.models.contact_list import LIST_STATES_IN_PROGRESS, ListPurpose
from phonebank.models.state_column import state_text


class EmptyReason(StrEnum):
    """The reason why a caller gets no contact. JSON responses contain its value as `reason`."""

    OUT_OF_HOURS = "out_of_hours"
    RESTING = "resting"
    ON_SCREENS = "on_screens"
    BEING_READ = "being_read"
    LANGUAGE = "language"
    OTHER_LISTS = "other_lists"
    FILTER = "filter"
    PAUSED = "paused"
    SCREENING = "screening"
    EMPTY = "empty"
    DONE = "done"


# For each reason, the two sentences that the caller reads: what is wrong, and what to do about it.
MESSAGES: dict[EmptyReason, tuple[str, str]] = {
    EmptyReason.OUT_OF_HOURS: (
        "Right now it's outside calling hours where the next people live.",
        "Ask your host or organiser when calling opens again.",
    ),
    EmptyReason.RESTING: (
        "Everyone you can call has been called for now. Some of them will be called again later.",
        "Come back later.",
    ),
    EmptyReason.ON_SCREENS: (
        "Everyone you can call right now is on another caller's screen.",
        "If one of them becomes available, you'll get that person.",
    ),
    EmptyReason.BEING_READ: (
        "We're still reading the list.",
        "You'll get somebody as soon as the first people on it can be called.",
    ),
    EmptyReason.LANGUAGE: (
        "The people who are left speak a language you haven't chosen.",
        "If you speak another language, tell your host or organiser.",
    ),
    EmptyReason.OTHER_LISTS: (
        "There's nobody left to call on your lists. There are still people to call on other lists.",
        "Ask your host or organiser for another list.",
    ),
    EmptyReason.FILTER: (
        "There's nobody left among the people chosen for you. There are still others to call.",
        "Ask your host or organiser to choose more people.",
    ),
    EmptyReason.PAUSED: (
        "The people who are left are on a list that is paused.",
        "Ask your host or organiser when the list will be resumed.",
    ),
    EmptyReason.SCREENING: (
        "The people who are left can't be called yet. An organiser must first say that their list "
        "was checked against the register of people who want no calls.",
        "Tell your host or organiser.",
    ),
    EmptyReason.EMPTY: ("There's nobody on the list yet.", "Tell your host or organiser."),
    EmptyReason.DONE: ("There's nobody left to call on the list. Thank you!", ""),
}

# A contact that becomes callable within this time is worth waiting for. The caller is then told to
# wait for it, even if other callers have contacts on their screens.
SOON = timedelta(minutes=15)

# Finds what kinds of lists still have a contact to call, one row for each kind. Four yes-or-no
# values make the kind: whether the list is removed, whether its screening has lapsed, whether it is
# one of the caller's lists, and whether the contact's language is one of the caller's. A contact
# counts even if its number is in an open call. PostgreSQL reads only the first row of one index
# range for each list, zone and language.
_LEFT = text(f"""
SELECT DISTINCT l.removed, l.screening_lapsed,
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
_LISTS = state_text(
    """
SELECT count(*) AS lists,
       count(*) FILTER (WHERE state = ANY (:in_progress) AND NOT screening_lapsed) AS being_read,
       coalesce(sum(rows_stored), 0) AS people
FROM contact_list WHERE campaign_id = :campaign_id AND purpose = :call
""",
    call=ListPurpose.CALL,
)


# A caller with a filter gets a person to whom a callback was promised only if this caller promised
# it.
_LEFT_IN_FILTER = text(f"""
SELECT EXISTS (
    SELECT FROM filter_member AS member
    JOIN contact c ON c.id = member.contact_id
    JOIN contact_list l ON l.id = c.contact_list_id
    WHERE member.filter_id = :filter_id AND NOT l.removed
      AND (c.callback_at IS NULL OR c.callback_caller_id = :caller_id)
      AND {is_in_lists("l")} AND {is_in_languages("c.language")} AND {is_callable("c")}
)
""")  # noqa: S608
# The time zones of the contacts on other callers' screens that this caller could get if those
# callers gave them back. `:filter_id` is NULL for a caller without a filter.
_ON_OTHER_SCREENS = text(f"""
SELECT DISTINCT c.zone_key
FROM call o
JOIN contact c ON c.id = o.contact_id
JOIN contact_list l ON l.id = c.contact_list_id
WHERE o.campaign_id = :campaign_id AND o.ended_at IS NULL AND o.caller_id <> :caller_id
  AND NOT l.removed AND {is_in_lists("l")} AND {is_in_languages("c.language")}
  AND {is_callable("c")}
  AND (CAST(:filter_id AS integer) IS NULL OR c.callback_caller_id = :caller_id
       OR c.callback_at IS NULL AND EXISTS (
           SELECT FROM filter_member
           WHERE filter_id = :filter_id AND contact_id = c.id
       ))
""")  # noqa: S608


class EmptyQueue(NamedTuple):
    """Why a caller gets no contact, and when the caller can get the next contact. `next_at` (aware
    UTC) is when the caller can get a contact that is on nobody's screen now. `next_at` is None if
    no such time is known. `elsewhere` is the number of people in the campaign who have to wait
    because another campaign has called their number. `elsewhere` is 0 if `why` is not RESTING, or
    if these people have not been counted yet."""

    why: EmptyReason
    next_at: datetime | None
    elsewhere: int = 0


def empty_queue_of(campaign: Campaign, caller: Caller) -> EmptyQueue:
    """Return why this caller gets no contact, and when the caller can get the next contact."""
    coming = next_callable(
        campaign, caller.list_ids, caller.languages, caller.id, filter_of(caller)
    )
    if coming.opens_at is not None:
        at = now()
        if coming.opens_at <= at:
            # Another caller has just given the contact back.
            return EmptyQueue(EmptyReason.ON_SCREENS, None)
        if coming.opens_at - at > SOON and _is_somebody_on_other_screens(campaign, caller, at):
            return EmptyQueue(EmptyReason.ON_SCREENS, coming.opens_at)
        is_closed = coming.rested_at is not None and coming.rested_at <= at
        reason = EmptyReason.OUT_OF_HOURS if is_closed else EmptyReason.RESTING
        elsewhere = _called_elsewhere(campaign, at) if reason is EmptyReason.RESTING else 0
        return EmptyQueue(reason, coming.opens_at, elsewhere)
    if coming.rested_at is not None:
        # A contact has waited long enough, but there are no calling hours for weeks.
        return EmptyQueue(EmptyReason.OUT_OF_HOURS, None)
    return EmptyQueue(_reason_without_time(campaign, caller), None)


def describe_elsewhere(people: int) -> str:
    """Describe in words how many people have to wait because another campaign has called their
    number. Return "" if `people` is 0."""
    if not people:
        return ""
    wait = "person waits" if people == 1 else "people wait"
    return f"{people:,} {wait} because another campaign has called their number."


def _called_elsewhere(campaign: Campaign, at: datetime) -> int:
    # Many callers wait at once, so they share one count with the page of contact status.
    status = queue_status(campaign) if resting_numbers(campaign, at) else None
    buckets = status.buckets if status else []
    return sum(bucket.contacts for bucket in buckets if bucket.key == "elsewhere")


def _is_somebody_on_other_screens(campaign: Campaign, caller: Caller, at: datetime) -> bool:
    """Whether this caller could get a contact from another caller's screen if that caller released
    the contact."""
    zone_keys = db.session.scalars(
        _ON_OTHER_SCREENS,
        {
            "campaign_id": campaign.id,
            "caller_id": caller.id,
            "list_ids": list(caller.list_ids),
            "languages": languages_for(campaign, caller.languages),
            "filter_id": filter_of(caller),
        },
    )
    return any(is_calling_time(campaign, zone_key, at) for zone_key in zone_keys.all())


def _is_one_left(campaign: Campaign, caller: Caller, filter_id: int) -> bool:
    """Whether the filter chooses at least one person who still has to be called, and whom the
    caller may get. A person counts even if the person's number is in an open call now."""
    values = {
        "filter_id": filter_id,
        "caller_id": caller.id,
        "list_ids": list(caller.list_ids),
        "languages": languages_for(campaign, caller.languages),
    }
    return bool(db.session.scalar(_LEFT_IN_FILTER, values))


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
    filter_id = filter_of(caller)
    if in_use and filter_id is not None and not _is_one_left(campaign, caller, filter_id):
        return EmptyReason.FILTER
    if any(row.in_lists and row.in_languages for row in in_use):
        # The caller could get one of these contacts, and `next_callable` found none. So the number
        # of each of them is on another caller's screen.
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
        unscreened = any(row.screening_lapsed for row in left)
        return EmptyReason.SCREENING if unscreened else EmptyReason.PAUSED
    return EmptyReason.DONE if lists.people else EmptyReason.EMPTY
