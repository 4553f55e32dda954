"""A browser in which an account is signed in.

The row itself is the session. If the row does not exist, a cookie gives no access, even if its
signature is valid.
"""

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
    # SHA-256, in hexadecimal, of the secret in the browser's cookie, so that a copy of this table
    # gives no access.
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    # The browser in words, such as “Firefox on Android”, so that people recognise their own
    # browsers.
    device: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    # Updated every few minutes while the session is used.
    seen_at: Mapped[datetime] = mapped_column(default=now)

    account: Mapped[Account] = relationship()
