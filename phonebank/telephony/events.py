"""What happened on a line (one telephone connection), in a form that is the same for every
provider."""

from dataclasses import dataclass
from datetime import datetime

from phonebank.models.line import EndCause
from phonebank.models.line_event import EventKind


@dataclass(frozen=True)
class LineEvent:
    """One thing that happened on a line.

    Each JOINED or LEFT event of a line has a higher `sequence` than the line's earlier JOINED and
    LEFT events. Other events may have any `sequence`. The line, the `sequence` and the kind
    together identify the event. `cause` says why the line ended, and is None for other kinds of
    event. `at` is aware. `provider_id` is the provider's id of the line, or None if the event was
    reported without that id.
    """

    line_id: int
    sequence: int
    kind: EventKind
    cause: EndCause | None
    at: datetime
    provider_id: str | None = None


__all__ = ["EndCause", "EventKind", "LineEvent"]
