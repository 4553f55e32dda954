"""A call. It usually begins when a caller gets a contact, and usually ends with an outcome.

The row is written when the contact is taken from the queue. So the table shows which caller had
which contact on the screen, from when until when. This makes the table a part of the access ledger,
which records who saw which person's data. If the server calls the contact before a caller is free,
the row has no caller until a caller takes the call.
"""

import uuid
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Sequence, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, new_id, now
from phonebank.models.state_column import state_check, state_type


class CallEnding(StrEnum):
    """The reasons why a call ended."""

    RECORDED = "recorded"
    GIVEN_BACK = "given_back"
    EXPIRED = "expired"
    # The caller was removed, the campaign ended, or the person was erased. Or the server called
    # the person, they answered, and no caller was free.
    TAKEN_AWAY = "taken_away"


# The caller's page and the board look for new outcomes only in calls that began within this time. A
# call can be corrected for twelve hours. Its contact may then be held for about an hour, and the
# page asks for the outcome for two hours more. A phone without a network may send an outcome even
# later. That outcome is counted, but not announced.
OUTCOME_WITHIN = timedelta(hours=16)

# The `seq` of an answer that was taken over from an earlier call: see `calls.earlier_call`.
TAKEN_OVER = -1

RECORDED_NO = Sequence("call_recorded_no", metadata=Base.metadata)
HANDED_OUT_NO = Sequence("call_handed_out_no", metadata=Base.metadata)
# An SQL condition on a call: its outcome says that the number is not in service (`number_dead` in
# `rules.outcomes`).
REPORTS_DEAD = "outcome = 'disconnected'"


class Call(Base):
    """One call. The call is open while `ended_at` is null.

    The id is also the token of the hold (the caller's right to the contact until `expires_at`) and
    the idempotency key of the outcome. Each time a contact is taken from the queue, a call with a
    new id is made. So a late outcome can never be recorded for another caller's call.
    """

    __tablename__ = "call"
    __table_args__ = (
        state_check(CallEnding, "ending"),
        CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name="ended_with_an_ending"),
        # No contact and no number is in two open calls, and no caller has two open calls.
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
        # In this order other software reads the few calls that organisers have changed.
        Index(
            "ix_call_organiser_changed",
            "campaign_id",
            "organiser_changed_at",
            postgresql_where=text("organiser_changed_at IS NOT NULL"),
        ),
        # In this order other software reads the calls whose outcome was undone, and that have no
        # new outcome.
        Index(
            "ix_call_undone",
            "campaign_id",
            "reopened_at",
            postgresql_where=text("reopened_at IS NOT NULL AND recorded_at IS NULL"),
        ),
        # A number stays dead as long as one of these calls says so.
        Index("ix_call_dead_number", "phone", postgresql_where=text(REPORTS_DEAD)),
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
    # None while the server calls a person for whom no caller is free yet. When a caller takes the
    # call, the caller is written here, and `started_at` is that moment.
    caller_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("caller.id", ondelete="CASCADE")
    )
    party_id: Mapped[int | None] = mapped_column(ForeignKey("party.id", ondelete="SET NULL"))
    script_version_id: Mapped[int | None] = mapped_column(
        ForeignKey("script_version.id", ondelete="SET NULL")
    )
    # The arm of the experiment that chose the script; None outside of an experiment.
    experiment_arm_id: Mapped[int | None] = mapped_column(
        ForeignKey("experiment_arm.id", ondelete="SET NULL")
    )
    # The number that is called, E.164; "" if the person has been erased. After that nothing more
    # can be recorded, and the household and the note are erased too.
    phone: Mapped[str] = mapped_column(String(20))
    # The household: ids of the contacts on the same number whose first names the caller sees too.
    household: Mapped[list[Any]] = mapped_column(default=list)
    started_at: Mapped[datetime] = mapped_column(default=now)
    # When the hold expires. Renewals write it here, and Redis has a copy.
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ending: Mapped[CallEnding | None] = mapped_column(state_type(CallEnding))

    outcome: Mapped[str | None] = mapped_column(String(20))
    recorded_at: Mapped[datetime | None]
    # This number comes from the sequence `RECORDED_NO`. It orders a caller's outcomes even if a
    # server's clock was set back.
    recorded_no: Mapped[int | None] = mapped_column(
        BigInteger, server_default=RECORDED_NO.next_value()
    )
    # This number comes from the sequence `HANDED_OUT_NO`. It orders the moments at which contacts
    # came onto screens, even if the servers' clocks differ. The call takes a new number when it is
    # undone, and when another person of the household comes to the phone.
    handed_out_no: Mapped[int | None] = mapped_column(
        BigInteger, server_default=HANDED_OUT_NO.next_value()
    )
    reached: Mapped[bool] = mapped_column(default=False)
    conversation: Mapped[bool] = mapped_column(default=False)
    yes: Mapped[bool] = mapped_column(default=False)
    # Whether the call is in a tally. If an outcome comes after another caller has got the contact,
    # its call is in no tally.
    counted: Mapped[bool] = mapped_column(default=False)
    # Whether the outcome came after the hold had expired.
    late: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(default="")
    # Whether the outcome came sooner than a call with that outcome takes. Such a call counts in
    # every total, but in no ranking.
    too_fast: Mapped[bool] = mapped_column(default=False)
    # How often the outcome was undone. A request names the turn that its page showed, so a late
    # copy of an earlier request is recognised.
    turn: Mapped[int] = mapped_column(default=0)
    # When the outcome was last undone, and the contact came back onto the screen.
    reopened_at: Mapped[datetime | None]
    # When an organiser set the call aside (see `calls.set_aside`). The row is kept, but is in no
    # total.
    set_aside_at: Mapped[datetime | None]
    # When an organiser last corrected the call (see `calls.correct`).
    corrected_at: Mapped[datetime | None]
    # When an organiser last corrected the call, set it aside or brought it back.
    organiser_changed_at: Mapped[datetime | None]
    # The contact's state just before the outcome, which an undo restores.
    contact_before: Mapped[dict[str, Any] | None]


class Answer(Base):
    """The answer given in one call at one step of the script. Usually the answer is saved during
    the call, before the outcome is recorded."""

    __tablename__ = "answer"

    call_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("call.id", ondelete="CASCADE"), primary_key=True
    )
    step_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
    answered_at: Mapped[datetime] = mapped_column(default=now)
    # Each answer that the caller's page sends has a higher number, so a late copy of an earlier
    # answer is recognised. The number is TAKEN_OVER for an answer from an earlier call.
    seq: Mapped[int | None] = mapped_column(BigInteger)
