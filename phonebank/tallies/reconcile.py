"""Recounts the calls, compares the tallies (the stored totals) with the recount, and corrects the
tallies if needed.

A difference is always the result of a fault. Each difference is logged as an error, with the ids
that an engineer needs.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job

log = logging.getLogger(__name__)

_DIFFERENCES = text("""
WITH recounted AS (
    SELECT campaign_id, party_id, caller_id, date_trunc('hour', recorded_at, 'UTC') AS hour,
           count(*) AS calls,
           count(*) FILTER (WHERE reached) AS reached,
           count(*) FILTER (WHERE conversation) AS conversations,
           count(*) FILTER (WHERE yes) AS yeses,
           count(*) FILTER (WHERE conversation AND NOT too_fast) AS ranked
    FROM call
    WHERE recorded_at IS NOT NULL AND counted
      AND (CAST(:campaign_id AS integer) IS NULL OR campaign_id = :campaign_id)
    GROUP BY 1, 2, 3, 4
), tallied AS (
    SELECT * FROM tally
    WHERE CAST(:campaign_id AS integer) IS NULL OR campaign_id = :campaign_id
)
SELECT coalesce(r.campaign_id, t.campaign_id) AS campaign_id,
       coalesce(r.party_id, t.party_id) AS party_id,
       coalesce(r.caller_id, t.caller_id) AS caller_id,
       coalesce(r.hour, t.hour) AS hour,
       coalesce(r.calls, 0) - coalesce(t.calls, 0) AS calls,
       coalesce(r.reached, 0) - coalesce(t.reached, 0) AS reached,
       coalesce(r.conversations, 0) - coalesce(t.conversations, 0) AS conversations,
       coalesce(r.yeses, 0) - coalesce(t.yeses, 0) AS yeses,
       coalesce(r.ranked, 0) - coalesce(t.ranked, 0) AS ranked
FROM recounted r
FULL JOIN tallied t
  ON t.campaign_id = r.campaign_id AND t.caller_id = r.caller_id AND t.hour = r.hour
 AND coalesce(t.party_id, 0) = coalesce(r.party_id, 0)
WHERE (coalesce(r.calls, 0), coalesce(r.reached, 0), coalesce(r.conversations, 0),
       coalesce(r.yeses, 0), coalesce(r.ranked, 0))
   IS DISTINCT FROM
      (coalesce(t.calls, 0), coalesce(t.reached, 0), coalesce(t.conversations, 0),
       coalesce(t.yeses, 0), coalesce(t.ranked, 0))
""")

_REPAIR = text("""
UPDATE tally SET version = version + 1, calls = c.calls, reached = c.reached,
       conversations = c.conversations, yeses = c.yeses, ranked = c.ranked
FROM (
    SELECT count(*) AS calls,
           count(*) FILTER (WHERE reached) AS reached,
           count(*) FILTER (WHERE conversation) AS conversations,
           count(*) FILTER (WHERE yes) AS yeses,
           count(*) FILTER (WHERE conversation AND NOT too_fast) AS ranked
    FROM call
    WHERE campaign_id = :campaign_id AND party_id IS NOT DISTINCT FROM CAST(:party_id AS integer)
      AND caller_id = :caller_id AND counted
      AND recorded_at >= :hour AND recorded_at < CAST(:hour AS timestamptz) + interval '1 hour'
) c
WHERE tally.id = :tally_id
""")


@dataclass(frozen=True)
class Difference:
    """A tally row that differs from a recount of its calls, or that is missing. `calls` and each
    field after it are the recount's number minus the tally's number."""

    campaign_id: int
    party_id: int | None
    caller_id: int
    hour: datetime
    calls: int
    reached: int
    conversations: int
    yeses: int
    ranked: int


def differences(campaign_id: int | None = None) -> list[Difference]:
    """Return the differences between the tallies (the stored totals) and the calls in one campaign.
    If `campaign_id` is None, return the differences in all campaigns. A single statement reads the
    tallies and the calls, so both show the same moment. An empty list means that the tallies are
    correct."""
    rows = db.session.execute(_DIFFERENCES, {"campaign_id": campaign_id})
    return [Difference(*row) for row in rows]


def repair(difference: Difference) -> None:
    """Correct one tally row so that its numbers match the calls that it counts. Create the row if
    it is missing.

    The row is locked first. An outcome that is being recorded at that moment is counted once. If
    the outcome was committed before the row was locked, the recount includes it. Otherwise, the
    transaction that records the outcome waits, and then adds the outcome to the corrected row.
    """
    where = {
        "campaign_id": difference.campaign_id,
        "party_id": difference.party_id,
        "caller_id": difference.caller_id,
        "hour": difference.hour,
    }
    tally_id = db.session.execute(
        text("""
            INSERT INTO tally (campaign_id, party_id, caller_id, hour, calls, reached,
                               conversations, yeses, ranked, version)
            VALUES (:campaign_id, :party_id, :caller_id, :hour, 0, 0, 0, 0, 0, 0)
            ON CONFLICT (campaign_id, party_id, caller_id, hour)
            DO UPDATE SET version = tally.version
            RETURNING id
        """),
        where,
    ).scalar_one()
    db.session.execute(_REPAIR, where | {"tally_id": tally_id})


@job(CHORES, timeout=300)
def recount_tallies() -> None:
    """Recount every campaign, and log and repair the differences. Running this job twice does no
    harm."""
    for difference in differences():
        log.error("a tally differs from its calls and is repaired: %s", difference)
        repair(difference)
        db.session.commit()
