"""The audit: a permanent record of what organisers did and, in some cases, of what hosts,
volunteers and jobs did. The rows are never changed or deleted."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now


class AuditEntry(Base):
    """One action: who acted, when, on what, and the values before and after the action.
    `account_id` is None if a volunteer or a job acted.

    The row has no names or numbers of people who are called, so the row stays when a person is
    erased. The row's ids are not foreign keys, so the row also stays when an account or a campaign
    is deleted. A database trigger refuses UPDATE and DELETE.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_campaign", "campaign_id", "id"),
        Index("ix_audit_entry_subject", "subject_kind", "subject_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    account_id: Mapped[int | None]
    campaign_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(40))
    # What the action was about, such as "call" and the call's id.
    subject_kind: Mapped[str | None] = mapped_column(String(20))
    subject_id: Mapped[str | None] = mapped_column(String(40))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
