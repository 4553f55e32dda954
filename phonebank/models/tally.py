"""Counts of recorded calls. There is one row for each combination of campaign, party (or no party),
caller and hour.

The transaction that records a call's outcome also updates the row that counts the call, so the
counts match the recorded calls. Each caller has separate rows, so two callers who record calls at
the same time do not wait for each other here.
"""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base


class Tally(Base):
    __tablename__ = "tally"
    __table_args__ = (
        Index(
            "uq_tally_row",
            "campaign_id",
            "party_id",
            "caller_id",
            "hour",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_tally_party_id", "party_id"),
        Index("ix_tally_caller_id", "caller_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id", ondelete="CASCADE"))
    caller_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("caller.id", ondelete="CASCADE"))
    hour: Mapped[datetime]  # the hour, UTC, in which the outcome was recorded
    calls: Mapped[int] = mapped_column(default=0)
    reached: Mapped[int] = mapped_column(default=0)
    conversations: Mapped[int] = mapped_column(default=0)
    yeses: Mapped[int] = mapped_column(default=0)
    # The number of conversations that were not recorded too fast. The ranking counts only these.
    ranked: Mapped[int] = mapped_column(default=0)
    # The version grows by one at each change and never shrinks. The sum of the versions of a
    # party's rows tells which of two states of its board is newer.
    version: Mapped[int] = mapped_column(BigInteger, default=0)
