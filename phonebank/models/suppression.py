"""Do not call: a number that nobody rings again, in any campaign."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now

FROM_CALL = "call"
FROM_LIST = "list"
FROM_ORGANISER = "organiser"


class Suppression(Base):
    """The number is the key, so that it can be said twice and stands once.

    Kept for good, with no name beside it: it is what makes the promise hold for later uploads.
    """

    __tablename__ = "suppression"

    phone: Mapped[str] = mapped_column(String(20), primary_key=True)  # E.164
    source: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(40), default="asked")
    # The call in which they asked; undoing that call within the undo time lifts it.
    call_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("call.id", ondelete="SET NULL"), index=True
    )
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=now)
