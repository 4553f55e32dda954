"""Counts how today's calls of a campaign have ended, for the rule that decides how many lines to
dial."""

from datetime import datetime

from sqlalchemy import text

from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.core.db import db
from phonebank.machine_calls.lost import IS_LOST
from phonebank.models import Campaign, LineSide
from phonebank.models.state_column import state_sql
from phonebank.pacing.snapshot import DayAccount
from phonebank.rules.local_moments import last_midnight

# If a person was joined to a caller, the call is in none of the counts until its outcome is
# recorded, or until the caller's line has ended (`IS_LOST`).
_ACCOUNT = text(
    state_sql(
        f"""
SELECT count(*) FILTER (WHERE line.joined_at IS NOT NULL AND call.reached) AS people,
       count(*) FILTER (WHERE line.joined_at IS NOT NULL AND call.outcome IS NOT NULL
                        AND NOT call.reached) AS machines,
       count(*) FILTER (WHERE line.joined_at IS NULL AND line.ended_at IS NOT NULL) AS abandoned,
       count(*) FILTER (WHERE {IS_LOST}) AS lost
FROM line LEFT JOIN call ON call.id = line.call_id
WHERE line.campaign_id = :campaign_id AND line.side = :person AND line.created_at >= :since
  AND line.answered_at IS NOT NULL
""",  # noqa: S608
        caller=LineSide.CALLER,
        person=LineSide.PERSON,
    )
)


def account_of(campaign: Campaign, at: datetime) -> DayAccount:
    """Count the campaign's machine-dialled calls that a person or a machine answered, by how they
    ended. `at` is aware. Only calls whose lines were made since the last midnight before `at`
    count. The midnight is that of the first time zone of the campaign's country. A call without an
    outcome is in none of the counts while its line is open."""
    midnight = last_midnight(at, first_zone_of(campaign))
    row = db.session.execute(_ACCOUNT, {"campaign_id": campaign.id, "since": midnight}).one()
    return DayAccount(row.people, row.machines, row.abandoned, row.lost)
