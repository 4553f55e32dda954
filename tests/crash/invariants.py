"""What must be true of the database at every moment, asked while everything around it is killed.

Each question is one statement, and so about one moment; each answer is a list of sentences, empty
when all is well.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from callers.contact_queue.buckets import buckets_of
from callers.outcomes import NOT_AN_ATTEMPT
from phonebank import recount, tallies
from phonebank.models import Campaign
from phonebank.stores import db
from tests.crash.world import World

_OPEN_TWICE = """
SELECT 'contact ' || contact_id FROM call WHERE ended_at IS NULL
GROUP BY contact_id HAVING count(*) > 1
UNION ALL
SELECT 'number ' || phone FROM call WHERE ended_at IS NULL GROUP BY phone HAVING count(*) > 1
UNION ALL
SELECT 'caller ' || caller_id FROM call WHERE ended_at IS NULL
GROUP BY caller_id HAVING count(*) > 1
"""

# A call of an undone outcome is open again under its old beginning, so those are left out. A call's
# beginning is noted before its row is written, and writing waits for the call before to be over.
_OVERLAPPING = """
SELECT id::text || ' and ' || next_id::text || ' on ' || phone
FROM (
    SELECT id, phone, coalesce(ended_at, 'infinity') AS ended_at,
           lead(id) OVER later AS next_id, lead(started_at) OVER later AS next_started_at
    FROM call WHERE NOT id = ANY(CAST(:reopened AS uuid[]))
    WINDOW later AS (PARTITION BY phone ORDER BY started_at)
) c
WHERE next_started_at < ended_at - interval '2 seconds'
"""

# xmin is the transaction that entered the number, and PostgreSQL is set to remember when it
# committed. A suppression that was lifted has no row.
_AFTER_SUPPRESSION = """
SELECT call.id::text || ' on ' || phone || ', ' ||
       call.started_at - pg_xact_commit_timestamp(suppression.xmin) || ' too late'
FROM call JOIN suppression USING (phone)
WHERE call.started_at > pg_xact_commit_timestamp(suppression.xmin)
"""

_ATTEMPTS = """
SELECT 'contact ' || c.id || ': ' || c.attempts || ' attempts, ' || count(call.id) || ' counted'
FROM contact c LEFT JOIN call ON call.contact_id = c.id AND call.counted
GROUP BY c.id HAVING c.attempts <> count(call.id)
"""

# A recorded call is counted unless it was no attempt, or came so late that the person had been
# handed on (perhaps in a call that went on with somebody else of the household).
_COUNTED_WRONGLY = """
SELECT 'call ' || id || ' (' || coalesce(outcome, 'no outcome') || ') counted: ' || counted
FROM call
WHERE counted <> (outcome IS NOT NULL AND outcome <> ALL(:no_attempt))
  AND NOT (late AND NOT counted AND EXISTS (
        SELECT FROM call newer
        WHERE newer.started_at > call.started_at
          AND (newer.contact_id = call.contact_id
               OR newer.phone = call.phone AND newer.household @> to_jsonb(call.contact_id))))
"""

_HANDED_OUT = """
SELECT call.id, call.started_at, contact.zone_key
FROM call JOIN contact ON contact.id = call.contact_id
WHERE call.campaign_id = :campaign_id AND call.started_at > :since
"""

_COUNTED_IN_PARTY = """
SELECT count(*), count(*) FILTER (WHERE conversation), count(*) FILTER (WHERE yes)
FROM call WHERE party_id = :party_id AND counted
"""


def broken(world: World, since: datetime) -> list[str]:
    """Every fault there is at this moment; of hours, those of calls begun after `since`."""
    return [*_at_any_moment(world), *out_of_hours(world, since)]


def _at_any_moment(world: World) -> Iterator[str]:
    for what in _texts(_OPEN_TWICE):
        yield f"in two open calls: {what}"
    for what in _texts(_AFTER_SUPPRESSION):
        yield f"handed out after the number was suppressed: call {what}"
    yield from miscounted()
    for campaign_id in (world.any_hour_id, world.by_the_clock_id):
        counts = {b.key: b.contacts for b in buckets_of(db.session.get_one(Campaign, campaign_id))}
        if sum(counts.values()) != world.contacts:
            yield f"not every contact is in one bucket: {world.contacts} contacts, {counts}"


def miscounted() -> Iterator[str]:
    """Where calls, their people's attempts and the tallies do not agree."""
    for what in _texts(_ATTEMPTS):
        yield f"attempts differ from calls: {what}"
    for what in _texts(_COUNTED_WRONGLY, no_attempt=list(NOT_AN_ATTEMPT)):
        yield f"counted wrongly: {what}"
    for difference in recount.differences():
        yield f"a tally differs from its calls: {difference}"


def overlapping(reopened: set[str]) -> list[str]:
    """Calls on one number at the same time."""
    found = _texts(_OVERLAPPING, reopened=list(reopened))
    return [f"two calls on one number at once: {what}" for what in found]


def out_of_hours(world: World, since: datetime) -> list[str]:
    """Calls of the campaign by the clock begun while it was not open where the person may be."""
    start, end = world.opening
    faults = []
    for call_id, started_at, zone_key in db.session.execute(
        text(_HANDED_OUT), {"campaign_id": world.by_the_clock_id, "since": since}
    ):
        for zone in zone_key.split("|"):
            local = started_at.astimezone(ZoneInfo(zone))
            if not start <= local.hour * 60 + local.minute < end:
                faults.append(f"out of hours: call {call_id} at {local:%H:%M:%S} in {zone}")
    return faults


def zones_rung(world: World) -> tuple[int, int]:
    """Of the zone keys in the campaign by the clock, how many were rung and how many there are."""
    rung, all_of_them = db.session.execute(
        text("""
            SELECT count(DISTINCT contact.zone_key) FILTER (WHERE call.id IS NOT NULL),
                   count(DISTINCT contact.zone_key)
            FROM contact LEFT JOIN call ON call.contact_id = contact.id
            WHERE contact.campaign_id = :campaign_id
        """),
        {"campaign_id": world.by_the_clock_id},
    ).one()
    return rung, all_of_them


def boards_recounted(world: World) -> dict[int, tuple[int, int, int]]:
    """Calls, conversations and yeses of each party, counted from its calls.

    The tallies' own sums must be the same: raises AssertionError.
    """
    totals = tallies.party_totals(list(world.board_tokens))
    counted = {}
    for party_id in world.board_tokens:
        row = db.session.execute(text(_COUNTED_IN_PARTY), {"party_id": party_id}).one()
        counted[party_id] = (row[0], row[1], row[2])
        summed = totals[party_id]
        assert counted[party_id] == (summed.calls, summed.conversations, summed.yeses), party_id
    return counted


def open_calls() -> int:
    """How many people are on screens."""
    return int(db.session.scalar(text("SELECT count(*) FROM call WHERE ended_at IS NULL")) or 0)


def stored() -> tuple[dict[str, str | None], dict[tuple[str, str], Any]]:
    """Every call's outcome by call id, and every answer by call id and step id."""
    outcomes = db.session.execute(text("SELECT id::text, outcome FROM call")).all()
    answers = db.session.execute(text("SELECT call_id::text, step_id, value FROM answer")).all()
    return {row[0]: row[1] for row in outcomes}, {(row[0], row[1]): row[2] for row in answers}


def _texts(statement: str, **values: Any) -> list[str]:
    return [str(row) for row in db.session.scalars(text(statement), values)]


def rung_after(moments: dict[str, float]) -> list[str]:
    """Calls to these numbers begun after their moment (seconds since 1970)."""
    rows = db.session.execute(
        text("""
            SELECT call.id, phone, started_at, moment
            FROM call JOIN unnest(CAST(:phones AS text[]), CAST(:moments AS float8[]))
                           AS never(phone, moment) USING (phone)
            WHERE started_at > to_timestamp(moment)
        """),
        {"phones": list(moments), "moments": list(moments.values())},
    )
    return [f"rung after never again was acknowledged: {tuple(row)}" for row in rows]


def some_number(share: float) -> str:
    """The number of a callable contact, so far along all of them: 0 is the first, 1 the last."""
    return str(
        db.session.scalars(
            text("""
                SELECT phone FROM contact WHERE state = 'callable' AND suppressed_at IS NULL
                ORDER BY id OFFSET (SELECT floor(count(*) * :share) FROM contact
                                    WHERE state = 'callable' AND suppressed_at IS NULL) LIMIT 1
            """),
            {"share": share},
        ).one()
    )
