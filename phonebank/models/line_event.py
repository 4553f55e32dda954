"""Events on lines (telephone connections), as the telephone provider reports them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base
from phonebank.models.line import EndCause
from phonebank.models.state_column import state_check, state_type


class EventKind(StrEnum):
    """What can happen to a line (telephone connection)."""

    RINGING = "ringing"
    ANSWERED = "answered"
    JOINED = "joined"  # the line was joined to another line
    LEFT = "left"  # the line left the other line
    PLAYING = "playing"  # the provider began the information message, perhaps by itself
    PLAYED = "played"  # a sound was played to its end
    ENDED = "ended"


class LineEventRow(Base):
    """One event on one line. The telephone provider may report the same event twice, but the
    primary key allows only one row for the event."""

    __tablename__ = "line_event"
    __table_args__ = (state_check(EventKind, "kind"), state_check(EndCause, "cause"))

    line_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("line.id", ondelete="CASCADE"), primary_key=True
    )
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[EventKind] = mapped_column(state_type(EventKind), primary_key=True)
    cause: Mapped[EndCause | None] = mapped_column(state_type(EndCause, length=20))
    at: Mapped[datetime]
