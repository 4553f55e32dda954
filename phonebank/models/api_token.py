"""Tokens that let other software use the API of one campaign."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from phonebank.models.base import Base, now


class Scope(StrEnum):
    """What a token may do."""

    READ_CONTACTS = "contacts:read"
    READ_OUTCOMES = "outcomes:read"
    WRITE_CONTACTS = "contacts:write"
    ADD_DO_NOT_CALL = "do-not-call:add"


class ApiToken(Base):
    """One token of one campaign. The row has the token's hash and not the token, so nobody can read
    the token from the row.

    The row stays after the token is revoked.
    """

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(
        ForeignKey("campaign.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(80))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[Any]] = mapped_column(default=list)
    # The token works while this account is an organiser of the campaign.
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    # The newest contact list of the people whom the token has added; None until it adds somebody.
    contact_list_id: Mapped[int | None] = mapped_column(
        ForeignKey("contact_list.id", ondelete="SET NULL")
    )
