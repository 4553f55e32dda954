"""Finds the calls that have changed since a job last read them. A call changes when it is recorded,
corrected, set aside (taken out of every total) or brought back (counted again).

Some answers need action by an organiser, or give the person a tag. Recording a call does nothing
about these answers. A job looks for them later, and only in campaigns whose scripts have such
answers. These functions do not commit.
"""

from datetime import datetime, timedelta

from sqlalchemy import text

from phonebank.core.db import db

# Calls of the last minutes are read again, because the servers' clocks differ and a transaction may
# commit later than one that began after it.
READ_AGAIN = timedelta(minutes=10)
BEFORE_ALL_CALLS = timedelta(days=3650)

# Finds the ids of the calls. Each of the two SELECTs uses an index.
CHANGED_CALLS = """
SELECT id FROM call WHERE campaign_id = :campaign_id AND recorded_at > :since
UNION
SELECT id FROM call WHERE campaign_id = :campaign_id AND organiser_changed_at > :since
"""

_CAMPAIGNS = text("""
SELECT DISTINCT campaign_id FROM script JOIN script_version ON script_version.script_id = script.id
WHERE script_version.needs_action <> '{}' OR script_version.tags <> '{}'
""")
_READ_TO = text("SELECT read_to FROM inbox_mark WHERE campaign_id = :campaign_id")
_MARK = text("""
INSERT INTO inbox_mark (campaign_id, read_to) VALUES (:campaign_id, :at)
ON CONFLICT (campaign_id) DO UPDATE SET read_to = greatest(inbox_mark.read_to, excluded.read_to)
""")


def campaigns_with_marked_answers() -> list[int]:
    """Return the ids of the campaigns that have a script with marked answers, in any of its
    versions. A marked answer needs an organiser's action, or gives the person a tag."""
    return list(db.session.scalars(_CAMPAIGNS))


def read_since(campaign_id: int, at: datetime) -> datetime:
    """Return the time (aware) after which a job must look for changed calls of this campaign. The
    job finds some of these calls for the second time, because the calls of the last minutes are
    read again. If no job has read the campaign's calls yet, the result is BEFORE_ALL_CALLS before
    `at`. `at` is the current time."""
    read_to: datetime | None = db.session.scalar(_READ_TO, {"campaign_id": campaign_id})
    # The clock may have been set back since the last run.
    return min(read_to, at) - READ_AGAIN if read_to else at - BEFORE_ALL_CALLS


def mark_read(campaign_id: int, at: datetime) -> None:
    """Store `at` (aware) as the time up to which the campaign's changed calls have been read. If a
    later time is already stored, nothing changes."""
    db.session.execute(_MARK, {"campaign_id": campaign_id, "at": at})
