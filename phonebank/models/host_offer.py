"""Strangers' offers to host a party near a place."""

import secrets
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from phonebank.models.base import Base, now
from phonebank.models.campaign import Campaign
from phonebank.models.state_column import state_check, state_text, state_type


class HostOfferState(StrEnum):
    """The stages of an offer."""

    NEW = "new"  # the person has not confirmed the offer yet
    WAITING = "waiting"  # for an organiser
    ACCEPTED = "accepted"
    REFUSED = "refused"
    BLOCKED = "blocked"  # from a blocked person, who sees the same page as a person who waits


class HostOffer(Base):
    """Somebody's offer to host a party for a campaign: a first name, an e-mail address, a district
    or town, and a start time."""

    __tablename__ = "host_offer"
    __table_args__ = (
        state_check(HostOfferState),
        Index(
            "ix_host_offer_waiting",
            "campaign_id",
            postgresql_where=state_text("state = :waiting", waiting=HostOfferState.WAITING),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    # The secret part of the offer's own link, which is only in the e-mail to the person.
    token: Mapped[str] = mapped_column(
        String(64), unique=True, default=lambda: secrets.token_urlsafe(24)
    )
    state: Mapped[HostOfferState] = mapped_column(
        state_type(HostOfferState), default=HostOfferState.NEW
    )
    first_name: Mapped[str] = mapped_column(String(40))
    email: Mapped[str] = mapped_column(String(255), index=True)
    starts_at: Mapped[datetime]
    time_zone: Mapped[str] = mapped_column(String(64))
    # The district or town, as a listing has it. The person has not given a street.
    country: Mapped[str] = mapped_column(String(2))
    place_code: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(default=now)
    # The party that the offer has become, and when its host got the kit.
    party_id: Mapped[int | None] = mapped_column(
        ForeignKey("party.id", ondelete="SET NULL"), index=True
    )
    kit_sent_at: Mapped[datetime | None]

    campaign: Mapped[Campaign] = relationship()
