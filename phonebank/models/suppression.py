"""The do-not-call list: numbers that nobody may call, in any campaign."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, true
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now
from phonebank.models.state_column import state_check, state_type


class SuppressionOrigin(StrEnum):
    """The ways in which a number can get on the do-not-call list: in a call, with an upload of
    people, or through an organiser. ORGANISER includes do-not-call files and the API."""

    CALL = "call"
    LIST = "list"
    ORGANISER = "organiser"


class Suppression(Base):
    """One number on the do-not-call list. Each number has one row, however often it was put on the
    list.

    The row holds no name. It never expires, because the number must not be called if a later upload
    contains it. An organiser can remove a whole batch of numbers (`SuppressionBatch`). A number of
    the batch then stays on the list if a caller, an organiser or another batch has also put it on
    the list.
    """

    __tablename__ = "suppression"

    phone: Mapped[str] = mapped_column(String(20), primary_key=True)  # E.164
    source: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(40), default="asked")
    # The call in which the person asked for this. If that call is undone and gets another outcome,
    # the row is deleted.
    call_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("call.id", ondelete="SET NULL"), index=True
    )
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    # Whether a caller or an organiser put this single number on the list. If so, `source` and the
    # other columns describe that entry. If not, only files name the number, and the rows of
    # SuppressionSource say which files.
    entered_singly: Mapped[bool] = mapped_column(default=True, server_default=true())


class BatchState(StrEnum):
    """The stages of a `SuppressionBatch`."""

    UPLOADED = "uploaded"  # the file is stored, and none of its numbers is on the list yet
    ENTERED = "entered"
    LIFTING = "lifting"  # a job is removing the numbers
    LIFTED = "lifted"


class SuppressionBatch(Base):
    """Numbers that are put on the do-not-call list together. The numbers come from the do-not-call
    column of an upload, from a do-not-call file or from the API.

    An organiser can remove a whole batch. This takes its numbers off the list, except those that a
    caller, an organiser or another batch has also put there. The batch's row then stays, and says
    who removed the numbers, when and why. The removed numbers are not kept.
    """

    __tablename__ = "suppression_batch"
    __table_args__ = (state_check(BatchState),)

    id: Mapped[int] = mapped_column(primary_key=True)
    # None for a do-not-call file.
    contact_list_id: Mapped[int | None] = mapped_column(
        ForeignKey("contact_list.id", ondelete="SET NULL"), unique=True
    )
    # The token of the API that named the numbers; None for files and uploads.
    api_token_id: Mapped[int | None] = mapped_column(
        ForeignKey("api_token.id", ondelete="SET NULL"), index=True
    )
    source: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(40), default="asked")
    filename: Mapped[str] = mapped_column(String(255), default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    # The file, until its numbers are on the list, and the indexes (from 0) of the columns with
    # numbers.
    data: Mapped[bytes | None] = mapped_column(LargeBinary)
    columns: Mapped[list[Any]] = mapped_column(default=list)
    state: Mapped[BatchState] = mapped_column(state_type(BatchState), default=BatchState.ENTERED)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    # How many numbers the batch names, including those that were on the list before.
    numbers: Mapped[int] = mapped_column(default=0)
    lifted_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    lifted_reason: Mapped[str] = mapped_column(String(40), default="")
    lifted_numbers: Mapped[int] = mapped_column(default=0)
    lifted_at: Mapped[datetime | None]


class HashedNumber(Base):
    """A number that stays on the do-not-call list after every person with this number has been
    erased. Only a keyed hash of the number is kept (`suppressions.hashed_numbers`). If a later
    upload has the number, Phonebank still recognises it by the hash."""

    __tablename__ = "hashed_number"

    hashed: Mapped[str] = mapped_column(String(64), primary_key=True)
    # Says which of the keys in the environment made the hash.
    key_id: Mapped[str] = mapped_column(String(8))
    source: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now)


class SuppressionSource(Base):
    """A row says that a SuppressionBatch contains a number. When another batch is removed, a number
    that has such a row stays on the do-not-call list."""

    __tablename__ = "suppression_source"

    batch_id: Mapped[int] = mapped_column(
        ForeignKey("suppression_batch.id", ondelete="CASCADE"), primary_key=True
    )
    phone: Mapped[str] = mapped_column(
        ForeignKey("suppression.phone", ondelete="CASCADE"), primary_key=True, index=True
    )
