"""A line: a telephone connection, either to a caller or to the person who is called."""

import uuid
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Numeric, String, text
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, Versioned, now
from phonebank.models.state_column import state_check, state_type


class LineSide(StrEnum):
    """Whether a line (telephone connection) goes to the caller or to the person who is called."""

    CALLER = "caller"
    PERSON = "person"


class LineState(StrEnum):
    """The stages of a line (telephone connection), in order. A line may skip stages. JOINED means
    that the line is connected with another line. If the two lines are parted, each line that has
    not ended is ANSWERED again."""

    WANTED = "wanted"  # written here; the provider may not know of it yet
    DIALLED = "dialled"
    RINGING = "ringing"
    ANSWERED = "answered"
    JOINED = "joined"
    ENDED = "ended"


class EndCause(StrEnum):
    """The reasons why a line (telephone connection) ended."""

    HUNG_UP = "hung_up"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    NO_SUCH_NUMBER = "no_such_number"
    CANCELLED = "cancelled"  # our side ended it before anyone answered
    FAILED = "failed"
    LOST = "lost"  # the provider no longer knows the line


class Line(Versioned, Base):
    """A line (telephone connection). The row has no telephone number. The person's number is in the
    row of the call. The caller's number is in the caller's `PhoneSession`."""

    __tablename__ = "line"
    __table_args__ = (
        state_check(LineSide, "side"),
        state_check(LineState),
        state_check(EndCause, "cause"),
        Index("uq_line_provider", "backend", "provider_id", unique=True),
        Index("ix_line_open", "campaign_id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_line_campaign_created", "campaign_id", "created_at"),
        # Lines of other providers never get a price.
        Index(
            "ix_line_unpriced",
            "ended_at",
            postgresql_where=text("cost IS NULL AND backend IN ('twilio', 'asterisk')"),
        ),
        Index("ix_line_call", "call_id"),
        # Nobody is called twice for one call at the same time.
        Index(
            "uq_line_open_call",
            "call_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_line_caller", "caller_id"),
        Index("ix_line_contact", "contact_id"),
        Index(
            "ix_line_abandoned",
            "answered_at",
            postgresql_where=text("answered_at IS NOT NULL AND joined_at IS NULL"),
        ),
        Index("ix_line_decision", "decision_id", postgresql_where=text("decision_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    # The call for which a person's line was made; None for a caller's line.
    call_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("call.id", ondelete="SET NULL"))
    # None for a person's line until a caller takes the call.
    caller_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("caller.id", ondelete="SET NULL")
    )
    contact_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("contact.id", ondelete="SET NULL")
    )
    side: Mapped[LineSide] = mapped_column(state_type(LineSide))
    backend: Mapped[str] = mapped_column(String(20))
    # The provider's own id of the line.
    provider_id: Mapped[str | None] = mapped_column(String(100))
    state: Mapped[LineState] = mapped_column(state_type(LineState), default=LineState.WANTED)
    cause: Mapped[EndCause | None] = mapped_column(state_type(EndCause, length=20))
    # The highest sequence number of the JOINED and LEFT events applied: see
    # `telephony.line_states`.
    sequence: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    # When the caller or the server asked to end the line.
    end_wanted_at: Mapped[datetime | None]
    # The moments when the provider was first asked for the line, when the line was first answered,
    # when it was first joined to another line, when the information message was first played to its
    # end, and when the line ended.
    dialled_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    joined_at: Mapped[datetime | None]
    played_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    # Whether the line was dialled with the campaign's number shown; None before the line is
    # dialled.
    shows_number: Mapped[bool | None]
    # When the information message began, for a person who was joined to nobody: the moment at which
    # the dialler asked for it, or at which the provider began it by itself.
    message_at: Mapped[datetime | None]
    # The decision that dialled the line before a caller was ready for it. None for a line for which
    # a caller was kept free.
    decision_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("dial_decision.id", ondelete="SET NULL")
    )
    # What the provider charged, and in which currency (ISO 4217).
    cost: Mapped[Decimal | None] = mapped_column(Numeric(12, 5))
    currency: Mapped[str | None] = mapped_column(String(3))
