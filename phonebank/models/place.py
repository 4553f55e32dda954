"""Postcode districts and towns, each with its centre."""

from sqlalchemy import Identity, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base


class Place(Base):
    """A postcode district or a town. `phonebank migrate` may replace all rows of this table
    (`places.load`), so no other table has foreign keys to it."""

    __tablename__ = "place"
    __table_args__ = (
        UniqueConstraint("country", "code"),
        # This index finds names that begin with a typed text, in any collation.
        Index("ix_place_key", "key", postgresql_ops={"key": "text_pattern_ops"}),
        Index("ix_place_also", "also", postgresql_where="also <> ''"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    country: Mapped[str] = mapped_column(String(2))  # ISO 3166-1
    # A part of addresses: a postcode like "SW9", or a town like "newport-near-telford".
    code: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(200))
    # A nearby town that distinguishes this town from others with the same name. For an American ZIP
    # code, this is its state.
    near: Mapped[str] = mapped_column(String(120), default="")
    # `key` is the name and `also` another name of the town, both as `typed.key_of` writes them.
    key: Mapped[str] = mapped_column(String(200))
    also: Mapped[str] = mapped_column(String(200), default="")
    latitude: Mapped[float]  # degrees, WGS 84
    longitude: Mapped[float]
    # None for a postcode.
    population: Mapped[int | None]
