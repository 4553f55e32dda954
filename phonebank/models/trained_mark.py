"""The mark of a caller who was trained: a date, a giver, and a link that proves it."""

import secrets
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from phonebank.models.account import Account
from phonebank.models.base import Base, now
from phonebank.models.campaign import Campaign


class TrainedMark(Base):
    """One mark. A mark that was taken back stays in the table, so that its page can say so."""

    __tablename__ = "trained_mark"
    __table_args__ = (
        Index(
            "uq_trained_mark_valid",
            "caller_id",
            unique=True,
            postgresql_where=text("taken_back_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), index=True
    )
    caller_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("caller.id", ondelete="CASCADE"))
    # The name at that time, which the certificate shows.
    first_name: Mapped[str] = mapped_column(String(40))
    given_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    given_at: Mapped[datetime] = mapped_column(default=now)
    taken_back_at: Mapped[datetime | None]
    # The token in the certificate's link. Nobody can guess it.
    token: Mapped[str] = mapped_column(
        String(64), unique=True, default=lambda: secrets.token_urlsafe(24)
    )

    campaign: Mapped[Campaign] = relationship()
    given_by: Mapped[Account | None] = relationship()
