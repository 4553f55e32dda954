"""Filters, which choose the people whom callers get by what is known about them, and the tags of
people."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now


class PeopleFilter(Base):
    """A choice of a campaign's people, such as those in one ward.

    `conditions` has the columns, areas and tags (`roster.people_filters.Conditions`). A job finds
    the people, and `people` is how many there were at `counted_at`.
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
    """A person who fits a filter."""

    __tablename__ = "filter_member"

    filter_id: Mapped[int] = mapped_column(
        ForeignKey("people_filter.id", ondelete="CASCADE"), primary_key=True
    )
    contact_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class ContactTag(Base):
    """A tag that an organiser has given a person."""

    __tablename__ = "contact_tag"

    contact_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True
    )
    tag: Mapped[str] = mapped_column(String(40), primary_key=True, index=True)
