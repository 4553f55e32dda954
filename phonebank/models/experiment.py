"""A comparison of scripts in one campaign: its arms (the compared scripts), and each arm's share of
the contacts."""

import secrets
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from phonebank.models.base import Base, now
from phonebank.models.state_column import state_check, state_text, state_type


class ExperimentState(StrEnum):
    """The stages of an experiment."""

    DRAFT = "draft"
    RUNNING = "running"
    STOPPED = "stopped"


class Experiment(Base):
    """One experiment. Its arms (the compared scripts) and their shares never change after the
    experiment starts, so each contact always has the same arm."""

    __tablename__ = "experiment"
    __table_args__ = (
        state_check(ExperimentState),
        # A campaign runs one experiment at a time, so a call belongs to one comparison.
        Index(
            "uq_experiment_running_campaign",
            "campaign_id",
            unique=True,
            postgresql_where=state_text("state = :running", running=ExperimentState.RUNNING),
        ),
        Index("ix_experiment_campaign_id", "campaign_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))
    state: Mapped[ExperimentState] = mapped_column(
        state_type(ExperimentState), default=ExperimentState.DRAFT
    )
    # The seed makes the assignment to arms independent of the campaign's other experiments.
    salt: Mapped[str] = mapped_column(String(32), default=lambda: secrets.token_hex(8))
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]

    arms: Mapped[list["ExperimentArm"]] = relationship(order_by="ExperimentArm.id")

    @property
    def is_running(self) -> bool:
        return self.state == ExperimentState.RUNNING


class ExperimentArm(Base):
    """One script of an experiment. The other arms are compared with the first arm."""

    __tablename__ = "experiment_arm"
    __table_args__ = (CheckConstraint("share > 0", name="share"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[int] = mapped_column(
        ForeignKey("experiment.id", ondelete="CASCADE"), index=True
    )
    script_id: Mapped[int] = mapped_column(ForeignKey("script.id", ondelete="CASCADE"))
    # The version that the arm uses; None if each call uses the version published at that time.
    script_version_id: Mapped[int | None] = mapped_column(
        ForeignKey("script_version.id", ondelete="CASCADE")
    )
    label: Mapped[str] = mapped_column(String(80))
    # The share of the contacts, relative to the sum of all shares. 1 and 1 are halves, and 90 and
    # 10 mean the same as 9 and 1.
    share: Mapped[int] = mapped_column(default=1)
