"""Counts a campaign's contacts by status (bucket), and finds when the next contact becomes
callable.

A bucket is a group of contacts, such as *Ready to call*. Each contact is in exactly one bucket. The
counts come from PostgreSQL, not from Redis, so they are right even while the queue is being
rebuilt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import text

from phonebank.contact_queue.caller_filters import languages_for, other_languages_spoken
from phonebank.contact_queue.campaign_hours import (
    is_calling_time,
    last_calling_time,
    next_calling_time,
)
from phonebank.contact_queue.number_rest import RESTING_NUMBERS, resting_numbers
from phonebank.contact_queue.redis_queue import CALLBACK_RESERVED_SECONDS
from phonebank.contact_queue.refill import contact_groups
from phonebank.contact_queue.sql_conditions import (
    LIST_GROUPS,
    has_no_open_call,
    is_callable,
    is_in_languages,
    is_in_lists,
)
from phonebank.core.db import db
from phonebank.models import CallerState, Campaign, ContactState, now
from phonebank.models.state_column import state_text

# The words that organisers read for each bucket. If several buckets fit a contact, it is in the
# first of them.
BUCKETS = {
    "held": "Being called now",
    "suppressed": "Do not call",
    "removed": "In a paused list",
    "finished": "Finished",
    "taken_out": "Taken out by a file",
    "unusable": "No working number",
    "language": "Waiting for a caller who speaks their language",
    "callback": "To be called back",
    "elsewhere": "Called by another campaign",
    "resting": "Waiting before the next try",
    "out_of_hours": "Outside calling hours where they are",
    "ready": "Ready to call",
}

# The buckets of the contacts that callers get now or later.
STILL_CALLED = ("held", "callback", "elsewhere", "resting", "out_of_hours", "ready")

# The query groups contacts by plain columns and then finds the bucket of each group. PostgreSQL
# knows how few values the columns have, so it counts in memory and in parallel. If the query
# grouped by the bucket, PostgreSQL would sort every contact on disk, which takes three times as
# long.
_COUNT_WORDS = """
SELECT CASE
         WHEN g.held THEN 'held'
         WHEN g.suppressed THEN 'suppressed'
         WHEN l.removed THEN 'removed'
         WHEN g.state <> :callable THEN g.state
         WHEN g.language NOT IN ('', :language) AND NOT EXISTS (
                SELECT FROM caller
                WHERE caller.campaign_id = :campaign_id AND caller.state = :admitted
                  AND caller.languages @> to_jsonb(g.language)) THEN 'language'
         WHEN g.promised THEN 'callback'
         WHEN g.elsewhere THEN 'elsewhere'
         WHEN g.resting THEN 'resting'
         ELSE 'ready'
       END AS bucket, g.zone_key, g.contacts, g.first_at
FROM (
    SELECT c.contact_list_id, c.zone_key, c.language, c.state,
           c.id IN (SELECT contact_id FROM call WHERE ended_at IS NULL) AS held,
           c.suppressed_at IS NOT NULL AS suppressed,
           coalesce(c.callback_at > :now, false) AS promised,
           c.callable_at > :now AS resting, {elsewhere} AS elsewhere,
           count(*) AS contacts, min({callable_at}) AS first_at
    FROM contact c {join}
    WHERE c.campaign_id = :campaign_id
    GROUP BY c.contact_list_id, c.zone_key, c.language, c.state, held, suppressed, promised,
             resting, elsewhere
) g
JOIN contact_list l ON l.id = g.contact_list_id
"""
_STATES = {"callable": ContactState.CALLABLE, "admitted": CallerState.ADMITTED}
_COUNTS = state_text(
    _COUNT_WORDS.format(elsewhere="false", callable_at="c.callable_at", join=""), **_STATES
)
# PostgreSQL counts in parallel only without a CTE. So this query is used only if another campaign
# has called lately.
_COUNTS_BESIDE_OTHERS = state_text(
    f"WITH {RESTING_NUMBERS}"
    + _COUNT_WORDS.format(
        elsewhere="r.phone IS NOT NULL",
        callable_at="greatest(c.callable_at, r.until)",
        join="LEFT JOIN resting r ON r.phone = c.phone AND c.callback_at IS NULL",
    ),
    **_STATES,
)

_FIRST_IN_FILTER = text(f"""
SELECT c.zone_key, min(c.callable_at) AS first_at
FROM filter_member AS member
JOIN contact c ON c.id = member.contact_id
JOIN contact_list l ON l.id = c.contact_list_id
WHERE member.filter_id = :filter_id AND NOT l.removed
  AND {is_in_lists("l")} AND {is_in_languages("c.language")}
  AND {is_callable("c")} AND c.callback_at IS NULL
  AND {has_no_open_call("c")}
GROUP BY c.zone_key
UNION ALL
SELECT c.zone_key, min(greatest(c.callable_at, c.callback_at))
FROM contact c JOIN contact_list l ON l.id = c.contact_list_id
WHERE c.campaign_id = :campaign_id AND c.callback_at IS NOT NULL AND NOT l.removed
  AND c.callback_caller_id = :caller_id AND {is_callable("c")}
  AND {has_no_open_call("c")}
GROUP BY c.zone_key
""")  # noqa: S608
_FIRST_CALLABLE = text(f"""
SELECT g.zone_key, min(c.callable_at) AS first_at
FROM (
    SELECT DISTINCT l.id AS list_id, zone.key AS zone_key, lang.code AS language
    FROM {LIST_GROUPS}
    WHERE l.campaign_id = :campaign_id AND NOT l.removed
      AND {is_in_lists("l")}
      AND {is_in_languages("lang.code")}
) g
CROSS JOIN (VALUES (false), (true)) AS t(tried)
CROSS JOIN LATERAL (
    SELECT callable_at FROM contact
    WHERE contact_list_id = g.list_id AND zone_key = g.zone_key AND language = g.language
      AND tried = t.tried AND {is_callable("contact")}
      AND callback_at IS NULL
      AND {has_no_open_call("contact")}
    ORDER BY callable_at LIMIT 1
) c
GROUP BY g.zone_key
UNION ALL
SELECT zone_key, min(first_at)
FROM (
    SELECT c.zone_key, greatest(c.callable_at, CASE
               WHEN c.callback_caller_id IS NULL OR c.callback_caller_id = :caller_id
               THEN c.callback_at
               ELSE c.callback_at + :reserved_for * interval '1 second'
           END) AS first_at
    FROM contact c JOIN contact_list l ON l.id = c.contact_list_id
    WHERE c.campaign_id = :campaign_id AND c.callback_at IS NOT NULL AND NOT l.removed
      AND {is_callable("c")}
      AND (c.callback_caller_id = :caller_id
           OR {is_in_lists("l")} AND {is_in_languages("c.language")})
      AND {has_no_open_call("c")}
    ORDER BY c.callback_at LIMIT :callbacks_at_most
) c
GROUP BY zone_key
""")  # noqa: S608
# The query reads at most this many callbacks, because every waiting caller runs it. The first
# callback is among them, unless all of them are in zones that have no calling hours for weeks.
CALLBACKS_AT_MOST = 1000

# PostgreSQL reads each index range from its start, up to the limit. The query counts numbers and
# not contacts, because after a call to one person of a household, the others wait.
_WITHIN_THE_HOUR_WORDS = f"""
SELECT count(DISTINCT phone)
FROM (
    SELECT c.phone
    FROM unnest(CAST(:list_ids AS integer[]), CAST(:zone_keys AS text[]),
                CAST(:languages AS text[]), CAST(:until AS timestamptz[]))
         AS g(list_id, zone_key, language, until)
    CROSS JOIN (VALUES (false), (true)) AS t(tried)
    CROSS JOIN LATERAL (
        SELECT phone FROM contact
        WHERE contact_list_id = g.list_id AND zone_key = g.zone_key AND language = g.language
          AND tried = t.tried AND callable_at <= g.until
          AND {is_callable("contact")}
          AND {has_no_open_call("contact")} %s
        ORDER BY callable_at LIMIT :at_most
    ) c
    LIMIT :at_most
) coming
"""  # noqa: S608
_WITHIN_THE_HOUR = text(_WITHIN_THE_HOUR_WORDS % "")
_RESTS_LONGER = (
    "AND (callback_at IS NOT NULL"
    " OR phone NOT IN (SELECT phone FROM resting WHERE until > :now + interval '1 hour'))"
)
_WITHIN_THE_HOUR_BESIDE_OTHERS = text(
    f"WITH {RESTING_NUMBERS} {_WITHIN_THE_HOUR_WORDS % _RESTS_LONGER}"
)

# Counting stops at this number. It is enough for 500 callers for an hour.
CAPACITY_AT_MOST = 15_000
AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Bucket:
    """A bucket (a group of contacts by status), and how many contacts are in the bucket. `key` and
    `label` are from BUCKETS. `next_at` (aware UTC) is when the first contact in the bucket becomes
    callable. `next_at` is None if the bucket is empty, or if its contacts can be called already or
    do not become callable by waiting. `next_at` is also None if there are no calling hours in the
    next few weeks."""

    key: str
    label: str
    contacts: int
    next_at: datetime | None


def buckets_of(campaign: Campaign) -> list[Bucket]:
    """Return how many contacts of the campaign are in each bucket (group by status), in the order
    of BUCKETS. Empty buckets are included."""
    at = now()
    counts = dict.fromkeys(BUCKETS, 0)
    first: dict[str, datetime | None] = dict.fromkeys(BUCKETS)
    values = {"campaign_id": campaign.id, "now": at, "language": campaign.language}
    numbers = resting_numbers(campaign, at)
    if numbers is None:
        rows = db.session.execute(_COUNTS, values)
    else:
        rows = db.session.execute(_COUNTS_BESIDE_OTHERS, values | numbers._asdict())
    for row in rows:
        key = row.bucket
        if key == "ready" and not is_calling_time(campaign, row.zone_key, at):
            key = "out_of_hours"
        counts[key] += row.contacts
        if key in ("callback", "elsewhere", "resting", "out_of_hours"):
            opens = next_calling_time(campaign, row.zone_key, max(at, row.first_at))
            first[key] = _earliest(first[key], opens)
    return [Bucket(key, label, counts[key], first[key]) for key, label in BUCKETS.items()]


class NextCallable(NamedTuple):
    """When a caller can get the next contact. `rested_at` is when the contact no longer has to wait
    after a call or for a callback. This time may be in the past. `opens_at` is the first time, now
    or later, at which calling hours also allow the call. Each of the two is an aware datetime in
    UTC, or None if there is no such time."""

    rested_at: datetime | None
    opens_at: datetime | None


def next_callable(
    campaign: Campaign,
    list_ids: Sequence[int] = (),
    languages: Sequence[str] = (),
    caller_id: int = 0,
    filter_id: int | None = None,
) -> NextCallable:
    """Return when the next contact becomes callable for a caller with these lists and languages.

    An empty `list_ids` means every list. An empty `languages` means the campaign's own language.
    Contacts whose language is unknown count too. Contacts whose number is in an open call do not
    count. A callback becomes callable at the promised time for the caller who promised it, and
    CALLBACK_RESERVED_SECONDS later for other callers. If no caller is stored for a callback, it
    becomes callable at the promised time for every caller. `caller_id` is the id of the caller, or
    0 for a caller without callbacks. With `filter_id`, only two kinds of contacts count: those whom
    this filter chooses and to whom no callback was promised, and those to whom this caller promised
    a callback.
    """
    at = now()
    values: dict[str, Any] = {
        "campaign_id": campaign.id,
        "list_ids": list(list_ids),
        "languages": languages_for(campaign, languages),
        "caller_id": caller_id,
    }
    if filter_id is None:
        values["reserved_for"] = CALLBACK_RESERVED_SECONDS
        values["callbacks_at_most"] = CALLBACKS_AT_MOST
        rows = db.session.execute(_FIRST_CALLABLE, values)
    else:
        rows = db.session.execute(_FIRST_IN_FILTER, values | {"filter_id": filter_id})
    coming = NextCallable(None, None)
    for row in rows:
        opens_at = next_calling_time(campaign, row.zone_key, max(at, row.first_at))
        if opens_at is None:
            coming = NextCallable(coming.rested_at or row.first_at, coming.opens_at)
        elif coming.opens_at is None or opens_at < coming.opens_at:
            coming = NextCallable(row.first_at, opens_at)
    return coming


def capacity_per_hour(campaign: Campaign) -> int:
    """Return how many calls the queue can offer within an hour from now, up to CAPACITY_AT_MOST.

    The result counts phone numbers, not contacts. A phone number counts if one of its contacts can
    be called now, or becomes callable within the hour and inside calling hours. A number in an open
    call does not count. A number may rest because another campaign has called it. If the rest lasts
    for more than an hour from now, the number counts only if a callback was promised to one of its
    contacts. Contacts count only if their language is unknown, is the campaign's, or was chosen by
    an admitted caller.
    """
    at = now()
    spoken = {*languages_for(campaign), *other_languages_spoken(campaign)}
    groups = [group for group in contact_groups(campaign) if group.code in spoken]
    last = {key: last_calling_time(campaign, key, at, AN_HOUR) for key in {g.key for g in groups}}
    open_groups = [group for group in groups if last[group.key]]
    values = {
        "list_ids": [group.id for group in open_groups],
        "zone_keys": [group.key for group in open_groups],
        "languages": [group.code for group in open_groups],
        "until": [last[group.key] for group in open_groups],
        "at_most": CAPACITY_AT_MOST,
    }
    numbers = resting_numbers(campaign, at)
    if numbers is None:
        calls = db.session.scalar(_WITHIN_THE_HOUR, values)
    else:
        values |= numbers._asdict() | {"now": at}
        calls = db.session.scalar(_WITHIN_THE_HOUR_BESIDE_OTHERS, values)
    return int(calls or 0)


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return min(one, other)
