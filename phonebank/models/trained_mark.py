"""The trained mark shows that a caller was trained. The mark has a date, the host or trainer who
gave it, and a link to the caller's certificate."""

import secrets
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from phonebank.models.account import Account
from phonebank.models.base import Base, now
from phonebank.models.campaign import Campaign
from phonebank.models.volunteer_role import VolunteerRole


class TrainedMark(Base):
    """One mark. A mark that was taken back stays in the table, so that the certificate's page can
    say that it was taken back."""

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
    # The trainer who gave the mark; None if a host gave it.
    given_by_trainer_id: Mapped[int | None] = mapped_column(
        ForeignKey("volunteer_role.id", ondelete="SET NULL"), index=True
    )
    given_at: Mapped[datetime] = mapped_column(default=now)
    taken_back_at: Mapped[datetime | None]
    # The token in the certificate's link. Nobody can guess it.
    token: Mapped[str] = mapped_column(
        String(64), unique=True, default=lambda: secrets.token_urlsafe(24)
    )

    campaign: Mapped[Campaign] = relationship()
    given_by: Mapped[Account | None] = relationship()
    given_by_trainer: Mapped[VolunteerRole | None] = relationship()

    @property
    def giver(self) -> str:
        """The name of the host or trainer who gave the mark, or "" if no name is stored."""
        if self.given_by_trainer is not None:
            return self.given_by_trainer.first_name
        return self.given_by.name or "" if self.given_by is not None else ""
