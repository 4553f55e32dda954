"""What happened on a line, in the same words for every provider."""

from dataclasses import dataclass
from datetime import datetime

from phonebank.models.line import EndCause
from phonebank.models.line_event import EventKind


@dataclass(frozen=True)
class LineEvent:
    """One thing that happened on a line.

    `sequence` grows from each JOINED or LEFT of a line to the next. Other events may have any
    number. The line, the number and the kind together name the event. `cause` is why the line
    ended; None for other kinds. `at` is aware. `provider_id` is the provider's id of the line, if
    the event has it.
    """

    line_id: int
    sequence: int
    kind: EventKind
    cause: EndCause | None
    at: datetime
    provider_id: str | None = None


__all__ = ["EndCause", "EventKind", "LineEvent"]
