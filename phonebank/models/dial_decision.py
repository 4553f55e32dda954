"""The decisions of the predictive rule: how many numbers to dial at once. The rule may decide to
dial more numbers than there are ready callers. Each row also has the figures on which the decision
was based."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base


class DialDecision(Base):
    """One decision of the predictive rule (`pacing.rule`) to dial numbers. The row has the figures
    that the rule was given. `lines` is how many numbers the rule decided to dial. Decisions of
    other rules, and decisions to dial nothing, are not stored.

    The columns from `ready` to `waiting` count callers and lines (telephone connections) at the
    moment of the decision. The columns from `people` to `lost` count the answered calls since
    midnight, by how they ended.
    """

    __tablename__ = "dial_decision"
    __table_args__ = (Index("ix_dial_decision_campaign_at", "campaign_id", "at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    lines: Mapped[int] = mapped_column(SmallInteger)
    stop: Mapped[str] = mapped_column(String(20))  # a `pacing.snapshot.Stop`
    ready: Mapped[int] = mapped_column(SmallInteger)
    talking: Mapped[int] = mapped_column(SmallInteger)
    wrapping_up: Mapped[int] = mapped_column(SmallInteger)
    ringing: Mapped[int] = mapped_column(SmallInteger)
    waiting: Mapped[int] = mapped_column(SmallInteger)
    people: Mapped[int]
    machines: Mapped[int]
    abandoned: Mapped[int]
    lost: Mapped[int]
    ceiling: Mapped[float]
    answer_bound: Mapped[float | None]
    limit: Mapped[float | None] = mapped_column("highest_chance")
    chance: Mapped[float | None]
    allowed: Mapped[int | None]
    exposure: Mapped[int | None]
