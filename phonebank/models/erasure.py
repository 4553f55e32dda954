"""A request to erase a person, and whether stored files have been searched for that person."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now
from phonebank.models.state_column import state_check, state_text, state_type


class ErasureState(StrEnum):
    """The stages of an erasure."""

    SEARCHING = "searching"  # the person's rows are erased, and stored files are being searched
    DONE = "done"


class Erasure(Base):
    """One erasure. When the erasure is complete, the row stays but names nobody."""

    __tablename__ = "erasure"
    __table_args__ = (
        state_check(ErasureState),
        Index(
            "ix_erasure_searching",
            "id",
            postgresql_where=state_text("state = :searching", searching=ErasureState.SEARCHING),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    state: Mapped[ErasureState] = mapped_column(
        state_type(ErasureState), default=ErasureState.SEARCHING
    )
    # The person to search for, in the form that `privacy.person.Person.to_json` returns. None once
    # the erasure is done.
    person: Mapped[dict[str, Any] | None]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    # When the job last made progress. If this is long ago, the job has lost its worker.
    progress_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
