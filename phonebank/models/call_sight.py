"""A part of the access ledger, the record of who saw which person's data. Callers can look up who
has called them back. This part records when a caller then saw a person's name again."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now


class CallSight(Base):
    """A moment when a call's caller saw the person's name again: the first name or, if there is
    none, the last name.

    The first time that the caller saw the name, during the call itself, has no row here.
    """

    __tablename__ = "call_sight"
    __table_args__ = (Index("ix_call_sight_call", "call_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    call_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(default=now)
