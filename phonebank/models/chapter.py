"""Chapters: local groups, each with its own campaigns."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now


class Chapter(Base):
    """A local group. A campaign belongs to one chapter or to none."""

    __tablename__ = "chapter"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
