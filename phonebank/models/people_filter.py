"""People's tags, and the filters that choose which people callers get."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now


class PeopleFilter(Base):
    """A selection of a campaign's people, such as those in one ward.

    `conditions` has the columns, areas and tags by which people are selected
    (`roster.people_filters.Conditions`). A job finds the people. `people` is how many people the
    job found, and `counted_at` is when it found them. `counted_at` is None until the job has run.
    """

    __tablename__ = "people_filter"
    __table_args__ = (UniqueConstraint("campaign_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    conditions: Mapped[dict[str, Any]]
    people: Mapped[int] = mapped_column(default=0)
    counted_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class FilterMember(Base):
    """A person who matched a filter when the job last looked."""

    __tablename__ = "filter_member"

    filter_id: Mapped[int] = mapped_column(
        ForeignKey("people_filter.id", ondelete="CASCADE"), primary_key=True
    )
    contact_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class ContactTag(Base):
    """A person's tag and its source: an upload, an answer in a call, or an organiser. If the row
    names no upload and no call, the source is an organiser. If a person's tag has several sources,
    there is a row for each source."""

    __tablename__ = "contact_tag"
    __table_args__ = (
        Index(
            "uq_contact_tag_source",
            "contact_id",
            "tag",
            "contact_list_id",
            "call_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index(
            "ix_contact_tag_list",
            "contact_list_id",
            postgresql_where=text("contact_list_id IS NOT NULL"),
        ),
        Index("ix_contact_tag_call", "call_id", postgresql_where=text("call_id IS NOT NULL")),
        Index("ix_contact_tag_answered", "given_at", postgresql_where=text("call_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    contact_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("contact.id", ondelete="CASCADE")
    )
    tag: Mapped[str] = mapped_column(String(40), index=True)
    contact_list_id: Mapped[int | None] = mapped_column(
        ForeignKey("contact_list.id", ondelete="CASCADE")
    )
    call_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"))
    given_at: Mapped[datetime] = mapped_column(default=now, server_default=func.now())
