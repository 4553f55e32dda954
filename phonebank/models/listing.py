"""Parties and other events that strangers can find, and strangers' reports of such events."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Identity, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now
from phonebank.models.state_column import state_check, state_text, state_type


class ListingKind(StrEnum):
    """The kinds of event that strangers are invited to."""

    PARTY = "party"
    CALL_OUT = "call_out"
    TRAINING = "training"
    CANVASSING = "canvassing"


class ListingState(StrEnum):
    """The stages of a listing. Strangers can find only listings that are SHOWN."""

    DRAFT = "draft"  # of a pledge, until its host puts it on the map
    WAITING = "waiting"  # for somebody to check it
    SHOWN = "shown"
    HIDDEN = "hidden"  # reported or refused, until somebody checks it
    CANCELLED = "cancelled"


class Listing(Base):
    """A party or another event. Strangers can find it while its state is SHOWN, but not after the
    event or after the campaign has ended."""

    __tablename__ = "listing"
    __table_args__ = (
        state_check(ListingState),
        state_check(ListingKind, "kind"),
        Index(
            "ix_listing_shown",
            "starts_at",
            postgresql_where=state_text("state = :shown", shown=ListingState.SHOWN),
        ),
        Index(
            "ix_listing_place",
            "latitude",
            "longitude",
            postgresql_where=state_text("state = :shown", shown=ListingState.SHOWN),
        ),
        Index("ix_listing_campaign", "campaign_id", "starts_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    # None for an event without a party.
    party_id: Mapped[int | None] = mapped_column(
        ForeignKey("party.id", ondelete="CASCADE"), unique=True
    )
    host_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    kind: Mapped[ListingKind] = mapped_column(state_type(ListingKind))
    state: Mapped[ListingState] = mapped_column(
        state_type(ListingState), default=ListingState.WAITING
    )
    title: Mapped[str] = mapped_column(String(120))
    host_name: Mapped[str] = mapped_column(String(40))
    starts_at: Mapped[datetime]
    time_zone: Mapped[str] = mapped_column(String(64))
    by_video: Mapped[bool]
    # The district or town, whose centre is the only point that strangers see.
    country: Mapped[str] = mapped_column(String(2))
    place_code: Mapped[str] = mapped_column(String(120))
    area: Mapped[str] = mapped_column(String(200))
    latitude: Mapped[float]
    longitude: Mapped[float]
    # The street address, encrypted (`core.secret_text`). It is erased a week after the event.
    address: Mapped[str | None]
    # How many guests there is room for, not counting the host's own friends.
    places: Mapped[int]
    # None if the host has not said.
    step_free: Mapped[bool | None]
    languages: Mapped[list[str]] = mapped_column(ARRAY(String(20)), default=list)
    # Counts the changes that guests' calendars must learn of (RFC 5545 section 3.8.7.4).
    sequence: Mapped[int] = mapped_column(default=0)
    # When an organiser, an editor, a trainer or the host last confirmed that the listing is right.
    checked_at: Mapped[datetime | None]
    # Why an editor sent the listing back to its host. None once the host has changed or cancelled
    # it, or somebody has hidden it.
    returned_because: Mapped[str | None] = mapped_column(String(200))
    asked_if_right_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class ListingReport(Base):
    """A stranger's report of a listing. `reporter` is a keyed hash of the stranger's network
    address. Several reports of one listing from one address count only once."""

    __tablename__ = "listing_report"
    __table_args__ = (UniqueConstraint("listing_id", "reporter"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(String(20))
    reporter: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)
    # When the report was marked as seen, because an organiser, an editor or a trainer acted on the
    # listing.
    seen_at: Mapped[datetime | None]
