"""The access ledger: who saw which person, and from when until when. This module changes nothing.

Each call that a caller had is in the ledger, because the caller then saw the person. A `CallSight`
records that a caller looked up a person who had called back, and saw the person's name again. A
`ContactSight` records that an organiser saw a person's data, for example in a search or on the
person's page. The ledger has the ids of the people who were seen, and not their names or numbers.
"""

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, text

from phonebank.core.db import db
from phonebank.exports.cells import csv_chunks
from phonebank.exports.row_stream import stream_rows
from phonebank.models import Campaign, SightKind
from phonebank.models.state_column import state_sql

HEADER = (
    "seen_at",
    "until",
    "caller_id",
    "caller",
    "contact_id",
    "household",
    "what",
    "call_id",
    "organiser",
)
# The ids of calls are ordered by time (`models.base.new_id`), so the calls of some days are a range
# of the table's key. Servers' clocks may differ by less than this.
_CLOCKS_DIFFER = timedelta(minutes=5)

_SIGHTS = state_sql(
    """
SELECT call.started_at AS seen_at, call.ended_at AS until, call.caller_id,
       caller.first_name AS caller, call.contact_id,
       jsonb_array_length(call.household) AS household, 'on the screen' AS what, call.id AS call_id,
       NULL AS organiser
FROM call JOIN caller ON caller.id = call.caller_id
WHERE call.campaign_id = :campaign_id AND call.id BETWEEN CAST(:first AS uuid)
      AND CAST(:last AS uuid)
  AND call.started_at >= :since AND call.started_at < :until
UNION ALL
SELECT sight.at, NULL, call.caller_id, caller.first_name, call.contact_id, 0,
       'first name again', call.id, NULL
FROM call_sight AS sight JOIN call ON call.id = sight.call_id
JOIN caller ON caller.id = call.caller_id
WHERE call.campaign_id = :campaign_id AND sight.at >= :since AND sight.at < :until
UNION ALL
SELECT sight.at, NULL, NULL, NULL, sight.contact_id, 0,
       CASE sight.kind WHEN :found THEN 'found in a search' WHEN :opened THEN 'page opened'
            WHEN :listed THEN 'in the list of calls' WHEN :inbox THEN 'in the inbox'
            WHEN :told THEN 'what callers were told' WHEN :file THEN 'file of this person'
            ELSE sight.kind END,
       NULL, coalesce(nullif(account.name, ''), account.email, 'a deleted account')
FROM contact_sight AS sight LEFT JOIN account ON account.id = sight.account_id
WHERE sight.campaign_id = :campaign_id AND sight.at >= :since AND sight.at < :until
ORDER BY seen_at, call_id
""",
    **{kind.value: kind for kind in SightKind},
)
_PAGE = text(_SIGHTS + " LIMIT :at_most OFFSET :skipped")
_ALL = text(_SIGHTS)


def sights_on(
    campaign: Campaign, day: date, at_most: int, skipped: int = 0
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return a campaign's rows of the ledger for one day (in UTC), earliest first. Skip `skipped`
    rows, and return up to `at_most` of the rest."""
    values = _values(campaign, _begin_of(day), _begin_of(day + timedelta(days=1)))
    return db.session.execute(_PAGE, values | {"at_most": at_most, "skipped": skipped}).all()


def ledger_file(campaign: Campaign, day: date | None, mark: bool = False) -> Iterator[str]:
    """Return a campaign's rows of the ledger for one day (in UTC) as pieces of CSV. If `day` is
    None, return the rows of every day. `csv_chunks` explains `mark`."""
    since = _begin_of(day) if day else campaign.created_at - timedelta(days=1)
    until = _begin_of(day + timedelta(days=1)) if day else datetime.max.replace(tzinfo=UTC)
    return csv_chunks(HEADER, stream_rows(_ALL, **_values(campaign, since, until)), mark)


def _values(campaign: Campaign, since: datetime, until: datetime) -> dict[str, Any]:
    return {
        "campaign_id": campaign.id,
        "first": _id_at(since - _CLOCKS_DIFFER),
        "last": _id_at(until + _CLOCKS_DIFFER) if until.year < 9999 else uuid.UUID(int=2**128 - 1),
        "since": since,
        "until": until,
    }


def _id_at(moment: datetime) -> uuid.UUID:
    """Return an id that is higher than the ids of all calls before this moment, and lower than the
    ids of all later calls."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def _begin_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
