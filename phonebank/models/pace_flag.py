"""Reports that a caller went over a limit on the pace of calls, and whether an organiser has
reviewed each report."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from phonebank.models.base import Base, now
from phonebank.models.caller import Caller


class PaceFlag(Base):
    """A report that a caller went over one of the campaign's limits on the pace of calls.

    A caller has at most one open report for each limit. `seen` and `budget` are from the last time
    that the caller went over the limit. A report stays after an organiser has reviewed it. If the
    caller then goes over the limit again, a new report is made.
    """

    __tablename__ = "pace_flag"
    __table_args__ = (
        Index(
            "uq_pace_flag_open",
            "caller_id",
            "kind",
            unique=True,
            postgresql_where=text("looked_at IS NULL"),
        ),
        Index("ix_pace_flag_campaign", "campaign_id", "last_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    caller_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("caller.id", ondelete="CASCADE"))
    # The campaign's column that holds the limit.
    kind: Mapped[str] = mapped_column(String(30))
    seen: Mapped[int]
    budget: Mapped[int]
    times: Mapped[int] = mapped_column(default=1)
    first_at: Mapped[datetime] = mapped_column(default=now)
    last_at: Mapped[datetime] = mapped_column(default=now)
    looked_at: Mapped[datetime | None]
    looked_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))

    caller: Mapped[Caller] = relationship()
