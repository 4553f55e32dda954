"""Callers' connections to a telephone service, in campaigns that call through such a service."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now


class PhoneSession(Base):
    """The latest session of a caller. In a session, the caller is connected to the telephone
    service, by telephone or through the browser. The session begins when the caller asks to be
    connected. It ends at `ended_at`, for example because the caller has finished, has hung up or
    was removed."""

    __tablename__ = "phone_session"
    __table_args__ = (
        Index("ix_phone_session_on", "campaign_id", postgresql_where=text("ended_at IS NULL")),
    )

    caller_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("caller.id", ondelete="CASCADE"), primary_key=True
    )
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    # The caller's own telephone, E.164; None if they speak through the browser. It is deleted when
    # the session ends.
    number: Mapped[str | None] = mapped_column(String(20))
    # The caller's line; None until the dialler has made it.
    line_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("line.id", ondelete="SET NULL"), index=True
    )
    # Since when the caller has wanted the next person, or None. `finishing` says that the caller
    # wants nobody after the present person.
    ready_at: Mapped[datetime | None]
    finishing: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Why the caller gets nobody right now, in words, and when the dialler asks again.
    notice: Mapped[str] = mapped_column(default="")
    ask_again_at: Mapped[datetime | None]
    # When the caller's page last asked for the state of the session.
    seen_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
