"""A caller's calls that an organiser has set aside. These calls are kept but do not count in any
total. An organiser can bring them back."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now
from phonebank.models.state_column import state_check, state_type


class SetAsideState(StrEnum):
    """The stages of a request to set calls aside (exclude them from all totals). A job sets the
    calls aside, or brings them back."""

    WORKING = "working"  # calls are being set aside, some at a time
    DONE = "done"
    RETURNING = "returning"  # calls are being brought back, some at a time
    RETURNED = "returned"


class SetAside(Base):
    """One request to set a caller's calls aside (exclude them from all totals). The row says which
    calls these are, and how far the job has got."""

    __tablename__ = "set_aside"
    __table_args__ = (
        state_check(SetAsideState),
        Index("ix_set_aside_caller", "caller_id"),
        Index("ix_set_aside_state", "state"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    caller_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("caller.id", ondelete="CASCADE"))
    state: Mapped[SetAsideState] = mapped_column(
        state_type(SetAsideState), default=SetAsideState.WORKING
    )
    # Whether to set aside only the calls that were recorded faster than a real call can be.
    only_fast: Mapped[bool] = mapped_column(default=False)
    # Only calls recorded up to this moment are set aside, because the organiser has not seen later
    # calls.
    until: Mapped[datetime] = mapped_column(default=now)


class SetAsideCall(Base):
    """One call that was set aside, with everything that is needed to bring it back."""

    __tablename__ = "set_aside_call"

    set_aside_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("set_aside.id", ondelete="CASCADE"), primary_key=True
    )
    call_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("call.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    # Whether the call was in the tallies before it was set aside.
    counted: Mapped[bool]
    # The contact status of the person and their household, before and after. Both are None if
    # another caller's call had changed the status. The status then stayed as it was.
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    # The reason of the do-not-call entry that was removed with the call; None if there was no
    # entry.
    lifted_reason: Mapped[str | None] = mapped_column(String(40))
