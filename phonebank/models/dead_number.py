"""A telephone number that is not in service. For a year after the last report that a number is
dead, callers in all campaigns do not get this number (see `suppressions.dead_numbers`)."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now


class DeadNumber(Base):
    """One number that is not in service, according to a caller or the telephone network. The row
    holds no name."""

    __tablename__ = "dead_number"

    phone: Mapped[str] = mapped_column(String(20), primary_key=True)  # E.164
    # The last call that showed that the number is dead. If that call is undone, an earlier call
    # takes its place, or the row is deleted.
    call_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("call.id", ondelete="SET NULL"), index=True
    )
    reported_at: Mapped[datetime] = mapped_column(default=now)
