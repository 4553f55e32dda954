"""Handles numbers that rest in a campaign: the campaign must not call them yet, because another
campaign has called them.

The calls in PostgreSQL decide whether a number rests. If a campaign shares numbers with another
campaign, each claim checks the contact's number with `rests_until` before the contact is called.
The number of a contact who was promised a callback does not rest. Before a refill puts contacts
into a lane (a list of the next contacts in Redis), the refill records which campaigns share numbers
(`mark_shared`). If a number rests, the refill makes the contact wait until the rest ends
(`send_back`), so that later refills do not read the contact again. The contact status page and the
export of people to a file read all resting numbers at once (`resting_numbers`). These functions do
not commit.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, select, text

from phonebank.contact_queue.campaign_hours import hours_of, rules_of
from phonebank.core.db import db
from phonebank.models import Campaign
from phonebank.rules.calling_hours import zones_in_key
from phonebank.rules.number_rest import CallElsewhere, number_rests_until, rest_minutes
from phonebank.rules.outcomes import OUTCOMES
from phonebank.rules.retry_policy import FAR_AWAY, next_try_at
from phonebank.rules.retry_rules import RetryRules

# At most this many calls of one other contact are read, the newest first. By the usual rules, a
# contact has four.
CALLS_AT_MOST = 20

# A locked campaign is left out. A claim that refills has locked a contact already, and may not then
# wait for a campaign, because campaigns are locked before contacts.
_MARK_SHARED = text("""
WITH unmarked AS MATERIALIZED (
    SELECT id FROM campaign WHERE id = ANY(CAST(:ids AS integer[]))
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE campaign SET shares_numbers = true FROM unmarked WHERE campaign.id = unmarked.id
RETURNING campaign.id
""")

# Rows that a claim or an outcome has locked are left out. The next refill finds them again.
_SEND_BACK = text("""
WITH resting AS MATERIALIZED (
    SELECT contact.id, sent.callable_at
    FROM unnest(CAST(:ids AS bigint[]), CAST(:callable_at AS timestamptz[]))
         AS sent(id, callable_at)
    JOIN contact ON contact.id = sent.id AND contact.callable_at < sent.callable_at
    ORDER BY contact.id FOR NO KEY UPDATE OF contact SKIP LOCKED
)
UPDATE contact SET callable_at = resting.callable_at FROM resting WHERE contact.id = resting.id
""")

# The numbers that other campaigns have called, each with the end of its rest. The query reads the
# calls of the last hours or days, as far back as the longest rest. A call does not count if its
# contact has lost the number since.
RESTING_NUMBERS = """
resting AS MATERIALIZED (
    SELECT called.phone, max(called.recorded_at + rule.minutes * interval '1 minute') AS until
    FROM unnest(CAST(:rest_campaigns AS integer[]), CAST(:rest_outcomes AS text[]),
                CAST(:rest_minutes AS integer[])) AS rule(campaign_id, outcome, minutes)
    JOIN (
        SELECT call.campaign_id, call.outcome, call.phone, call.recorded_at, call.contact_id
        FROM unnest(CAST(:span_campaigns AS integer[]), CAST(:span_since AS timestamptz[]))
             AS span(campaign_id, since)
        JOIN call ON call.campaign_id = span.campaign_id AND call.recorded_at > span.since
                 AND call.set_aside_at IS NULL
    ) called USING (campaign_id, outcome)
    JOIN contact ON contact.id = called.contact_id AND contact.phone = called.phone
    WHERE called.recorded_at + rule.minutes * interval '1 minute' > :now
    GROUP BY called.phone
)"""
_HAS_CALLS_ELSEWHERE = text("""
SELECT EXISTS (
    SELECT FROM unnest(CAST(:span_campaigns AS integer[]), CAST(:span_since AS timestamptz[]))
         AS span(campaign_id, since)
    JOIN call ON call.campaign_id = span.campaign_id AND call.recorded_at > span.since
)
""")


def called_elsewhere(contact: str) -> str:
    """Return an SQL expression that reads the contacts of other campaigns with the same number as a
    contact. `contact` is the name or alias of the table `contact` in the query.

    The value of the expression is a JSON array with one entry for each of these contacts: [when
    last called, retry rules, [[outcome, when], …], campaign id, `shares_numbers`]. The inner list
    has the recorded calls to the entry's contact on this number: the newest first, at most
    CALLS_AT_MOST, and without calls that were skipped or set aside. The rules and the last two
    values are those of the other campaign. If no other campaign has the number, the value is NULL,
    and PostgreSQL needs only one index look-up.
    """
    return f"""(
    SELECT json_agg(json_build_array(elsewhere.last_called_at, campaign.retry_rules, ARRAY(
        SELECT json_build_array(call.outcome, call.recorded_at) FROM call
        WHERE call.contact_id = elsewhere.id AND call.phone = elsewhere.phone
          AND call.recorded_at IS NOT NULL AND call.set_aside_at IS NULL
          AND call.outcome <> 'skipped'
        ORDER BY call.started_at DESC LIMIT {CALLS_AT_MOST}
    ), campaign.id, campaign.shares_numbers))
    FROM contact AS elsewhere JOIN campaign ON campaign.id = elsewhere.campaign_id
    WHERE elsewhere.phone = {contact}.phone AND elsewhere.campaign_id <> {contact}.campaign_id
)"""  # noqa: S608


_ELSEWHERE = text(
    f"SELECT {called_elsewhere('contact')} AS called_elsewhere FROM contact WHERE id = :id"  # noqa: S608
)
_OTHER_CAMPAIGNS = (Campaign.id, Campaign.retry_rules)


def last_called_elsewhere(contact: str) -> str:
    """Return an SQL expression for the time at which another campaign last called a contact with
    the same number as a given contact. The value is NULL if there is no such call. The value
    changes when another campaign records such a call. `contact` is the name or alias of the table
    `contact` in the query."""
    return (
        "(SELECT max(elsewhere.last_called_at) FROM contact AS elsewhere"  # noqa: S608
        f" WHERE elsewhere.phone = {contact}.phone"
        f" AND elsewhere.campaign_id <> {contact}.campaign_id)"
    )


def last_called_in(rows: Sequence[Any]) -> datetime | None:
    """Return the value that `last_called_elsewhere` would have, computed from `rows`, the value of
    `called_elsewhere`."""
    return max((datetime.fromisoformat(last) for last, *_ in rows if last), default=None)


def mark_shared(campaign: Campaign, rows: Sequence[Row[*tuple[Any, ...]]]) -> bool:
    """Record which campaigns share numbers. `rows` are contacts of this campaign. The column
    `called_elsewhere` of each row says which other campaigns have the contact's number. If there
    are such campaigns, record in them and in this campaign that they share numbers.

    Return True if this is now recorded in all these campaigns, or if no other campaign has the
    contacts' numbers. Return False if a campaign could not be marked because another transaction
    has locked it. Then contacts with a shared number must not be put into a lane yet.
    """
    others = [one for row in rows for one in row.called_elsewhere or ()]
    unmarked = {other_id for *_, other_id, is_marked in others if not is_marked}
    if others and not campaign.shares_numbers:
        unmarked.add(campaign.id)
    if not unmarked:
        return True
    marked = db.session.scalars(_MARK_SHARED, {"ids": sorted(unmarked)}).all()
    return unmarked == set(marked)


def mark_shared_number(campaign: Campaign, contact_id: int) -> bool:
    """Do the same as `mark_shared`, for a contact that has been given a new number."""
    return mark_shared(campaign, db.session.execute(_ELSEWHERE, {"id": contact_id}).all())


def rests_until(
    rows: Sequence[Any] | None, campaign: Campaign, callback_at: datetime | None
) -> datetime | None:
    """Return when a number's rest ends. Until then, the campaign must not call the number. Return
    None if no call in another campaign makes the number rest, or if the contact was promised a
    callback (`callback_at`). `rows` is the value that the SQL of `called_elsewhere` returns. The
    returned time may be in the past."""
    if callback_at or not rows or not any(calls for _, _, calls, *_ in rows):
        return None
    elsewhere = [
        CallElsewhere(outcome, datetime.fromisoformat(at), rules)
        for _, changes, calls, *_ in rows
        for rules in [RetryRules.parse(changes)]
        for outcome, at in calls
    ]
    return number_rests_until(elsewhere, RetryRules.parse(campaign.retry_rules))


def send_back(campaign: Campaign, resting: Sequence[tuple[Any, datetime]]) -> None:
    """Make these contacts wait until the campaign may call their numbers again, because another
    campaign has called these numbers. For each contact, `resting` has a row (with `id` and
    `zone_key`) and the time when the rest ends (aware). After the rest, the contacts become
    callable in the campaign's next calling hours, or at once if the campaign may call at any hour.
    A contact that already has to wait longer does not change. Locked contacts are skipped, and a
    later refill finds them again."""
    hours, country = hours_of(campaign), rules_of(campaign)
    times = [
        next_try_at(until, None, zones_in_key(row.zone_key), hours, country) or until + FAR_AWAY
        if not campaign.calls_at_any_hour
        else until
        for row, until in resting
    ]
    ids = [row.id for row, _ in resting]
    db.session.execute(_SEND_BACK, {"ids": ids, "callable_at": times})


class RestingNumbers(NamedTuple):
    """The parameters of queries that contain RESTING_NUMBERS. For each other campaign, the
    parameters say how many minutes a number rests after each outcome, and from which time on that
    campaign's calls have to be read."""

    rest_campaigns: list[int]
    rest_outcomes: list[str]
    rest_minutes: list[int]
    span_campaigns: list[int]
    span_since: list[datetime]


def resting_numbers(campaign: Campaign, at: datetime) -> RestingNumbers | None:
    """Return the parameters of the SQL in RESTING_NUMBERS for the time `at` (aware). Return None if
    no other campaign has recorded a call within the longest rest that its own or this campaign's
    retry rules require."""
    here = RetryRules.parse(campaign.retry_rules)
    numbers = RestingNumbers([], [], [], [], [])
    others = db.session.execute(select(*_OTHER_CAMPAIGNS).where(Campaign.id != campaign.id)).all()
    by_rules: dict[str, dict[str, int]] = {}
    for other_id, changes in others:
        key = json.dumps(changes, sort_keys=True)
        if key not in by_rules:
            there = RetryRules.parse(changes)
            by_rules[key] = {
                outcome: minutes
                for outcome in OUTCOMES
                if (minutes := rest_minutes(outcome, here, there))
            }
        rests = by_rules[key]
        numbers.rest_campaigns.extend([other_id] * len(rests))
        numbers.rest_outcomes.extend(rests)
        numbers.rest_minutes.extend(rests.values())
        numbers.span_campaigns.append(other_id)
        numbers.span_since.append(at - timedelta(minutes=max(rests.values(), default=0)))
    spans = {"span_campaigns": numbers.span_campaigns, "span_since": numbers.span_since}
    return numbers if db.session.scalar(_HAS_CALLS_ELSEWHERE, spans) else None
