"""Sign-in links. Each link has a signed token, which contains the account's identifier, the page
that the link leads to, and the times at which the link was made and expires.

A link works once and, by default, for fifteen minutes. Only a reusable link works more than once
(see `token_for`). The time limit is needed because a link may stay for years in a mailbox, a
proxy's log or a browser's history. A link works only once because fifteen minutes are long enough
for a stranger to read the link off a screen. No table stores the links. An account's row stores
when the newest used link was made. This link and the account's older links no longer work.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import or_, select, update

from phonebank.core.config import current_config
from phonebank.core.db import db
from phonebank.core.errors import GoneError
from phonebank.models import Account, now

LIVES_FOR = timedelta(minutes=15)
SALT = "sign-in link"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class LinkExpiredError(GoneError):
    """The error for a link that cannot be used, for example because it was used before, is too old
    or is forged. The message is the same for every reason."""

    def __init__(self) -> None:
        super().__init__("This link has been used or has expired.", "Ask for a new one.")


@dataclass(frozen=True)
class Link:
    """A link that was valid when `read` checked its token."""

    account: Account
    issued_at: datetime
    next: str
    reusable: bool


def token_for(
    account: Account, next: str = "/", lives_for: timedelta = LIVES_FOR, reusable: bool = False
) -> str:
    """Return the token of a new link for the account.

    `next` is the path on this site that the link leads to. A `reusable` link works any number of
    times until it expires, but never in production. Outside production, Phonebank's commands print
    such links.
    """
    issued = now()
    return _serializer().dumps(
        {
            # The link names this identifier and not the id, because signing out everywhere changes
            # the identifier and so ends the link.
            "account": account.fs_uniquifier,
            "issued": (issued - EPOCH) // MICROSECOND,
            "until": (issued + lives_for - EPOCH) // MICROSECOND,
            "next": path_on_this_site(next),
            "reusable": reusable,
        }
    )


def read(token: str) -> Link:
    """Return the link that this token encodes.

    Raises LinkExpiredError if the token is forged, if the link has expired, or if this link or a
    newer link of the account was used. Also raises it if the account was deactivated or signed out
    everywhere after the link was made.

    A reusable link differs in two ways. In production, it always raises LinkExpiredError.
    Elsewhere, it still works after a link of the account was used.
    """
    try:
        payload = _serializer().loads(token)
    except BadData:
        raise LinkExpiredError from None
    link = Link(
        account=_active_account(payload["account"]),
        issued_at=EPOCH + payload["issued"] * MICROSECOND,
        next=payload["next"],
        reusable=payload["reusable"],
    )
    config = current_config()
    spent_until = link.account.links_spent_until
    if (
        now() >= EPOCH + payload["until"] * MICROSECOND
        or (link.reusable and config.is_production)
        or (not link.reusable and spent_until is not None and link.issued_at <= spent_until)
    ):
        raise LinkExpiredError
    return link


def spend(link: Link) -> None:
    """Mark the link as used, and lock the account's row until the commit. For a reusable link, do
    nothing.

    Raises LinkExpiredError if, since `read` returned the link, another request has used this link
    or a newer link of the account. Also raises it if the account has been deactivated or signed out
    everywhere since then.
    """
    if link.reusable:
        return
    spent = db.session.execute(
        update(Account)
        .where(
            Account.id == link.account.id,
            Account.active,
            Account.fs_uniquifier == link.account.fs_uniquifier,
            or_(
                Account.links_spent_until.is_(None),
                Account.links_spent_until < link.issued_at,
            ),
        )
        .values(links_spent_until=link.issued_at)
        .returning(Account.id)
    )
    if spent.first() is None:
        raise LinkExpiredError
    # The view reads the reloaded columns to decide whether a second factor is needed.
    db.session.expire(link.account)


def path_on_this_site(address: str | None) -> str:
    """Return the address if it is a plain path on this site, otherwise "/".

    Browsers read a backslash as a slash and skip control characters, so an address with either of
    them is not a plain path.
    """
    address = address or "/"
    if not address.startswith("/") or address.startswith(("//", "/\\")) or "\\" in address:
        return "/"
    if not address.isprintable():
        return "/"
    parts = urlsplit(address)
    return "/" if parts.scheme or parts.netloc else address


def _active_account(uniquifier: str) -> Account:
    account = db.session.scalar(
        select(Account).where(Account.fs_uniquifier == uniquifier, Account.active)
    )
    if account is None:
        raise LinkExpiredError
    return account


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=SALT)
