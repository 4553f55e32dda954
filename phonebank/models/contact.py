"""A person to call in one campaign, and the person's contact status there."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    String,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now
from phonebank.models.state_column import state_check, state_text, state_type

# The last name and then the first name, in lower case, as an expression of SQL that PostgreSQL
# stores unchanged.
SORT_NAME = "ltrim(lower((last_name::text || ' '::text) || first_name::text))"


class ContactState(StrEnum):
    """The states of a contact, which say whether the contact can be called in this campaign."""

    CALLABLE = "callable"  # may be called once `callable_at` has passed
    FINISHED = "finished"  # nothing more to ask in this campaign
    UNUSABLE = "unusable"  # no number of the contact works
    TAKEN_OUT = "taken_out"  # a file says not to call the contact; undoing the file ends this


class Contact(Base):
    """A person to call in one campaign.

    `suppressed_at` is set while a number of the contact is on the do-not-call list. It is separate
    from `state`. So if the number is later taken off that list, the contact still has its earlier
    state.
    """

    __tablename__ = "contact"
    __table_args__ = (
        state_check(ContactState),
        # One foreign key for both columns, because PostgreSQL checks each key of each row that an
        # import inserts.
        ForeignKeyConstraint(
            ["contact_list_id", "campaign_id"],
            ["contact_list.id", "contact_list.campaign_id"],
            ondelete="CASCADE",
        ),
        # Two rows of a campaign with the same name and the same number are duplicates. Rows with
        # the same number and different names are a household.
        UniqueConstraint("campaign_id", "phone", "name_key"),
        # A refill reads contacts in the order of this index. For each list, zone and language it
        # reads first the untried contacts, then the contacts whose wait has ended.
        Index(
            "ix_contact_callable",
            "contact_list_id",
            "zone_key",
            "language",
            "tried",
            "callable_at",
            "id",
            postgresql_where=state_text(
                "state = :callable AND suppressed_at IS NULL", callable=ContactState.CALLABLE
            ),
        ),
        Index(
            "ix_contact_callback",
            "campaign_id",
            "callback_at",
            postgresql_where=text("callback_at IS NOT NULL"),
        ),
        Index("ix_contact_phone", "phone"),
        # With this index a do-not-call entry finds the contacts that have its number among their
        # further numbers.
        Index(
            "ix_contact_other_phones",
            "other_phones",
            postgresql_using="gin",
            postgresql_ops={"other_phones": "jsonb_path_ops"},
            postgresql_where=text("other_phones <> '[]'"),
        ),
        # The API reads a list's contacts along this index, a page at a time.
        Index("ix_contact_list_order", "contact_list_id", "id"),
        # Webhooks report people in the order in which they came onto the do-not-call list.
        Index(
            "ix_contact_suppressed",
            "campaign_id",
            "suppressed_at",
            "id",
            postgresql_where=text("suppressed_at IS NOT NULL"),
        ),
        # With this index an organiser finds a person by name. It sorts by bytes, so names with the
        # same beginning are side by side in every locale.
        Index(
            "ix_contact_sort_name",
            "campaign_id",
            literal_column(SORT_NAME).label("sort_name"),
            postgresql_ops={"sort_name": "text_pattern_ops"},
        ),
        # Other software and organisers find people by the ID that the uploaded list gives them.
        Index(
            "ix_contact_external_id",
            "campaign_id",
            "external_id",
            postgresql_where=text("external_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int]
    contact_list_id: Mapped[int]
    external_id: Mapped[str | None] = mapped_column(String(120))
    first_name: Mapped[str] = mapped_column(String(120), default="")
    last_name: Mapped[str] = mapped_column(String(120), default="")
    # Both names joined, in lower case. Two rows with the same key and the same number are one
    # person.
    name_key: Mapped[str] = mapped_column(String(250), default="")
    # E.164; "" if the person was erased. Such a row has no personal data. It stays because of its
    # calls, so that the totals stay true.
    phone: Mapped[str] = mapped_column(String(20))
    phone_original: Mapped[str] = mapped_column(String(120), default="")
    # Further numbers, E.164, to call if the first proves wrong.
    other_phones: Mapped[list[Any]] = mapped_column(default=list)
    postcode: Mapped[str | None] = mapped_column(String(20))
    email: Mapped[str | None] = mapped_column(String(255))
    language: Mapped[str] = mapped_column(String(8), default="")
    # The sorted time zones the person may be in, joined by "|" (calling_hours.zones_key).
    zone_key: Mapped[str] = mapped_column(String(400), default="")
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)

    state: Mapped[ContactState] = mapped_column(
        state_type(ContactState), default=ContactState.CALLABLE
    )
    tried: Mapped[bool] = mapped_column(default=False)
    callable_at: Mapped[datetime] = mapped_column(default=now)
    # When the wait after the last try ends, at any hour. `callable_at` is the first moment from
    # then on that is inside the campaign's calling hours. If the hours change, `callable_at` is
    # computed again.
    rested_at: Mapped[datetime | None]
    suppressed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    # Attempts on the day `attempts_on`, in the contact's own time zone.
    attempts_that_day: Mapped[int] = mapped_column(default=0)
    attempts_on: Mapped[date | None]
    last_outcome: Mapped[str | None] = mapped_column(String(20))
    last_called_at: Mapped[datetime | None]
    callback_at: Mapped[datetime | None]
    # The caller who promised to call back. For a while from `callback_at` on, only this caller gets
    # the contact (`contact_queue.redis_queue.CALLBACK_RESERVED_SECONDS`).
    callback_caller_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("caller.id", ondelete="SET NULL")
    )
    created_at: Mapped[datetime] = mapped_column(default=now)
