"""Answers that somebody has to act on, such as an offer to help or a request for a poster."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now
from phonebank.models.state_column import state_check, state_type

# The SQL condition for an answer that its script marks as "needs action". A question with several
# answers stores a list.
NEEDS_ACTION = """EXISTS (
    SELECT FROM jsonb_array_elements(
        CASE jsonb_typeof(answer.value) WHEN 'array' THEN answer.value
             ELSE jsonb_build_array(answer.value) END) AS given(key)
    WHERE script_version.needs_action -> answer.step_id @> given.key
)"""


class InboxState(StrEnum):
    """The stages of an answer that needs action."""

    OPEN = "open"
    CLAIMED = "claimed"  # an organiser is doing it
    DONE = "done"


class InboxItem(Base):
    """An answer that somebody gave in a call, and that the script marks as "needs action". The
    answer itself stays in the table `answer`."""

    __tablename__ = "inbox_item"
    __table_args__ = (
        state_check(InboxState),
        UniqueConstraint("call_id", "step_id"),
        Index("ix_inbox_item_campaign", "campaign_id", "state", "id"),
        Index("ix_inbox_item_contact", "contact_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    contact_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("contact.id", ondelete="CASCADE")
    )
    call_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"))
    step_id: Mapped[str] = mapped_column(String(80))
    # When the outcome of the call was recorded.
    recorded_at: Mapped[datetime]
    state: Mapped[InboxState] = mapped_column(state_type(InboxState), default=InboxState.OPEN)
    claimed_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    changed_at: Mapped[datetime] = mapped_column(default=now)
    note: Mapped[str] = mapped_column(default="")


class InboxMark(Base):
    """The job that fills the inbox and gives tags has read a campaign's calls up to `read_to`. This
    is not a column of `campaign`, because the campaign's row should change rarely. After each
    change of that row, every transaction that is giving a caller a contact must read the row
    again."""

    __tablename__ = "inbox_mark"

    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True
    )
    read_to: Mapped[datetime]


class TextSent(Base):
    """A record that a caller sent the person a text message after a call. The caller sent it from
    their own phone and told Phonebank that they had."""

    __tablename__ = "text_sent"

    call_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("call.id", ondelete="CASCADE"), primary_key=True
    )
    sent_at: Mapped[datetime] = mapped_column(default=now)
