"""Asks what must be true of the database at every moment, while everything around it is killed.

All questions are asked of one moment (REPEATABLE READ). Each answer is a list of sentences, and
empty when all is well. `history` judges what happened between two moments.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import text

from phonebank.contact_queue.status_counts import buckets_of
from phonebank.core.db import db
from phonebank.models import Campaign
from phonebank.rules.outcomes import NOT_AN_ATTEMPT
from phonebank.tallies import reconcile
from phonebank.tallies import totals as tallies
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

_ATTEMPTS = """
SELECT 'contact ' || c.id || ': ' || c.attempts || ' attempts, ' || count(call.id) || ' counted'
FROM contact c LEFT JOIN call ON call.contact_id = c.id AND call.counted
GROUP BY c.id HAVING c.attempts <> count(call.id)
"""

# A recorded call counts unless it was no attempt, or came after another caller had the contact
# (perhaps in a call that went on with another person of the household). This question is loose
# about which came first, because clocks differ; `history` asks whether an outcome counted twice.
_COUNTED_WRONGLY = """
SELECT 'call ' || id || ' (' || coalesce(outcome, 'no outcome') || ') counted: ' || counted
FROM call
WHERE counted <> (outcome IS NOT NULL AND outcome <> ALL(:no_attempt))
  AND NOT (late AND NOT counted AND EXISTS (
        SELECT FROM call newer
        WHERE newer.id <> call.id AND newer.started_at > call.started_at - interval '4 seconds'
          AND (newer.contact_id = call.contact_id
               OR newer.phone = call.phone AND newer.household @> to_jsonb(call.contact_id))))
"""

_COUNTED_IN_PARTY = """
SELECT count(*), count(*) FILTER (WHERE conversation), count(*) FILTER (WHERE yes)
FROM call WHERE party_id = :party_id AND counted
"""


def broken(world: World) -> list[str]:
    """Every fault at this moment."""
    db.session.rollback()
    db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    return list(_at_any_moment(world))


def _at_any_moment(world: World) -> Iterator[str]:
    for what in _texts(_OPEN_TWICE):
        yield f"in two open calls: {what}"
    yield from miscounted()
    for campaign_id in world.campaign_ids:
        counts = {b.key: b.contacts for b in buckets_of(db.session.get_one(Campaign, campaign_id))}
        contacts = db.session.scalar(
            text("SELECT count(*) FROM contact WHERE campaign_id = :id"), {"id": campaign_id}
        )
        if sum(counts.values()) != contacts:
            yield f"not every contact is in one bucket: {contacts} contacts, {counts}"


def miscounted() -> Iterator[str]:
    """Where calls, their contacts' attempts and the tallies disagree."""
    for what in _texts(_ATTEMPTS):
        yield f"attempts differ from calls: {what}"
    for what in _texts(_COUNTED_WRONGLY, no_attempt=list(NOT_AN_ATTEMPT)):
        yield f"counted wrongly: {what}"
    for difference in reconcile.differences():
        yield f"a tally differs from its calls: {difference}"


def zones_called(world: World) -> tuple[int, int]:
    """How many of the zone keys in the campaign with hours were called, and how many there are."""
    called, all_of_them = db.session.execute(
        text("""
            SELECT count(DISTINCT contact.zone_key) FILTER (WHERE call.id IS NOT NULL),
                   count(DISTINCT contact.zone_key)
            FROM contact LEFT JOIN call ON call.contact_id = contact.id
            WHERE contact.campaign_id = :campaign_id
        """),
        {"campaign_id": world.by_the_clock_id},
    ).one()
    return called, all_of_them


def boards_recounted(world: World) -> dict[int, tuple[int, int, int]]:
    """Calls, conversations and yeses of each party, counted from its calls.

    The tallies' sums must be the same. Raises AssertionError.
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
    """How many contacts are on screens."""
    return int(db.session.scalar(text("SELECT count(*) FROM call WHERE ended_at IS NULL")) or 0)


def stored() -> tuple[dict[str, str | None], dict[tuple[str, str], Any]]:
    """Every call's outcome by call id, and every answer by call id and step id."""
    outcomes = db.session.execute(text("SELECT id::text, outcome FROM call")).all()
    answers = db.session.execute(text("SELECT call_id::text, step_id, value FROM answer")).all()
    return {row[0]: row[1] for row in outcomes}, {(row[0], row[1]): row[2] for row in answers}


def _texts(statement: str, **values: Any) -> list[str]:
    return [str(row) for row in db.session.scalars(text(statement), values)]


def some_number(share: float) -> str:
    """The number of a callable contact at this share of all: 0 is the first, 1 the last."""
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
