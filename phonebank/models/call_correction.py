"""Organisers' corrections of calls, with the values before and after each correction."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now


class CallCorrection(Base):
    """One correction of a call's outcome, answers or note.

    `before` and `after` have only the values that changed: `outcome` (a key), `note`, and `answers`
    by step id (None for no answer). `after` also has `callback_at` if the organiser gave the time
    of a promised call back. `before` and `after` may contain what a person said, so a correction is
    deleted with its call. The audit still records that there was a correction.
    """

    __tablename__ = "call_correction"
    __table_args__ = (Index("ix_call_correction_call", "call_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    call_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(default=now)
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
