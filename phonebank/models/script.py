"""A campaign's scripts and their versions. `scripts_library` decides what a version may contain."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now


class Script(Base):
    __tablename__ = "script"

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(120))
    published_version_id: Mapped[int | None] = mapped_column(
        ForeignKey("script_version.id", use_alter=True, ondelete="SET NULL")
    )
    # YAML that an organiser is still editing; None when everything is published.
    draft: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class ScriptVersion(Base):
    """One version of a script. The text of a version never changes after the version is stored. So
    the words that a caller read in a call can still be found later."""

    __tablename__ = "script_version"
    __table_args__ = (UniqueConstraint("script_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    script_id: Mapped[int] = mapped_column(ForeignKey("script.id", ondelete="CASCADE"))
    number: Mapped[int]
    source: Mapped[str]  # YAML, which scripts_library reads
    # The answers that need action, by step, as in `source`: {"lift": ["yes"]}. Queries read them.
    needs_action: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    # The tags that answers give, by step and answer: {"lift": {"yes": "needs a lift"}}.
    tags: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
