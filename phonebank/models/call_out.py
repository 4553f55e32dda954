"""A call-out: people meet in a hall and promise to host parties."""

import secrets
import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from phonebank.models.base import Base, new_id, now
from phonebank.models.campaign import Campaign
from phonebank.models.party import new_code
from phonebank.models.state_column import state_check, state_type


class CallOutStep(StrEnum):
    """The steps of a call-out, in order. The remote control is a page on which somebody chooses the
    step that the projector shows."""

    SIGN_IN = "sign_in"
    PRACTISE = "practise"
    HOST = "host"  # who will host a party?
    JOIN = "join"  # who will go to one?
    THANKS = "thanks"


class CallOut(Base):
    __tablename__ = "call_out"
    __table_args__ = (
        state_check(CallOutStep, "step"),
        # A code is free again once its call-out has ended.
        Index(
            "uq_call_out_live_code",
            "code",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), index=True
    )
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    title: Mapped[str] = mapped_column(String(120))
    starts_at: Mapped[datetime] = mapped_column(default=now)
    time_zone: Mapped[str] = mapped_column(String(64))
    step: Mapped[CallOutStep] = mapped_column(state_type(CallOutStep), default=CallOutStep.SIGN_IN)
    # When the first step began, and when the present step began. Both are None until somebody
    # starts the call-out with the remote.
    began_at: Mapped[datetime | None]
    step_at: Mapped[datetime | None]
    # The version grows by one with each change that the projector shows.
    version: Mapped[int] = mapped_column(BigInteger, default=1)
    code: Mapped[str] = mapped_column(String(12), default=new_code)
    # The token in the projector's link, which only shows the call-out.
    projector_token: Mapped[str] = mapped_column(
        String(64), unique=True, default=lambda: secrets.token_urlsafe(24)
    )
    # The token in the remote's link, which also moves the call-out from step to step.
    remote_token: Mapped[str] = mapped_column(
        String(64), unique=True, default=lambda: secrets.token_urlsafe(24)
    )
    # Whether people who pledge become hosts of the campaign without an organiser's check.
    lets_host: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
    # When the people who pledged, but did not set up their party, were put into a contact list.
    followed_up_at: Mapped[datetime | None]
    # The campaign that calls these people; None if none of them had a number.
    follow_up_id: Mapped[int | None] = mapped_column(ForeignKey("campaign.id", ondelete="SET NULL"))

    campaign: Mapped[Campaign] = relationship(foreign_keys=[campaign_id])

    @property
    def has_ended(self) -> bool:
        return self.ended_at is not None


class SignUp(Base):
    """A person who signed in at a call-out. At least one of `email` and `phone` is known."""

    __tablename__ = "call_out_sign_up"
    __table_args__ = (
        CheckConstraint("num_nonnulls(email, phone) >= 1", name="reachable"),
        Index(
            "uq_call_out_sign_up_email",
            "call_out_id",
            "email",
            unique=True,
            postgresql_where=text("email IS NOT NULL"),
        ),
        Index(
            "uq_call_out_sign_up_phone",
            "call_out_id",
            "phone",
            unique=True,
            postgresql_where=text("phone IS NOT NULL"),
        ),
    )

    # The page makes the id before it sends the form, so a form that is sent again is counted once.
    # Nobody can guess the id, so it also identifies the person's device.
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    call_out_id: Mapped[int] = mapped_column(ForeignKey("call_out.id", ondelete="CASCADE"))
    first_name: Mapped[str] = mapped_column(String(40))
    email: Mapped[str | None] = mapped_column(String(255))
    phone: Mapped[str | None] = mapped_column(String(32))
    # The district or town of the postcode, and its centre. The rest of the postcode is not stored.
    country: Mapped[str] = mapped_column(String(2))
    area: Mapped[str] = mapped_column(String(340))
    latitude: Mapped[float]
    longitude: Mapped[float]
    # The caller that this person is when they practise.
    caller_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("caller.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(default=now)


class Pledge(Base):
    """A promise to host a party. A person can make at most one pledge in a call-out."""

    __tablename__ = "pledge"
    __table_args__ = (CheckConstraint("chairs BETWEEN 1 AND 100", name="chairs"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    call_out_id: Mapped[int] = mapped_column(
        ForeignKey("call_out.id", ondelete="CASCADE"), index=True
    )
    sign_up_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("call_out_sign_up.id", ondelete="CASCADE"), unique=True
    )
    starts_at: Mapped[datetime]
    country: Mapped[str] = mapped_column(String(2))
    area: Mapped[str] = mapped_column(String(340))
    latitude: Mapped[float]
    longitude: Mapped[float]
    chairs: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)
    # The party that the pledge has become, and when its host got the kit.
    party_id: Mapped[int | None] = mapped_column(
        ForeignKey("party.id", ondelete="SET NULL"), index=True
    )
    kit_sent_at: Mapped[datetime | None]

    sign_up: Mapped[SignUp] = relationship()


class PledgeSeat(Base):
    """A place at a pledged party, which somebody has taken during a call-out."""

    __tablename__ = "pledge_seat"

    pledge_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("pledge.id", ondelete="CASCADE"), primary_key=True
    )
    sign_up_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("call_out_sign_up.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    created_at: Mapped[datetime] = mapped_column(default=now)
    # When the person got the e-mail with which they confirm the place.
    invited_at: Mapped[datetime | None]


class SheetLineState(StrEnum):
    """The states of a line on a paper sheet."""

    NEW = "new"
    KNOWN = "known"  # this person had signed in already
    UNREADABLE = "unreadable"


class CallOutSheet(Base):
    """A paper sheet on which people without a phone sign in."""

    __tablename__ = "call_out_sheet"
    __table_args__ = (UniqueConstraint("call_out_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    call_out_id: Mapped[int] = mapped_column(ForeignKey("call_out.id", ondelete="CASCADE"))
    number: Mapped[int]
    # The token in the printed QR code. The code's link leads to the page for typing in the sheet.
    token: Mapped[str] = mapped_column(
        String(64), unique=True, default=lambda: secrets.token_urlsafe(24)
    )
    # When somebody had entered how many lines the paper has, and all these lines had been typed in.
    finished_at: Mapped[datetime | None]

    call_out: Mapped[CallOut] = relationship()


class SheetLine(Base):
    """One line of a paper sheet, after somebody has typed it in."""

    __tablename__ = "call_out_sheet_line"
    __table_args__ = (state_check(SheetLineState),)

    sheet_id: Mapped[int] = mapped_column(
        ForeignKey("call_out_sheet.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[SheetLineState] = mapped_column(state_type(SheetLineState))
    sign_up_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("call_out_sign_up.id", ondelete="SET NULL"), index=True
    )
    # What the line changed, so that it can be taken back: "person" and "pledge", each with the
    # values before and after the line. The values before are None if the person or the pledge is
    # new.
    changes: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(default=now)
