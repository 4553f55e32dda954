"""Makes records of the calls that a machine dialled for a campaign on one day. The records are made
from the stored lines (telephone connections) and from the decisions to dial them."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, text

from phonebank.contact_queue.campaign_hours import first_zone_of, rules_of
from phonebank.core.db import db
from phonebank.machine_calls.lost import IS_LOST
from phonebank.models import Campaign, DialDecision, LineSide
from phonebank.models.state_column import state_sql
from phonebank.pacing.proof import Finding, prove
from phonebank.pacing.records import DecisionRecord, LineRecord, LineResult, Record
from phonebank.suppressions.hashed_numbers import hashes_of

# How many letters of a number's hash the file shows: enough to tell numbers apart.
KEY_LETTERS = 16
DAYS_LISTED = 60

_LINES = text(
    state_sql(
        f"""
SELECT line.id, coalesce(call.phone, '') AS phone, line.cause, line.decision_id, line.dialled_at,
       line.answered_at, line.joined_at, line.message_at, line.ended_at,
       coalesce(line.shows_number, false) AS shown, line.joined_at IS NOT NULL AS was_joined,
       call.id IS NOT NULL AND call.ended_at IS NULL AS is_under_way,
       call.outcome, coalesce(call.reached, false) AS reached,
       {IS_LOST} AS was_lost
FROM line LEFT JOIN call ON call.id = line.call_id
WHERE line.campaign_id = :campaign_id AND line.side = :person
  AND line.created_at >= :since AND line.created_at < :until
ORDER BY line.id
""",  # noqa: S608
        caller=LineSide.CALLER,
        person=LineSide.PERSON,
    )
)
_ABANDONED = text(
    state_sql(
        """
SELECT call.phone, line.id, line.answered_at FROM line JOIN call ON call.id = line.call_id
WHERE line.answered_at >= :since AND line.answered_at < :until
  AND line.answered_at IS NOT NULL AND line.joined_at IS NULL AND line.side = :person
  AND line.ended_at IS NOT NULL AND call.phone = ANY(CAST(:phones AS text[]))
ORDER BY line.answered_at
""",
        person=LineSide.PERSON,
    )
)
_DAYS = text(
    state_sql(
        """
SELECT DISTINCT CAST(created_at AT TIME ZONE :zone AS date) AS day FROM line
WHERE campaign_id = :campaign_id AND side = :person AND created_at >= :since
ORDER BY day DESC
""",
        person=LineSide.PERSON,
    )
)


def days_of(campaign: Campaign, today: date) -> list[date]:
    """Return the days on which the campaign has begun lines (telephone connections) to people,
    newest first. The list goes back at most DAYS_LISTED days before `today`."""
    zone = first_zone_of(campaign)
    since = datetime.combine(today - timedelta(days=DAYS_LISTED), time(), zone)
    bound = {"campaign_id": campaign.id, "zone": zone.key, "since": since}
    return list(db.session.scalars(_DAYS, bound))


def records_of(campaign: Campaign, day: date) -> list[Record]:
    """Return the records of a day: first the decisions of the day to dial lines (telephone
    connections), then the lines to people. Both parts are sorted, oldest first. `day` is a date in
    the first time zone of the campaign's country."""
    since, until = _span(day, first_zone_of(campaign))
    decisions = db.session.scalars(
        select(DialDecision)
        .where(DialDecision.campaign_id == campaign.id)
        .where(DialDecision.at >= since, DialDecision.at < until)
        .order_by(DialDecision.id)
    )
    return [*(_decision(each, day) for each in decisions), *_lines(campaign, day, since, until)]


def proof_of(campaign: Campaign, records: list[Record]) -> list[Finding]:
    """Check the records of a day against the country's rules for calls dialled by a machine. Return
    a finding for each rule, which says what the records show."""
    return prove(records, rules_of(campaign).machine_calls)


def _span(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return (
        datetime.combine(day, time(), zone),
        datetime.combine(day + timedelta(days=1), time(), zone),
    )


def _decision(each: DialDecision, day: date) -> DecisionRecord:
    own: dict[str, Any] = {"decision": each.id, "day": day}
    names = [field.name for field in fields(DecisionRecord) if field.name not in own]
    return DecisionRecord(**own, **{name: getattr(each, name) for name in names})


def _lines(campaign: Campaign, day: date, since: datetime, until: datetime) -> Iterator[LineRecord]:
    bound = {"campaign_id": campaign.id, "since": since, "until": until}
    rows = db.session.execute(_LINES, bound).all()
    phones = sorted({row.phone for row in rows} - {""})
    rest = timedelta(hours=rules_of(campaign).machine_calls.redial_after_hours.value)
    found = db.session.execute(
        _ABANDONED, {"since": since - rest, "until": until, "phones": phones}
    )
    abandoned: dict[str, list[tuple[int, datetime]]] = {}
    for phone, line_id, at in found:
        abandoned.setdefault(phone, []).append((line_id, at))
    for row in rows:
        yield LineRecord(
            line=row.id,
            day=day,
            number_key=hashes_of(row.phone)[0][:KEY_LETTERS] if row.phone else "",
            shown=row.shown,
            decision=row.decision_id,
            result=_result(row),
            cause=row.cause or "",
            dialled_at=row.dialled_at,
            answered_at=row.answered_at,
            joined_at=row.joined_at,
            message_at=row.message_at,
            ended_at=row.ended_at,
            last_abandoned_at=max(
                (at for line_id, at in abandoned.get(row.phone, ()) if line_id < row.id),
                default=None,
            ),
        )


def _result(row: Any) -> LineResult:
    if row.ended_at is None or (row.was_joined and row.is_under_way):
        return LineResult.OPEN
    if row.answered_at is None:
        return LineResult.UNANSWERED
    if not row.was_joined:
        return LineResult.ABANDONED
    if row.was_lost:
        return LineResult.LOST
    if row.outcome is None:
        return LineResult.OPEN
    return LineResult.PERSON if row.reached else LineResult.MACHINE
