"""A volunteer: a person with a confirmed e-mail address. A volunteer has one row for all devices
and all campaigns."""

import secrets
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from phonebank.models.base import Base, now
from phonebank.models.campaign import Campaign


class Volunteer(Base):
    """One volunteer. Every volunteer has confirmed the e-mail address with a link that was mailed
    to this address."""

    __tablename__ = "volunteer"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    first_name: Mapped[str] = mapped_column(String(40))
    email: Mapped[str] = mapped_column(String(255), unique=True)
    # The cookie on each of their devices must hold this token. A new token signs them out
    # everywhere.
    device_token: Mapped[str] = mapped_column(String(64), default=lambda: secrets.token_urlsafe(24))
    confirmed_at: Mapped[datetime] = mapped_column(default=now)


class VolunteerCaller(Base):
    """A record of which volunteer a caller belongs to. This is not a column of `caller`, because
    the caller's row should change rarely. After each change of that row, a transaction that is
    giving the caller a contact must read the row again."""

    __tablename__ = "volunteer_caller"

    caller_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("caller.id", ondelete="CASCADE"), primary_key=True
    )
    volunteer_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("volunteer.id", ondelete="CASCADE"), index=True
    )


class Consent(Base):
    """A volunteer's consent that a campaign keeps their calls under their e-mail address, and its
    date. A withdrawn consent stays, with the dates on which it was given and withdrawn. All
    consents of a volunteer are deleted with the volunteer. All consents for a campaign are deleted
    when the campaign's personal data is erased."""

    __tablename__ = "consent"
    __table_args__ = (
        Index(
            "uq_consent_given",
            "volunteer_id",
            "campaign_id",
            "kind",
            "party_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        Index("ix_consent_campaign_id", "campaign_id"),
        Index("ix_consent_party_id", "party_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    volunteer_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("volunteer.id", ondelete="CASCADE")
    )
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    # There were to be other kinds of consent, and none was ever given. Release 0.2.0 still reads
    # `kind` and `party_id`, so a later release drops these two columns.
    kind: Mapped[str] = mapped_column(String(10), default="calls")
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id", ondelete="CASCADE"))
    given_at: Mapped[datetime] = mapped_column(default=now)
    withdrawn_at: Mapped[datetime | None]

    campaign: Mapped[Campaign] = relationship()


class EmailConfirmation(Base):
    """A mailed link that nobody has used yet. The row is deleted when somebody uses the link, or
    about a day after the link was made."""

    __tablename__ = "email_confirmation"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    # SHA-256, in hexadecimal, of the token in the link, so that a copy of this table gives no
    # access.
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(255))
    first_name: Mapped[str] = mapped_column(String(40))
    # The caller whose calls are kept once the link is opened; None for a link that only signs in.
    caller_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("caller.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(default=now)
