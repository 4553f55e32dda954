"""Counts of a campaign's calls by day, for figures that the table `tally` does not provide.

When a caller records an outcome, the tables of this module do not change. If the tallies of a day
have changed, a job counts the calls of that day again. Each tally has a version, which grows with
every change. For each day, `CountedDay` stores the sum of the versions of the day's tallies at the
time of the count. If the sum is still the same, the counts are current (see
`campaigns.day_counts`).
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base


class CountedDay(Base):
    """A day on which one campaign's calls have been counted. The day begins and ends at midnight in
    the first time zone of the campaign's country."""

    __tablename__ = "counted_day"

    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    # The sum of the versions of the day's tallies when its calls were counted.
    version: Mapped[int] = mapped_column(BigInteger)
    counted_at: Mapped[datetime]
    # How long the count took. A day with many calls is counted less often.
    took_ms: Mapped[int]


class OutcomeCount(Base):
    """How often an outcome was recorded in one hour, for people on one list."""

    __tablename__ = "outcome_count"
    __table_args__ = (Index("ix_outcome_count_campaign_day", "campaign_id", "day"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    day: Mapped[date]
    # The hour, UTC, as in a tally.
    hour: Mapped[datetime]
    contact_list_id: Mapped[int]
    outcome: Mapped[str] = mapped_column(String(20))
    calls: Mapped[int]
    reached: Mapped[int]
    conversations: Mapped[int]


class AnswerCount(Base):
    """How often an answer was given on one day. Each row is for the people on one list, for calls
    with one version of a script, and for one party or no party. An answer counts only if it was
    chosen from a list or a scale. Typed text does not count. An answer that was taken over from an
    earlier call does not count either."""

    __tablename__ = "answer_count"
    __table_args__ = (Index("ix_answer_count_campaign_day", "campaign_id", "day"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    day: Mapped[date]
    contact_list_id: Mapped[int]
    party_id: Mapped[int | None]
    script_version_id: Mapped[int]
    step_id: Mapped[str] = mapped_column(String(80))
    # The key of a choice, or the number on a scale. If several answers can be given, "" counts
    # everybody who answered.
    answer: Mapped[str] = mapped_column(String(200))
    number: Mapped[int]
