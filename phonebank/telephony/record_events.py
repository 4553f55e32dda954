"""Stores what a provider has reported about lines (telephone connections). These functions do not
commit.

`record_event` first reads the event's line without a lock. If the event is new, one statement then
writes the event and the line, but only if the line has not changed in the meantime. If the line has
changed, `record_event` locks the line, reads it again, and writes if the event is still new.
"""

import logging
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import text

from phonebank.core.db import begin_transaction, db
from phonebank.core.statement import Statement
from phonebank.models.line import EndCause, LineState
from phonebank.telephony.events import EventKind, LineEvent
from phonebank.telephony.line_states import LineFacts, apply

log = logging.getLogger(__name__)

_FACTS = tuple(field.name for field in fields(LineFacts))
_READ_WORDS = f"""
SELECT CAST(line.xmin AS text) AS version, {", ".join(f"line.{name}" for name in _FACTS)},
       EXISTS (SELECT FROM line_event WHERE line_id = line.id AND sequence = :event_sequence
               AND kind = :kind) AS is_known
FROM line WHERE line.id = :line_id
"""  # noqa: S608
_READ = Statement(_READ_WORDS)
_READ_LOCKED = Statement(_READ_WORDS + " FOR NO KEY UPDATE OF line")
_WRITE = Statement(f"""
WITH unchanged AS (
    SELECT id FROM line WHERE id = :line_id AND xmin = CAST(:version AS xid) FOR NO KEY UPDATE
), inserted AS (
    INSERT INTO line_event (line_id, sequence, kind, cause, at)
    SELECT id, :event_sequence, :kind, :event_cause, :at FROM unchanged
    ON CONFLICT DO NOTHING RETURNING line_id
)
UPDATE line SET {", ".join(f"{name} = :{name}" for name in _FACTS)},
    provider_id = coalesce(provider_id, :provider_id),
    dialled_at = coalesce(dialled_at, CAST(:was_dialled_at AS timestamptz))
FROM inserted WHERE line.id = inserted.line_id
RETURNING line.id
""")  # noqa: S608


def record_event(event: LineEvent) -> bool:
    """Store an event, update the line on which it happened, and return True. If the event is
    already stored, or its line is unknown, change nothing and return False."""
    named = {"line_id": event.line_id, "event_sequence": event.sequence, "kind": event.kind.value}
    row = _READ.row(named)
    if row is None:
        log.warning("an event of a line that is not in the table: %s", event.line_id)
        return False
    if not row.is_known and _write(event, named, row):
        return True
    if row.is_known:
        return False
    begin_transaction()
    # The statement that waits for the lock sees the events as they were before the wait, so the
    # line is read a second time after the wait.
    _READ_LOCKED.row(named)
    row = _READ.row(named)
    return row is not None and not row.is_known and _write(event, named, row)


def _write(event: LineEvent, named: dict[str, Any], row: Any) -> bool:
    facts = apply(_facts_of(row), event)
    written = {name: getattr(facts, name) for name in _FACTS}
    of_event = {
        "event_cause": event.cause,
        "at": event.at,
        "was_dialled_at": _was_dialled_at(event),
        "provider_id": event.provider_id,
        "version": row.version,
    }
    return _WRITE.scalar(named | of_event | written) is not None


_FACT_TYPES = {
    "state": "text",
    "cause": "text",
    "sequence": "bigint",
    "answered_at": "timestamptz",
    "joined_at": "timestamptz",
    "message_at": "timestamptz",
    "played_at": "timestamptz",
    "ended_at": "timestamptz",
}
_LOCK_MANY = text(f"""
SELECT id, {", ".join(_FACTS)} FROM line WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE
""")  # noqa: S608
_INSERT_MANY = text("""
INSERT INTO line_event (line_id, sequence, kind, cause, at)
SELECT * FROM unnest(CAST(:line_ids AS bigint[]), CAST(:sequences AS bigint[]),
    CAST(:kinds AS text[]), CAST(:causes AS text[]), CAST(:ats AS timestamptz[]))
ON CONFLICT DO NOTHING RETURNING line_id, sequence, kind
""")
_WRITE_MANY = text(f"""
UPDATE line SET {", ".join(f"{name} = told.{name}" for name in _FACTS)},
    provider_id = coalesce(line.provider_id, told.provider_id),
    dialled_at = coalesce(line.dialled_at, told.was_dialled_at)
FROM unnest(CAST(:ids AS bigint[]), CAST(:provider_ids AS text[]),
    CAST(:were_dialled_at AS timestamptz[]),
    {", ".join(f"CAST(:{name} AS {_FACT_TYPES[name]}[])" for name in _FACTS)})
    AS told (id, provider_id, was_dialled_at, {", ".join(_FACTS)})
WHERE line.id = told.id
""")  # noqa: S608


def record_events(events: Sequence[LineEvent]) -> None:
    """Store many events with at most three statements. The lines are locked in the order of their
    ids.

    Each event has the same effect as in `record_event`. Events of unknown lines are ignored.
    """
    ids = sorted({event.line_id for event in events})
    lines = {row.id: _facts_of(row) for row in db.session.execute(_LOCK_MANY, {"ids": ids})}
    known = {_key(event): event for event in events if event.line_id in lines}
    columns = {
        "line_ids": [event.line_id for event in known.values()],
        "sequences": [event.sequence for event in known.values()],
        "kinds": [event.kind.value for event in known.values()],
        "causes": [event.cause and event.cause.value for event in known.values()],
        "ats": [event.at for event in known.values()],
    }
    inserted = {(row.line_id, row.sequence, row.kind) for row in _inserted(columns)}
    new = [event for key, event in known.items() if key in inserted]
    changed: dict[int, LineFacts] = {}
    # Any of a line's events may have the provider's id, or show that the line was dialled.
    provider_ids: dict[int, str | None] = {}
    were_dialled_at: dict[int, datetime | None] = {}
    for event in new:
        line_id = event.line_id
        changed[line_id] = apply(changed.get(line_id, lines[line_id]), event)
        provider_ids[line_id] = provider_ids.get(line_id) or event.provider_id
        were_dialled_at[line_id] = were_dialled_at.get(line_id) or _was_dialled_at(event)
    if not changed:
        return
    values: dict[str, Any] = {
        "ids": list(changed),
        "provider_ids": [provider_ids[line_id] for line_id in changed],
        "were_dialled_at": [were_dialled_at[line_id] for line_id in changed],
    }
    for name in _FACTS:
        values[name] = [getattr(facts, name) for facts in changed.values()]
    db.session.execute(_WRITE_MANY, values)


def _was_dialled_at(event: LineEvent) -> datetime | None:
    """Return a moment by which the line had been dialled, or None if the event does not show that
    the line was dialled. A line may end without having been dialled, so its end shows nothing."""
    return None if event.kind == EventKind.ENDED else event.at


def _inserted(columns: dict[str, Any]) -> Sequence[Any]:
    return db.session.execute(_INSERT_MANY, columns).all() if columns["ats"] else ()


def _key(event: LineEvent) -> tuple[int, int, str]:
    return event.line_id, event.sequence, event.kind.value


def _facts_of(row: Any) -> LineFacts:
    values = {name: getattr(row, name) for name in _FACTS}
    values["state"] = LineState(values["state"])
    values["cause"] = EndCause(values["cause"]) if values["cause"] else None
    return LineFacts(**values)
