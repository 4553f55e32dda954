"""An upload: the file until it is imported, the file's columns, the progress of the import, and the
rows that were refused."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, FetchedValue, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now
from phonebank.models.state_column import state_check, state_type


class ListState(StrEnum):
    """The stages of an upload."""

    UPLOADED = "uploaded"  # the file is stored, but its columns are not confirmed yet
    QUEUED = "queued"  # confirmed, waiting for a worker
    IMPORTING = "importing"
    READY = "ready"
    FAILED = "failed"
    UNDONE = "undone"


LIST_STATES_IN_PROGRESS = (ListState.QUEUED, ListState.IMPORTING)


class ListPurpose(StrEnum):
    """What an upload is for."""

    CALL = "call"  # its people are called; people whom the campaign has already may get new values
    TAKE_OUT = "take_out"  # the people that it names are taken out of calling


class ContactList(Base):
    __tablename__ = "contact_list"
    __table_args__ = (
        state_check(ListState),
        state_check(ListPurpose, "purpose"),
        UniqueConstraint("id", "campaign_id"),  # a contact refers to both
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), index=True
    )
    purpose: Mapped[ListPurpose] = mapped_column(
        state_type(ListPurpose), default=ListPurpose.CALL, server_default="call"
    )
    # Why the people of a file are taken out: a key of `lists.take_out.REASONS`. It is "" for other
    # uploads.
    reason: Mapped[str] = mapped_column(String(20), default="", server_default="")
    name: Mapped[str] = mapped_column(String(120))
    filename: Mapped[str] = mapped_column(String(255))
    state: Mapped[ListState] = mapped_column(state_type(ListState), default=ListState.UPLOADED)
    # Contacts of lists with a lower number are called first.
    priority: Mapped[int] = mapped_column(default=0)
    # Whether the list is paused.
    removed: Mapped[bool] = mapped_column(default=False)
    # {"encoding": …, "delimiter": …, "quotechar": …}, as phonebank.csv_input.rows found them.
    dialect: Mapped[dict[str, Any]] = mapped_column(default=dict)
    headers: Mapped[list[Any]] = mapped_column(default=list)
    # The target of each column, in order, as phonebank.csv_input.column_mapping names the targets.
    mapping: Mapped[list[Any]] = mapped_column(default=list)
    # If a person is in the campaign already, they get the values of these targets. If this list is
    # empty, such people stay unchanged. `update_empties` says that an empty cell deletes the value.
    update_targets: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    update_empties: Mapped[bool] = mapped_column(default=False, server_default="false")
    # What an organiser decided about the values of yes-no columns
    # (`csv_input.column_mapping.Actions`), kept until the file is read. Before that decision,
    # `mark_counts` holds how often each value occurs, as `lists.yes_no_counts` counts it.
    mark_actions: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    mark_counts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    # The distinct zone keys and languages of the contacts. A refill reads the list's contacts by
    # these.
    zone_keys: Mapped[list[Any]] = mapped_column(default=list)
    languages: Mapped[list[Any]] = mapped_column(default=list)
    bytes_total: Mapped[int] = mapped_column(default=0)
    rows_total: Mapped[int] = mapped_column(default=0)
    # An interrupted import continues after these rows, which are stored, refused or skipped.
    rows_read: Mapped[int] = mapped_column(default=0)
    rows_stored: Mapped[int] = mapped_column(default=0)
    rows_refused: Mapped[int] = mapped_column(default=0)
    rows_duplicate: Mapped[int] = mapped_column(default=0)
    rows_suppressed: Mapped[int] = mapped_column(default=0)
    # Rows whose people got new values or, in a file that takes people out, were taken out.
    rows_updated: Mapped[int] = mapped_column(default=0, server_default="0")
    # In a file that takes people out: the rows whose people are not in the campaign.
    rows_unknown: Mapped[int] = mapped_column(default=0, server_default="0")
    fault: Mapped[str | None]
    # When the list was confirmed, or when the import last made progress. If this is long ago, the
    # import has lost its worker.
    progress_at: Mapped[datetime] = mapped_column(default=now)
    # When the present worker began to read the file, and with which row.
    reading_since: Mapped[datetime | None]
    reading_from: Mapped[int] = mapped_column(default=0, server_default="0")
    # How often a worker has begun the import since it last made progress.
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    finished_at: Mapped[datetime | None]
    # The day on which the list was screened against the country's register, or why it need not be
    # screened, as an organiser says (`lists.screening`). `screening_lapsed` says that the list is
    # paused because there is no such statement, or because the screening has become too old.
    screened_on: Mapped[date | None]
    screening_not_needed: Mapped[bool] = mapped_column(default=False, server_default="false")
    screening_reason: Mapped[str] = mapped_column(default="", server_default="")
    screening_lapsed: Mapped[bool] = mapped_column(default=False, server_default="false")
    screened_at: Mapped[datetime | None]
    screened_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("account.id", ondelete="SET NULL")
    )
    # This number grows when a person is erased from the stored file. A worker that has read the
    # older file begins again.
    file_version: Mapped[int] = mapped_column(default=0, server_default="0")


class UploadChunk(Base):
    """A piece of an uploaded file. The piece is kept only until the import of the file has ended,
    or until the upload is undone.

    The piece is stored in the database and not on a disk, so that any worker on any machine can
    read it.
    """

    __tablename__ = "upload_chunk"

    contact_list_id: Mapped[int] = mapped_column(
        ForeignKey("contact_list.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class RefusedRow(Base):
    """A row that the import refused, why the row was refused, and the row's number in the
    spreadsheet."""

    __tablename__ = "refused_row"

    contact_list_id: Mapped[int] = mapped_column(
        ForeignKey("contact_list.id", ondelete="CASCADE"), primary_key=True
    )
    row_number: Mapped[int] = mapped_column(primary_key=True)
    column: Mapped[str] = mapped_column(String(255), default="")
    reason: Mapped[str] = mapped_column(String(40))
    message: Mapped[str]
    cells: Mapped[list[Any]] = mapped_column(default=list)


class ContactChange(Base):
    """What an upload changed about a person who was already in the campaign. `before` and `after`
    have the old and new values of the changed columns, by column. An undo restores a value from
    `before` only if the person still has the value from `after`.

    `number` grows with each change, so a later change of the same person has a higher number. It is
    None if the change was made before changes had numbers. If the later upload changed a value
    again, an undo of the earlier one stores the oldest value in the `before` of the later one. If
    the later upload also moved the person, `given_earlier` in its `after` then has the numbers that
    the earlier one gave.
    """

    __tablename__ = "contact_change"

    contact_list_id: Mapped[int] = mapped_column(
        ForeignKey("contact_list.id", ondelete="CASCADE"), primary_key=True
    )
    contact_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    # The default comes from a sequence that belongs to the column, as for PostgreSQL's "bigserial".
    number: Mapped[int | None] = mapped_column(BigInteger, FetchedValue())
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]


class UploadCheck(Base):
    """What an import of an upload would do. For a large upload, a job finds this out before an
    organiser confirms the columns.

    `plan` has the meanings of the columns and the organiser's decisions with which the job works,
    and `token` identifies this plan. `choices` are the values of the form on the upload's page, by
    field. `found` is empty until every row has been counted.
    """

    __tablename__ = "upload_check"

    contact_list_id: Mapped[int] = mapped_column(
        ForeignKey("contact_list.id", ondelete="CASCADE"), primary_key=True
    )
    token: Mapped[str] = mapped_column(String(16))
    plan: Mapped[dict[str, Any]]
    choices: Mapped[dict[str, Any]]
    rows: Mapped[int] = mapped_column(default=0)
    found: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    fault: Mapped[str | None]
    begun_at: Mapped[datetime] = mapped_column(default=now)
    progress_at: Mapped[datetime] = mapped_column(default=now)
