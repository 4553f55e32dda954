"""The record of organisers' actions on callers, and the blocked network addresses."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now


class CallerActionKind(StrEnum):
    """The actions that an organiser can take on a caller."""

    STOPPED = "stopped"
    WENT_ON = "went_on"
    SET_ASIDE = "set_aside"
    BROUGHT_BACK = "brought_back"


class CallerAction(Base):
    """One action of an organiser on one caller. The row says who acted, when and why. `figures`
    describes the caller or the caller's calls at that time, and may be empty."""

    __tablename__ = "caller_action"
    __table_args__ = (Index("ix_caller_action_caller", "caller_id", "at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    caller_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("caller.id", ondelete="CASCADE"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    action: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(default="")
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime] = mapped_column(default=now)


class DoorStop(Base):
    """A blocked network address. Callers who join the campaign from this address must wait until an
    organiser admits them. The block ends at `until`."""

    __tablename__ = "door_stop"
    __table_args__ = (Index("ix_door_stop_address", "campaign_id", "address"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    caller_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("caller.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime]
