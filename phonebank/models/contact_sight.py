"""Records when an organiser saw a person's data. These records are a part of the access ledger,
which says who saw which person's data."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now


class SightKind(StrEnum):
    """The places where an organiser can see a person's data and the access ledger records this. The
    ledger does not record who is in a downloaded file of calls or people."""

    FOUND = "found"  # among the results of a search
    OPENED = "opened"  # the person's own page, or a page about one of their calls
    LISTED = "listed"  # in the list of one caller's calls
    INBOX = "inbox"  # with an answer that needs action
    TOLD = "told"  # with what they told a caller about themselves
    FILE = "file"  # in the file of what is stored about them


class ContactSight(Base):
    """An occasion on which an organiser saw a person's data, such as the name or number. The tables
    `call` and `call_sight` record when a caller saw a person's data."""

    __tablename__ = "contact_sight"
    __table_args__ = (
        Index("ix_contact_sight_contact", "contact_id", "at"),
        Index("ix_contact_sight_campaign", "campaign_id", "at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    contact_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("contact.id", ondelete="CASCADE")
    )
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    kind: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime] = mapped_column(default=now)
