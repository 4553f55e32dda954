"""Changes that people tell a caller about: a new number, a new name, or a move. The contact does
not change until an organiser accepts the change."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now
from phonebank.models.state_column import state_check, state_text, state_type


class ToldKind(StrEnum):
    """The kinds of change that a person can tell a caller about."""

    NUMBER = "number"
    NAME = "name"
    MOVED = "moved"


class ToldState(StrEnum):
    """The stages of a change that a person told a caller about."""

    TOLD = "told"  # no organiser has decided yet
    ACCEPTED = "accepted"
    REFUSED = "refused"


class ToldChange(Base):
    """One change that a person told a caller about during one call."""

    __tablename__ = "told_change"
    __table_args__ = (
        state_check(ToldState),
        state_check(ToldKind, "kind"),
        UniqueConstraint("call_id", "kind"),
        Index(
            "ix_told_change_undecided",
            "campaign_id",
            "id",
            postgresql_where=state_text("state = :told", told=ToldState.TOLD),
        ),
        Index("ix_told_change_contact", "contact_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    contact_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("contact.id", ondelete="CASCADE")
    )
    call_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"))
    kind: Mapped[ToldKind] = mapped_column(state_type(ToldKind))
    # {"number": E.164}, {"first_name": …, "last_name": …}, or {"postcode": …} or {"town": …}.
    said: Mapped[dict[str, Any]]
    state: Mapped[ToldState] = mapped_column(state_type(ToldState), default=ToldState.TOLD)
    told_at: Mapped[datetime] = mapped_column(default=now)
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    # The contact's columns before and after the change was accepted, so that it can be undone.
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
