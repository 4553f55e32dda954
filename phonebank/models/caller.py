"""A volunteer who calls people. The row has the volunteer's first name and the token of the
volunteer's device. Only callers who have been admitted may call."""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from phonebank.models.base import Base, Versioned, now
from phonebank.models.campaign import Campaign
from phonebank.models.party import Party
from phonebank.models.state_column import state_check, state_type


class CallerState(StrEnum):
    """The states of a caller, which say whether the caller may make calls."""

    WAITING = "waiting"
    ADMITTED = "admitted"
    REMOVED = "removed"


class Caller(Versioned, Base):
    """A caller. Each caller is in one campaign, and in at most one party at a time. So no call
    counts for two parties."""

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
    # Whether the host gave the caller this name. If so, the caller keeps it, even if they join
    # again under another name.
    named_by_host: Mapped[bool] = mapped_column(default=False, server_default=false())
    state: Mapped[CallerState] = mapped_column(state_type(CallerState), default=CallerState.WAITING)
    # Whether the board leaves out the name. The calls still count.
    hidden: Mapped[bool] = mapped_column(default=False)
    # The cookie on the device must hold this token. A new token signs the caller out everywhere.
    device_token: Mapped[str] = mapped_column(String(64), default=lambda: secrets.token_urlsafe(24))
    # The ids of the lists, and the languages, from which the caller gets contacts. Empty means all
    # of them.
    list_ids: Mapped[list[Any]] = mapped_column(default=list)
    languages: Mapped[list[Any]] = mapped_column(default=list)
    # The filter that chooses the people whom the caller gets. It replaces the party's filter. None
    # means that the party's filter applies.
    filter_id: Mapped[int | None] = mapped_column(
        ForeignKey("people_filter.id", ondelete="SET NULL")
    )
    # When the caller promised to use people's details only for calls.
    promised_at: Mapped[datetime | None]
    practised_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    # The caller gets no contact until `paused_until` (see `roster.pace`). `pace_from` is when an
    # organiser let the caller continue. The pace is measured from that moment.
    paused_until: Mapped[datetime | None]
    pause_kind: Mapped[str] = mapped_column(String(30), default="", server_default="")
    pace_from: Mapped[datetime | None]
    # A keyed hash of the network address that the caller joined from. It is kept for some days
    # (see `roster.blocked_addresses`).
    address: Mapped[str | None] = mapped_column(String(64))
    # Whether only an organiser can admit this caller. If so, neither an open door (`door_open`) nor
    # a host lets the caller in.
    held: Mapped[bool] = mapped_column(default=False, server_default=false())
    # When the caller last asked their host for help, what about, and whether the host has seen it.
    help_asked_at: Mapped[datetime | None]
    help_about: Mapped[str] = mapped_column(String(10), default="")
    help_seen: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)

    campaign: Mapped[Campaign] = relationship()
    party: Mapped[Party | None] = relationship()

    @property
    def may_call(self) -> bool:
        return self.state == CallerState.ADMITTED
