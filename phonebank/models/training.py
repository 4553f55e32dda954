"""A training: an event at which people make practice calls. A trainer sees who has finished a
practice call."""

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from phonebank.models.base import Base
from phonebank.models.listing import Listing
from phonebank.models.party import new_code
from phonebank.models.volunteer_role import VolunteerRole


class Training(Base):
    """The practice room of a training (a listing of the kind TRAINING). The row has the code with
    which people join the room, and the trainer, if an organiser chose one."""

    __tablename__ = "training"

    listing_id: Mapped[int] = mapped_column(
        ForeignKey("listing.id", ondelete="CASCADE"), primary_key=True
    )
    # The trainer whom the organiser chose. Every trainer of the campaign may run the training.
    trainer_id: Mapped[int | None] = mapped_column(
        ForeignKey("volunteer_role.id", ondelete="SET NULL"), index=True
    )
    code: Mapped[str] = mapped_column(String(12), unique=True, default=new_code)

    listing: Mapped[Listing] = relationship()
    trainer: Mapped[VolunteerRole | None] = relationship()


class Trainee(Base):
    """A caller who joined a training."""

    __tablename__ = "trainee"

    listing_id: Mapped[int] = mapped_column(
        ForeignKey("training.listing_id", ondelete="CASCADE"), primary_key=True
    )
    caller_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("caller.id", ondelete="CASCADE"), primary_key=True, index=True
    )
