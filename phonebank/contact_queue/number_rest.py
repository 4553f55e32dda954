"""Numbers that rest in a campaign because another campaign has called them.

The calls in the tables decide. A claim asks for one contact (`rests_until`), but only in a campaign
that shares numbers with another; a refill finds that out before any such contact comes into a lane
(`mark_shared`). A refill also moves the contacts that it finds resting to the time when their rest
ends, so that later refills do not meet them. The page of contact status and the file of people ask
for all numbers at once (`resting_numbers`). These functions do not commit.
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

# So many calls of one other contact are read, the newest first. A contact has four by the usual
# rules.
CALLS_AT_MOST = 20

# A campaign that somebody has locked is left out, because a claim that refills has locked a contact
# already, and campaigns come before contacts.
_MARK_SHARED = text("""
WITH unmarked AS MATERIALIZED (
    SELECT id FROM campaign WHERE id = ANY(CAST(:ids AS integer[]))
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE campaign SET shares_numbers = true FROM unmarked WHERE campaign.id = unmarked.id
RETURNING campaign.id
""")

# Rows that a claim or an outcome has locked are left out: the next refill meets them again.
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
# calls of the last hours or days, as long as the longest rest. A call whose contact has lost the
# number since does not count, as in a claim.
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
_OTHER_CAMPAIGNS = (Campaign.id, Campaign.retry_rules)


def called_elsewhere(contact: str) -> str:
    """Return the SQL expression for the other contacts, in other campaigns, with this contact's
    number: a JSON array of [when last called, retry rules, [[outcome, when], …], campaign id,
    `shares_numbers`], the rules and the last two of that other campaign.

    It is NULL for a number that only one campaign has, and then costs one look-up in an index.
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


def last_called_elsewhere(contact: str) -> str:
    """Return the SQL expression for when another campaign last called this contact's number. It
    changes with each such call."""
    return (
        "(SELECT max(elsewhere.last_called_at) FROM contact AS elsewhere"  # noqa: S608
        f" WHERE elsewhere.phone = {contact}.phone"
        f" AND elsewhere.campaign_id <> {contact}.campaign_id)"
    )


def last_called_in(rows: Sequence[Any]) -> datetime | None:
    """Return the value of `last_called_elsewhere` from that of `called_elsewhere`."""
    return max((datetime.fromisoformat(last) for last, *_ in rows if last), default=None)


def mark_shared(campaign: Campaign, rows: Sequence[Row[*tuple[Any, ...]]]) -> bool:
    """Mark the campaign and those with which these contacts share numbers, by the rows'
    `called_elsewhere`.

    Return whether all these numbers are marked. If not, somebody has locked a campaign, and
    contacts with a shared number must not come into a lane yet.
    """
    others = [one for row in rows for one in row.called_elsewhere or ()]
    unmarked = {other_id for *_, other_id, is_marked in others if not is_marked}
    if others and not campaign.shares_numbers:
        unmarked.add(campaign.id)
    if not unmarked:
        return True
    marked = db.session.scalars(_MARK_SHARED, {"ids": sorted(unmarked)}).all()
    return unmarked == set(marked)


def rests_until(rows: Sequence[Any] | None, campaign: Campaign) -> datetime | None:
    """Return until when a number rests in the campaign, by the value of `called_elsewhere`; None if
    no call elsewhere makes it rest. The moment may have passed."""
    if not rows or not any(calls for _, _, calls, *_ in rows):
        return None
    elsewhere = [
        CallElsewhere(outcome, datetime.fromisoformat(at), rules)
        for _, changes, calls, *_ in rows
        for rules in [RetryRules.parse(changes)]
        for outcome, at in calls
    ]
    return number_rests_until(elsewhere, RetryRules.parse(campaign.retry_rules))


def send_back(campaign: Campaign, resting: Sequence[tuple[Any, datetime]]) -> None:
    """Let these contacts wait until their number has rested: rows with `id` and `zone_key`, each
    with the end of the rest (aware). They become callable in the campaign's calling hours."""
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
    """What the queries with RESTING_NUMBERS need: for each other campaign and outcome the minutes
    of rest, and for each other campaign since when its calls can matter."""

    rest_campaigns: list[int]
    rest_outcomes: list[str]
    rest_minutes: list[int]
    span_campaigns: list[int]
    span_since: list[datetime]


def resting_numbers(campaign: Campaign, at: datetime) -> RestingNumbers | None:
    """Return the values for RESTING_NUMBERS at `at` (aware); None if no other campaign has called
    anybody lately."""
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
