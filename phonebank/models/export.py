"""A file that an organiser asked for: its kind, its pieces, and the progress of the job that makes
the file."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now
from phonebank.models.state_column import state_check, state_text, state_type


class ExportKind(StrEnum):
    """The kinds of file. One row of the file is a call, a person, a canvass result, or an answer
    that needs action."""

    CALLS = "calls"
    PEOPLE = "people"
    CANVASS = "canvass"  # canvass results, as VAN names them
    INBOX = "inbox"  # answers that need action


class ExportState(StrEnum):
    """The stages of preparing a file."""

    WAITING = "waiting"  # for a worker
    WORKING = "working"
    READY = "ready"
    FAILED = "failed"
    ERASED = "erased"  # it has expired, or newer files have replaced it


class Export(Base):
    """One file. When the file is erased, the row stays. The row does not name any person who was
    called."""

    __tablename__ = "export"
    __table_args__ = (
        state_check(ExportState),
        state_check(ExportKind, "kind"),
        # An organiser who asks again while a file is being made gets that file.
        Index(
            "uq_export_under_way",
            "campaign_id",
            "kind",
            "since",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=state_text(
                "state IN (:waiting, :working)",
                waiting=ExportState.WAITING,
                working=ExportState.WORKING,
            ),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[ExportKind] = mapped_column(state_type(ExportKind))
    # The file has only what changed from this moment on; None for everything.
    since: Mapped[datetime | None]
    state: Mapped[ExportState] = mapped_column(state_type(ExportState), default=ExportState.WAITING)
    rows_total: Mapped[int] = mapped_column(default=0)
    rows_written: Mapped[int] = mapped_column(default=0)
    bytes_written: Mapped[int] = mapped_column(BigInteger, default=0)
    # How often a worker has begun the file. A slow worker that was believed dead sees from this
    # number that another worker has begun again.
    tries: Mapped[int] = mapped_column(default=0)
    # When the job last made progress. If this is long ago, the job has lost its worker.
    progress_at: Mapped[datetime] = mapped_column(default=now)
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    finished_at: Mapped[datetime | None]


class ExportPiece(Base):
    """A piece of a file. Every worker can write the piece and every web process can send it,
    because it is stored in the database and not on a disk."""

    __tablename__ = "export_piece"

    export_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("export.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)
