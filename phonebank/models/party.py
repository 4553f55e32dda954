"""A pop-up phone party: a host, a code, a goal, and the callers in it."""

import secrets
from datetime import datetime
from enum import StrEnum
from math import ceil

from sqlalchemy import Column, ForeignKey, Index, String, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from phonebank.models.account import Account
from phonebank.models.base import Base, Versioned, now
from phonebank.models.state_column import state_check, state_text, state_type


class PartyState(StrEnum):
    """The states of a party: open to new callers, closed to new callers, or ended."""

    OPEN = "open"
    LOCKED = "locked"  # callers in the party continue; nobody new joins
    ENDED = "ended"


# The characters of a code. 0, O, 1, I and L are missing, because people confuse them.
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 6


def new_code() -> str:
    """Return a random party code of six characters from `CODE_LETTERS`. There are 887 million
    possible codes."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


# The people who run a party with its host.
party_cohost = Table(
    "party_cohost",
    Base.metadata,
    Column("party_id", ForeignKey("party.id", ondelete="CASCADE"), primary_key=True),
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
)


class Party(Versioned, Base):
    __tablename__ = "party"
    __table_args__ = (
        state_check(PartyState),
        # A code is free again once its party has ended.
        Index(
            "uq_party_live_code",
            "code",
            unique=True,
            postgresql_where=state_text("state <> :ended", ended=PartyState.ENDED),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), index=True
    )
    host_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    # How many conversations the party aims for.
    goal: Mapped[int] = mapped_column(default=50)
    starts_at: Mapped[datetime] = mapped_column(default=now)
    # The host's time zone, in which pages show times.
    time_zone: Mapped[str] = mapped_column(String(64), default="Europe/London")
    state: Mapped[PartyState] = mapped_column(state_type(PartyState), default=PartyState.OPEN)
    # Whether the host has called a break without an end time. The host ends it.
    paused: Mapped[bool] = mapped_column(default=False)
    door_open: Mapped[bool] = mapped_column(default=False)
    # The filter that chooses the people whom the party's callers get; None means everyone.
    filter_id: Mapped[int | None] = mapped_column(
        ForeignKey("people_filter.id", ondelete="SET NULL")
    )
    # Whether the board marks first calls and quarters of the goal.
    celebrate: Mapped[bool] = mapped_column(default=True)
    # When a break with an end time ends. It stays here afterwards, because no job ends a break.
    break_until: Mapped[datetime | None]
    # The host's latest message to everyone, and when they sent it.
    message: Mapped[str | None] = mapped_column(String(200))
    message_at: Mapped[datetime | None]
    code: Mapped[str] = mapped_column(String(12), default=new_code)
    # This token is part of the board's link. The link shows the board and allows nothing else. A
    # new token ends the old link.
    board_token: Mapped[str] = mapped_column(
        String(64), unique=True, default=lambda: secrets.token_urlsafe(24)
    )
    # This token is part of the link to the party's results. Everyone with the link may see them. A
    # new token ends the old link.
    summary_token: Mapped[str] = mapped_column(
        String(64), unique=True, default=lambda: secrets.token_urlsafe(24)
    )
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]

    cohosts: Mapped[list[Account]] = relationship(secondary=party_cohost, order_by=Account.id)

    @property
    def has_ended(self) -> bool:
        return self.state == PartyState.ENDED

    def is_paused(self, at: datetime) -> bool:
        """Whether the host has started a break that is not over at `at` (an aware datetime)."""
        return self.break_left(at) is not None

    def break_left(self, at: datetime) -> int | None:
        """Return what `seconds_of_break` returns for this party at `at`."""
        return seconds_of_break(self.paused, self.break_until, at)


def seconds_of_break(paused: bool, until: datetime | None, at: datetime) -> int | None:
    """Return how many seconds of a party's break are left at `at`, rounded up. Return 0 if the
    break has no end time and lasts until the host ends it. Return None if there is no break.
    `paused` and `until` are the party's columns `paused` and `break_until`."""
    if paused:
        return 0
    if until is None or until <= at:
        return None
    return ceil((until - at).total_seconds())
