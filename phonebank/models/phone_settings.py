"""A campaign's settings for calls through a telephone service."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base


class PhoneSettings(Base):
    """The settings of one campaign. They are not columns of `campaign`, because the campaign's row
    should change rarely. After each change of that row, every transaction that is giving a caller a
    contact must read the row again."""

    __tablename__ = "phone_settings"

    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True
    )
    # The number that people see, E.164. Without this number nothing is dialled.
    shown_number: Mapped[str] = mapped_column(String(20), default="")
    # For how long a person's telephone rings, in seconds.
    ring_seconds: Mapped[int] = mapped_column(default=25, server_default="25")
    # The most that lines may cost in a day, in the provider's currency; None for no limit.
    day_budget: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    # When an organiser confirmed the page about the law on predictive calling, and who.
    law_confirmed_at: Mapped[datetime | None]
    law_confirmed_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("account.id", ondelete="SET NULL")
    )
