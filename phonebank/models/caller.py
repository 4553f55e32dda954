"""A volunteer who rings people: a first name on a device, let in by a host or an organiser."""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from phonebank.models.base import Base, now
from phonebank.models.campaign import Campaign
from phonebank.models.party import Party
from phonebank.models.state import state_check, state_type


class CallerState(StrEnum):
    """Whether a caller may call."""

    WAITING = "waiting"
    ADMITTED = "admitted"
    REMOVED = "removed"


class Caller(Base):
    """One campaign, at most one party at a time, so that nobody's calls count in two rooms."""

    __tablename__ = "caller"
    __table_args__ = (
        state_check(CallerState),
        Index("ix_caller_campaign_state", "campaign_id", "state"),
        Index(
            "ix_caller_address",
            "campaign_id",
            "address",
            postgresql_where=text("address IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    party_id: Mapped[int | None] = mapped_column(
        ForeignKey("party.id", ondelete="SET NULL"), index=True
    )
    first_name: Mapped[str] = mapped_column(String(40))
    # Their host has given them this name: coming in again by another does not change it.
    named_by_host: Mapped[bool] = mapped_column(default=False, server_default=false())
    state: Mapped[CallerState] = mapped_column(state_type(CallerState), default=CallerState.WAITING)
    # Kept off the board's list of names; their calls still count.
    hidden: Mapped[bool] = mapped_column(default=False)
    # Proves the device's cookie; a new one signs the device out everywhere.
    device_token: Mapped[str] = mapped_column(String(64), default=lambda: secrets.token_urlsafe(24))
    # Limits on whom they are given: list ids and languages. Empty: anyone.
    list_ids: Mapped[list[Any]] = mapped_column(default=list)
    languages: Mapped[list[Any]] = mapped_column(default=list)
    # When they accepted the rules about the people they will see.
    promised_at: Mapped[datetime | None]
    practised_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    # Given nobody until then: see callers.pace. `pace_from`: when an organiser let them go on, and
    # from when on their pace is measured.
    paused_until: Mapped[datetime | None]
    pause_kind: Mapped[str] = mapped_column(String(30), default="", server_default="")
    pace_from: Mapped[datetime | None]
    # Where they came in from, as callers.door keeps it for some days: no address can be read off.
    address: Mapped[str | None] = mapped_column(String(64))
    # Waits for an organiser, also where the door is open or the host lets everybody in.
    held: Mapped[bool] = mapped_column(default=False, server_default=false())
    # When they last asked their host for help, with what, and whether somebody has seen it.
    help_asked_at: Mapped[datetime | None]
    help_about: Mapped[str] = mapped_column(String(10), default="")
    help_seen: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)

    campaign: Mapped[Campaign] = relationship()
    party: Mapped[Party | None] = relationship()

    @property
    def may_call(self) -> bool:
        return self.state == CallerState.ADMITTED
