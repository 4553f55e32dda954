"""One attempt: a contact handed to a caller, and what came of it.

The row is written when the person is handed out, so the table is also the access ledger:
who saw whom, from when, until when.
"""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Sequence, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, new_id, now
from phonebank.models.state import state_check, state_type


class CallEnding(StrEnum):
    """How a hold came to its end."""

    RECORDED = "recorded"
    GIVEN_BACK = "given_back"
    EXPIRED = "expired"
    TAKEN_AWAY = "taken_away"  # the caller was removed, or the campaign ended


RECORDED_NO = Sequence("call_recorded_no", metadata=Base.metadata)
HANDED_OUT_NO = Sequence("call_handed_out_no", metadata=Base.metadata)


class Call(Base):
    """Open while `ended_at` is null. The id is the hold's token and the outcome's idempotency key:
    each hand-out makes a new one, so an outcome can never land on somebody else's hold."""

    __tablename__ = "call"
    __table_args__ = (
        state_check(CallEnding, "ending"),
        CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name="ended_with_an_ending"),
        # Promise 1: no person, and no number, in two open calls. Promise 6: one person a caller.
        Index(
            "uq_call_open_contact",
            "contact_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "uq_call_open_phone", "phone", unique=True, postgresql_where=text("ended_at IS NULL")
        ),
        Index(
            "uq_call_open_caller",
            "caller_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_call_contact_started", "contact_id", "started_at"),
        Index("ix_call_too_fast", "campaign_id", "caller_id", postgresql_where=text("too_fast")),
        Index("ix_call_caller_started", "caller_id", "started_at"),
        Index(
            "ix_call_party_recorded",
            "party_id",
            "recorded_at",
            postgresql_where=text("recorded_at IS NOT NULL"),
        ),
        Index(
            "ix_call_campaign_recorded",
            "campaign_id",
            "recorded_at",
            postgresql_where=text("recorded_at IS NOT NULL"),
        ),
        Index(
            "ix_call_experiment_arm_recorded",
            "experiment_arm_id",
            "recorded_at",
            postgresql_where=text("experiment_arm_id IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    contact_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("contact.id", ondelete="CASCADE")
    )
    caller_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("caller.id", ondelete="CASCADE"))
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id", ondelete="SET NULL"))
    script_version_id: Mapped[int | None] = mapped_column(
        ForeignKey("script_version.id", ondelete="SET NULL")
    )
    # The arm of the experiment that decided the words; None outside of one.
    experiment_arm_id: Mapped[int | None] = mapped_column(
        ForeignKey("experiment_arm.id", ondelete="SET NULL")
    )
    phone: Mapped[str] = mapped_column(String(20))  # the number handed out, E.164
    # Contacts on the same number whose first names the caller is shown beside: the household.
    household: Mapped[list[Any]] = mapped_column(default=list)
    started_at: Mapped[datetime] = mapped_column(default=now)
    # When the hold runs out: renewals write it here, and Redis has a copy.
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ending: Mapped[CallEnding | None] = mapped_column(state_type(CallEnding))

    outcome: Mapped[str | None] = mapped_column(String(20))
    recorded_at: Mapped[datetime | None]
    # From `RECORDED_NO`: which of a caller's outcomes came last, also where a clock was set back.
    recorded_no: Mapped[int | None] = mapped_column(
        BigInteger, server_default=RECORDED_NO.next_value()
    )
    # From `HANDED_OUT_NO`: in which order people came onto screens, also where servers' clocks
    # differ. An undo, and somebody else of the household who came to the phone, take a new one.
    handed_out_no: Mapped[int | None] = mapped_column(
        BigInteger, server_default=HANDED_OUT_NO.next_value()
    )
    reached: Mapped[bool] = mapped_column(default=False)
    conversation: Mapped[bool] = mapped_column(default=False)
    yes: Mapped[bool] = mapped_column(default=False)
    # False: kept as a call, but in no tally (a late outcome for a person since handed on).
    counted: Mapped[bool] = mapped_column(default=False)
    # The outcome came after the hold had run out.
    late: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(default="")
    # Recorded sooner than such a call takes: in every total, but in no ranking.
    too_fast: Mapped[bool] = mapped_column(default=False)
    # How often its outcome was undone. Requests say for which turn they were meant, so that a late
    # copy of one that was dealt with is known for what it is.
    turn: Mapped[int] = mapped_column(default=0)
    # When it was undone last: from then on the person has been on the screen again.
    reopened_at: Mapped[datetime | None]
    # An organiser has set the call aside: it is kept, and counts nowhere. See callers.set_aside.
    set_aside_at: Mapped[datetime | None]
    # The contact's state just before the outcome: what undo gives back.
    contact_before: Mapped[dict[str, Any] | None]


class Answer(Base):
    """What was answered at one step of the script, saved as it is given."""

    __tablename__ = "answer"

    call_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("call.id", ondelete="CASCADE"), primary_key=True
    )
    step_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
    answered_at: Mapped[datetime] = mapped_column(default=now)
    # Grows with every answer that the caller's page sends, so that a late copy is known for one.
    seq: Mapped[int | None] = mapped_column(BigInteger)
