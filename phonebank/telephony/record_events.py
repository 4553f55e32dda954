"""Writes what a provider told of a line. These functions do not commit.

The line is read without a lock. One statement writes the event and the line, but only if the line
has not changed since. If it has, the line is locked and read again.
"""

import logging
from dataclasses import fields
from typing import Any

from phonebank.core.db import begin_transaction
from phonebank.core.statement import Statement
from phonebank.models.line import EndCause, LineState
from phonebank.telephony.events import LineEvent
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
    dialled_at = coalesce(dialled_at, :at)
FROM inserted WHERE line.id = inserted.line_id
RETURNING line.id
""")  # noqa: S608


def record_event(event: LineEvent) -> bool:
    """Write an event and what it changes on its line. Return whether it was new.

    An event that was written before changes nothing, and neither does one of an unknown line.
    """
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
    # A statement that waits for the lock sees the events as they were before the wait, so the
    # second reading comes after it.
    _READ_LOCKED.row(named)
    row = _READ.row(named)
    return row is not None and not row.is_known and _write(event, named, row)


def _write(event: LineEvent, named: dict[str, Any], row: Any) -> bool:
    values = {name: getattr(row, name) for name in _FACTS}
    values["state"] = LineState(values["state"])
    values["cause"] = EndCause(values["cause"]) if values["cause"] else None
    facts = apply(LineFacts(**values), event)
    written = {name: getattr(facts, name) for name in _FACTS}
    of_event = {
        "event_cause": event.cause,
        "at": event.at,
        "provider_id": event.provider_id,
        "version": row.version,
    }
    return _WRITE.scalar(named | of_event | written) is not None
