"""One browser that an account is signed in with. The row is the session: without it, a cookie
opens nothing, however well it is signed."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from phonebank.models.account import Account
from phonebank.models.base import Base, now


class AccountSession(Base):
    __tablename__ = "account_session"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    # SHA-256, in hex, of the secret in the browser's cookie: a copy of this table opens nothing.
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    # The browser in words, as in “Firefox on Android”, so that people recognise their own.
    device: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    # Renewed every few minutes while it is used.
    seen_at: Mapped[datetime] = mapped_column(default=now)

    account: Mapped[Account] = relationship()
