"""Sign-in links: a signed note of who comes in, until when, and where to.

A link works once and, unless it is asked to live longer, for fifteen minutes. Both, because each
covers what the other cannot: a link may lie for years in a mailbox, a proxy's log or a browser's
history, and fifteen minutes is long enough to be read over somebody's shoulder. No table holds
them: the account remembers the newest link used, and that link and all older ones are spent.
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
    """The link was used, is too old, or was never ours; which of these is nobody's business."""

    def __init__(self) -> None:
        super().__init__("This link has been used or has expired.", "Ask for a new one.")


@dataclass(frozen=True)
class Link:
    """A link that is good at the moment it is read."""

    account: Account
    issued_at: datetime
    next: str
    reusable: bool


def token_for(
    account: Account, next: str = "/", lives_for: timedelta = LIVES_FOR, reusable: bool = False
) -> str:
    """The secret part of a new link for the account.

    `next` is where it leads, a path on this site. `reusable` links work again and again until
    they expire, and never in production: the demonstration prints them.
    """
    issued = now()
    return _serializer().dumps(
        {
            # Not the id: this one changes when an account is signed out everywhere.
            "account": account.fs_uniquifier,
            "issued": (issued - EPOCH) // MICROSECOND,
            "until": (issued + lives_for - EPOCH) // MICROSECOND,
            "next": path_on_this_site(next),
            "reusable": reusable,
        }
    )


def read(token: str) -> Link:
    """What the link says. Raises LinkExpiredError when it is not, or no longer, good for
    anything."""
    try:
        note = _serializer().loads(token)
    except BadData:
        raise LinkExpiredError from None
    link = Link(
        account=_active_account(note["account"]),
        issued_at=EPOCH + note["issued"] * MICROSECOND,
        next=note["next"],
        reusable=note["reusable"],
    )
    config = current_config()
    spent_until = link.account.links_spent_until
    if (
        now() >= EPOCH + note["until"] * MICROSECOND
        or (link.reusable and config.is_production)
        or (not link.reusable and spent_until is not None and link.issued_at <= spent_until)
    ):
        raise LinkExpiredError
    return link


def spend(link: Link) -> None:
    """Use the link up. Of two that spend it at the same moment, one gets LinkExpiredError, and so
    does who comes after the account was deactivated or its role changed. The account stays locked
    until the commit."""
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
    # Which decide whether a second factor is asked for.
    db.session.expire(link.account)


def path_on_this_site(address: str | None) -> str:
    """The address if it is a plain path here, else "/", so that no link of ours leads away.

    Browsers read a backslash as a slash and skip control characters, so neither is let through.
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
