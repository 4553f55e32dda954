"""Webhooks: addresses of other software, to which Phonebank reports what has happened in a
campaign."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, new_id, now
from phonebank.models.state_column import state_check, state_text, state_type


class WebhookEvent(StrEnum):
    """The kinds of event that Phonebank reports to a webhook."""

    OUTCOME_RECORDED = "outcome.recorded"
    DO_NOT_CALL_ADDED = "do-not-call.added"
    NEEDS_ACTION = "needs-action.added"
    TEST = "test"  # an organiser tests whether the address answers


class DeliveryState(StrEnum):
    """The states of a delivery (a request that reports events to a webhook)."""

    WAITING = "waiting"  # waiting for its first or its next try
    DELIVERED = "delivered"
    FAILED = "failed"  # after its last try


class Webhook(Base):
    """One address of other software, to which Phonebank sends events. The row stays after an
    organiser has stopped the webhook."""

    __tablename__ = "webhook"

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), index=True
    )
    url: Mapped[str] = mapped_column(String(500))
    events: Mapped[list[Any]] = mapped_column(default=list)
    # The key for the signatures. Anyone who has it can sign as Phonebank, but it gives no access to
    # Phonebank.
    secret: Mapped[str] = mapped_column(String(80))
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    stopped_at: Mapped[datetime | None]
    # After a failure nothing is sent until this moment.
    next_try_at: Mapped[datetime] = mapped_column(default=now)
    # How far the rows of calls and of contacts have been turned into deliveries: a moment, and the
    # last id at that moment.
    outcomes_until: Mapped[datetime] = mapped_column(default=now)
    outcomes_until_id: Mapped[uuid.UUID] = mapped_column(default=lambda: uuid.UUID(int=0))
    suppressed_until: Mapped[datetime] = mapped_column(default=now)
    suppressed_until_id: Mapped[int] = mapped_column(BigInteger, default=0)
    # The entries of the inbox have been turned into deliveries up to `inbox_until_id`. At
    # `inbox_seen_at` the inbox's newest entry was `inbox_seen_id`.
    inbox_until_id: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    inbox_seen_id: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    inbox_seen_at: Mapped[datetime | None]


class WebhookDelivery(Base):
    """A delivery: some events of one kind, which Phonebank sends in one request. The request refers
    to people only by their ids."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        state_check(DeliveryState),
        Index("ix_webhook_delivery_webhook", "webhook_id", "id"),
        Index(
            "ix_webhook_delivery_waiting",
            "webhook_id",
            "next_try_at",
            postgresql_where=state_text("state = :waiting", waiting=DeliveryState.WAITING),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    event: Mapped[WebhookEvent] = mapped_column(state_type(WebhookEvent, 20))
    events: Mapped[list[Any]] = mapped_column(default=list)
    state: Mapped[DeliveryState] = mapped_column(
        state_type(DeliveryState), default=DeliveryState.WAITING
    )
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime] = mapped_column(default=now)
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_try_at: Mapped[datetime | None]
    # The HTTP status of the last answer; None if there was none.
    status: Mapped[int | None]
    fault: Mapped[str] = mapped_column(String(200), default="")
